"""The report in a real Chromium: what it shows is what was recorded, however one moves in it."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipeline.recording import Recording
from renderer import palette
from renderer.report import pack
from renderer.report.page import write_report
from renderer.report.report import Curves
from tests.renderer import reports, synthetic
from tests.renderer.browser import Opened
from tests.renderer.reports import (
    BLOCK_PAGES,
    CLAIM_FRAME,
    CLAIMED_BLOCK,
    FRAMES,
    LONE_PFN,
    RECOVERY_FRAME,
)

LAST = FRAMES - 1


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    """The report of the tests and its page."""
    folder = tmp_path_factory.mktemp("report")
    report = reports.report(folder)
    return report, reports.written(folder)


@pytest.fixture
def opened(browser, made):
    with Opened(browser, made[1]) as shown:
        yield shown
        assert shown.complaints == []
        assert len(shown.requests) == 1  # for the page itself


def test_every_frame_of_every_panel_is_exact(opened, made) -> None:
    for number, panel in enumerate(made[0].panels):
        found = opened.page.evaluate(
            """async (panel) => {
              const grids = [];
              for (let n = 0; n < pagereel.data().frames; n++) {
                const grid = await pagereel.grid(panel, (n * 37) % pagereel.data().frames);
                grids.push(String.fromCharCode(...grid));
              }
              return grids;
            }""",
            number,
        )
        expected = [panel.recording.grid(n * 37 % FRAMES) for n in range(FRAMES)]
        assert [grid.encode("latin-1") for grid in found] == [grid.tobytes() for grid in expected]


def pixels(opened: Opened, panel: int, cells: int = reports.PAGES) -> np.ndarray:
    """The colours of a panel's cells as they stand on the canvas, u1[cells, 3]."""
    found = opened.page.evaluate(
        """([panel, cells]) => {
          const canvas = document.getElementById(`map-${panel}`);
          const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const colours = [];
          for (let cell = 0; cell < cells; cell++) {
            const [x, y] = pagereel.placeOf(panel, cell);
            const at = 4 * (y * canvas.width + x);
            colours.push([...image.data.slice(at, at + 3)]);
          }
          return colours;
        }""",
        [panel, cells],
    )
    return np.array(found, np.uint8)


@pytest.mark.parametrize(
    ("theme", "colours"), [("light", palette.STANDARD), ("dark", palette.DARK)]
)
@pytest.mark.parametrize("layout", ["blocks", "hilbert"])
def test_the_canvases_show_the_palette(browser, made, theme, colours, layout) -> None:
    report, path = made
    with Opened(browser, path, f"#frame=33&theme={theme}&layout={layout}") as shown:
        for number, panel in enumerate(report.panels):
            table = palette.class_colours(panel.recording.header["page_classes"], colours)
            assert np.array_equal(pixels(shown, number), table[panel.recording.grid(33)])


def test_a_cell_is_a_whole_number_of_device_pixels(browser, made) -> None:
    for dpr in (1, 1.5, 3):
        with Opened(browser, made[1], device_scale_factor=dpr) as shown:
            scale = shown.page.evaluate(
                """() => {
                  const canvas = document.getElementById("map-0");
                  return canvas.getBoundingClientRect().width * devicePixelRatio / canvas.width;
                }"""
            )
            assert scale == pytest.approx(round(scale), abs=0.01)
            assert scale >= 1


def drag(opened: Opened, selector: str, frame: int) -> None:
    """Press the pointer on the chart or the slider where a frame is."""
    opened.page.evaluate("() => new Promise(requestAnimationFrame)")
    box = opened.page.locator(selector).bounding_box()
    x = box["x"] + 46 + frame / LAST * (box["width"] - 46 - 26)
    opened.page.mouse.move(x - 3, box["y"] + box["height"] / 2)
    opened.page.mouse.down()
    opened.page.mouse.move(x, box["y"] + box["height"] / 2)
    opened.page.mouse.up()


@pytest.mark.parametrize("selector", ["#chart-box", "#slider"])
def test_moving_on_chart_and_slider_moves_panels_clock_and_table(opened, made, selector) -> None:
    drag(opened, selector, 60)
    opened.frame(60)
    table = palette.class_colours(made[0].panels[1].recording.header["page_classes"])
    assert np.array_equal(pixels(opened, 1), table[made[0].panels[1].recording.grid(60)])
    assert opened.text("#clock-frame") == f"frame 60 of {LAST}"
    assert opened.text("#clock-time") == "2:00 of 2:18"
    assert opened.text("#phase-title") == "at rest"
    assert opened.text("#figure-1") == "2 of 8 blocks can become a huge page"
    assert opened.text("tr.now:visible th button") == "rest"
    slider = opened.page.locator("#slider")
    assert slider.get_attribute("aria-valuenow") == "60"
    assert slider.get_attribute("aria-valuetext") == "frame 60 of 69, 2:00, at rest"


def test_play_goes_on_and_stops_at_the_end(opened) -> None:
    opened.page.select_option("#speed", "8")
    opened.page.click("#play")
    opened.frame(LAST)
    opened.until("() => !pagereel.state().playing")
    assert opened.page.get_attribute("#play", "aria-label") == "play"


def test_play_at_the_end_begins_anew_and_pauses(opened) -> None:
    opened.page.evaluate("(last) => pagereel.show(last)", LAST)
    opened.page.select_option("#speed", "0.25")  # the end is far, however slow the machine is
    opened.page.click("#play")
    assert opened.page.get_attribute("#play", "aria-label") == "pause"
    opened.until("() => pagereel.state().frame > 0 && pagereel.state().frame < 69")
    opened.page.click("#play")
    assert opened.state("playing") is False


def test_the_keyboard_does_it_all(opened) -> None:
    press = opened.page.keyboard.press
    for key, frame in [
        ("ArrowRight", 1), ("Shift+ArrowRight", 11), ("ArrowLeft", 10), ("]", 35), ("[", 0),
        ("End", LAST), ("Home", 0), (".", 1), (",", 0), ("PageDown", 50), ("]", LAST),
    ]:  # fmt: skip
        press(key)
        assert opened.state("frame") == frame, key
    press("Home")
    press("+")
    assert opened.state("speed") == 2
    for _ in range(3):
        press("-")
    assert opened.state("speed") == 0.25  # the end is far, however slow the machine is
    press(" ")
    opened.until("() => pagereel.state().frame > 0")
    press(" ")
    assert opened.state("playing") is False
    press("2")
    opened.until("() => document.getElementById('map-0').closest('figure').hidden")
    press("2")
    opened.until("() => !document.getElementById('map-0').closest('figure').hidden")
    press("?")
    assert opened.page.locator("#help").is_visible()
    press("Escape")
    assert opened.page.locator("#help").is_hidden()


def test_arrows_on_a_map_move_the_page(opened) -> None:
    opened.page.locator(".map").nth(1).focus()
    press = opened.page.keyboard.press
    press("Shift+ArrowRight")
    assert (opened.state("panel"), opened.state("cell")) == (1, 512)
    press("ArrowRight")
    press("ArrowDown")
    assert opened.state("cell") == 512 + 1 + 32
    opened.until("() => document.querySelector('[data-fact=pfn]')?.textContent === '545 (0x221)'")
    assert opened.state("frame") == 0
    press("Escape")
    assert opened.state("cell") is None


def test_focus_is_never_trapped(opened) -> None:
    seen = []
    for _ in range(80):
        opened.page.keyboard.press("Tab")
        seen.append(opened.page.evaluate("() => document.activeElement.id"))
    assert {"theme", "play", "slider", "metric"} <= set(seen)


@pytest.mark.parametrize("frame", [0, 39, 40, LAST])
def test_a_page_is_told_of(opened, made, frame) -> None:
    recording = made[0].panels[0].recording
    opened.page.evaluate("(frame) => pagereel.show(frame)", frame)
    opened.page.mouse.move(*opened.point(0, LONE_PFN))
    opened.until(
        f"() => document.querySelector('[data-fact=pfn]')?.textContent.startsWith('{LONE_PFN} ')"
    )
    assert opened.fact("pfn") == f"{LONE_PFN} (0x{LONE_PFN:x})"
    assert opened.fact("class") == "unmovable"
    assert opened.fact("order") == "3: 8 pages in one allocation"
    assert opened.fact("zone") == "Movable"
    assert opened.fact("pageblock") == "4, movable"
    assert opened.fact("claimed") == "never in this recording"
    since = reports.RENEWAL_FRAME if frame >= reports.RENEWAL_FRAME else 0
    seconds = int(recording.times_us[frame] - recording.times_us[since]) // 1_000_000
    expected = {
        0: "here since the beginning, less than a second or more",
        39: "here since the beginning, 78 s or more",
        40: "here for less than a second, since frame 40",
        LAST: f"here for {seconds} s, since frame 40",
    }
    assert opened.fact("age") == expected[frame]
    assert opened.page.locator("#marks-1 .page").count() > 0  # the same page, in the other panel


def test_last_changes_and_orders_are_the_recordings(opened, made) -> None:
    recording = made[0].panels[1].recording
    rng = np.random.default_rng(3)
    grids = np.array(list(recording.grids()))
    for pfn in rng.integers(0, reports.PAGES, 30).tolist():
        frame = int(rng.integers(0, FRAMES))
        changed = np.flatnonzero(np.diff(grids[: frame + 1, pfn].astype(int)))
        found = opened.page.evaluate(
            "([pfn, frame]) => pagereel.lastChange(1, pfn, frame)", [pfn, frame]
        )
        renewed = [reports.RENEWAL_FRAME] if pfn == LONE_PFN and frame >= 40 else []
        assert found == max([0, *(changed[-1:] + 1), *renewed])


def test_a_click_shows_the_history_and_it_leads_to_its_frames(opened) -> None:
    opened.page.mouse.click(*opened.point(1, CLAIMED_BLOCK * 512 + 8))
    opened.page.locator("#history-list li").first.wait_for()
    assert opened.text("#history-title").split() == ["B", "pageblock", str(CLAIMED_BLOCK)]
    entries = opened.page.locator("#history-list li").all_inner_texts()
    assert [re.sub(r"\s+", " ", entry) for entry in entries] == [
        f"frame {CLAIM_FRAME} 0:40 claimed by an unmovable request of order 0, which takes a "
        "movable block of order 7; was movable, 301 of 512 pages free and 12 in use that suit it",
        f"frame {CLAIM_FRAME} 0:40 its type is unmovable now",
        f"frame {CLAIM_FRAME} 0:40 first page that cannot move",
        f"frame {RECOVERY_FRAME} 1:40 no page that cannot move any more",
    ]
    assert "in 30 of 70 frames" in opened.text("#history-sum")
    opened.page.locator("#history-list button").last.click()
    opened.frame(RECOVERY_FRAME)
    opened.until(
        "() => document.querySelector('[data-fact=claimed]').textContent.startsWith('claimed by')"
    )
    opened.page.locator("#history-list button").first.click()
    opened.frame(CLAIM_FRAME)


def test_every_pageblock_over_time_shows_its_worst_class(opened, made) -> None:
    opened.page.locator("#overview").scroll_into_view_if_needed()
    opened.until("() => document.getElementById('overview').dataset.made")
    recording = made[0].panels[1].recording
    names = recording.header["page_classes"]
    ranks, colours = palette.class_ranks(names), palette.class_colours(names)
    starts = np.arange(0, reports.PAGES, BLOCK_PAGES)
    worst = np.array([np.maximum.reduceat(ranks[grid], starts) for grid in recording.grids()])
    code_of_rank = {int(rank): code for code, rank in enumerate(ranks)}
    expected = np.array([[colours[code_of_rank[rank]] for rank in row] for row in worst.tolist()])
    found = opened.page.evaluate(
        """() => {
          const canvas = document.getElementById("overview-1");
          const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return [canvas.height, canvas.width, [...image.data]];
        }"""
    )
    shown = np.array(found[2], np.uint8).reshape(*found[:2], 4)[:, :, :3]
    assert np.array_equal(shown.transpose(1, 0, 2), expected)
    box = opened.page.locator("#overview-1").bounding_box()
    x = box["x"] + box["width"] * 40.5 / FRAMES
    opened.page.mouse.click(x, box["y"] + box["height"] * (CLAIMED_BLOCK + 0.5) / len(starts))
    opened.frame(40)
    assert (opened.state("panel"), opened.state("cell")) == (1, CLAIMED_BLOCK * BLOCK_PAGES)


def test_rows_below_lead_to_frames_and_mark_pages(opened) -> None:
    opened.page.click(".findings button")
    opened.frame(44)
    assert opened.state("panel") == 1
    assert opened.page.locator("#marks-1 .range").count() > 0
    opened.page.click("section[aria-labelledby=blame-title] button")
    opened.frame(31)
    assert opened.state("marked") == {"panel": 0, "ranges": [[LONE_PFN, LONE_PFN]]}
    opened.page.click(".summary:visible tbody tr:nth-child(2) button")
    opened.frame(60)
    opened.page.click("[data-metric=mixed]")
    assert opened.text("#metric-title") == "blocks that mix"
    assert opened.page.locator(".summary:visible").get_attribute("data-of") == "mixed"


def test_a_link_says_what_is_shown(browser, made) -> None:
    with Opened(browser, made[1], "#frame=21&block=3&panel=B&metric=mixed&theme=dark") as shown:
        shown.frame(21)
        keys = ("panel", "cell", "metric", "theme")
        assert [shown.state(key) for key in keys] == [1, 1536, "mixed", "dark"]
        assert shown.page.locator("#notice").is_hidden()
        shown.page.keyboard.press("ArrowRight")
        shown.until("() => location.hash.includes('frame=22')")
        assert "block=3" in shown.page.url
        shown.page.evaluate("() => { location.hash = '#frame=5&pfn=2100'; }")
        shown.frame(5)
        assert shown.state("cell") == LONE_PFN


HOSTILE = (
    "frame=-1",
    "frame=1e1",
    "frame=99999999999999999999",
    "block=10",
    "pfn=4999",
    "panel=C",
    "metric=constructor",
    "theme=%3Cb%3E",
    "x=<img src=x onerror=alert(1)>",
)


def test_a_link_that_cannot_be_is_left_out_and_told(browser, made) -> None:
    with Opened(browser, made[1], "#frame=999") as shown:
        assert "left out: frame=999" in shown.text("#notice-text")
        for link in HOSTILE:
            shown.page.click("#notice-close")
            shown.page.evaluate("(link) => { location.hash = link; }", link)
            shown.page.locator("#notice").wait_for()
            assert f"left out: {link.split('=')[0]}=" in shown.text("#notice-text")
            assert (shown.state("frame"), shown.state("cell")) == (0, None)
            assert shown.page.locator("#notice-text *").count() == 0
        assert shown.complaints == []


def test_light_and_dark_follow_the_system_and_the_button(browser, made) -> None:
    background = "() => getComputedStyle(document.body).backgroundColor"
    with Opened(browser, made[1], color_scheme="dark") as shown:
        dark = shown.page.evaluate(background)
        shown.page.click("#theme")
        assert shown.state("theme") == "light"
        assert shown.page.evaluate(background) != dark
    with Opened(browser, made[1], color_scheme="light") as shown:
        assert shown.state("theme") == "light"
        shown.page.keyboard.press("t")
        assert shown.page.evaluate(background) == dark


def test_four_panels_of_512_mib_stand_whole_above_the_controls(browser, tmp_path: Path) -> None:
    pages, frames, folder = 131_072, 3, tmp_path / "panels"
    folder.mkdir()
    shown = [
        replace(panel, title="grouping and ZONE_MOVABLE", text=panel.text.replace("{v", "100{v"))
        for panel in synthetic.panels(folder, 4, pages, frames=frames)
    ]
    curves = [Curves("potential_huge", "", "blocks", "higher", [p.values for p in shown])]
    nothing = {"samples": [], "summary": {}, "findings": [], "failures": [], "lasting": []}
    path = reports.written(tmp_path, count=1, panels=shown, curves=curves, **nothing)
    with Opened(browser, path, viewport={"width": 1440, "height": 900}) as opened:
        found = opened.page.evaluate(
            """() => ({
              top: document.getElementById("dock").getBoundingClientRect().top,
              maps: [...document.querySelectorAll(".map canvas")].map((canvas) => {
                const box = canvas.getBoundingClientRect();
                return [box.bottom, box.width / canvas.width, box.height / canvas.height];
              }),
            })"""
        )
        assert [scale for _, *scale in found["maps"]] == [[1, 1]] * 4
        assert max(bottom for bottom, *_ in found["maps"]) <= found["top"]
        low = opened.page.locator("#chart").bounding_box()["height"]
        opened.page.click("#chart-tall")
        assert opened.page.get_attribute("#chart-tall", "aria-pressed") == "true"
        assert opened.page.locator("#chart").bounding_box()["height"] > 3 * low


def test_times_stand_below_the_frames_that_show_them(browser, simulated_times) -> None:
    path, times_us = simulated_times
    with Opened(browser, path) as opened:
        found = opened.page.evaluate(
            """() => {
              const box = document.querySelectorAll("#phases .phase rect");
              const left = Number(box[0].getAttribute("x"));
              const last = box[box.length - 1];
              const right = Number(last.getAttribute("x")) + Number(last.getAttribute("width"));
              return [...document.querySelectorAll("#times .time")].map((time) => {
                const text = time.querySelector("text");
                const share = (Number(text.getAttribute("x")) - left) / (right - left);
                return [Number(time.dataset.time), text.textContent, share];
              });
            }"""
        )
    frames = np.arange(len(times_us))
    assert len(found) > 8
    for seconds, text, share in found:
        minutes, rest = divmod(int(seconds), 60)
        assert text == f"{minutes}:{rest:02}"
        assert share * frames[-1] == pytest.approx(np.interp(seconds * 1e6, times_us, frames))
    shares = [share for *_, share in found]
    assert min(after - before for before, after in pairwise(shares)) * 1200 > 69


@pytest.fixture
def simulated_times(made, tmp_path: Path):
    """A page whose frames are unevenly spaced in time, and their times."""
    report = made[0]
    times_us = (np.arange(FRAMES) ** 2 * 30_000).astype(np.int64)
    panels = []
    for panel in report.panels:
        recording = Recording.open(panel.recording.path)
        vars(recording)["times_us"] = times_us
        panels.append(replace(panel, recording=recording))
    path = tmp_path / "times.html"
    write_report(replace(report, panels=panels), path, lambda done, of: None)
    return path, times_us


@pytest.mark.parametrize("width", [320, 360, 768])
def test_nothing_is_wider_than_a_phone(browser, made, width) -> None:
    with Opened(
        browser, made[1], "#frame=21&block=3", viewport={"width": width, "height": 700},
        device_scale_factor=2, has_touch=True,
    ) as shown:  # fmt: skip
        assert shown.page.evaluate("() => document.documentElement.scrollWidth") == width
        shown.page.touchscreen.tap(*shown.point(0, 40))
        shown.until("() => pagereel.state().cell === 40")
        shown.page.locator("#brief").wait_for()  # all of it stands far below
        shown.until("() => document.getElementById('brief').textContent.includes('pfn 40:')")


def test_paper_is_light_and_has_no_buttons(browser, made) -> None:
    report, path = made
    with Opened(browser, path, "#frame=33&theme=dark&block=3") as shown:
        shown.page.emulate_media(media="print")
        shown.until("() => document.documentElement.dataset.theme === 'light'")
        table = palette.class_colours(report.panels[0].recording.header["page_classes"])
        assert np.array_equal(pixels(shown, 0), table[report.panels[0].recording.grid(33)])
        for hidden in ("#play", "#theme", "#zoom-0"):
            assert shown.page.locator(hidden).is_hidden()
        for there in ("#map-1", "#chart", ".summary.chosen", "#phase-title"):
            assert shown.page.locator(there).is_visible()
        assert len(shown.page.pdf(format="A4", landscape=True, print_background=True)) > 20_000
        shown.page.emulate_media(media="screen")
        shown.until("() => document.documentElement.dataset.theme === 'dark'")


def test_a_machine_that_is_too_large_says_so(browser, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pack, "CELLS_MAX", 2000)
    with Opened(browser, reports.written(tmp_path, count=1), "#frame=66&pfn=2103") as shown:
        assert "a cell stands for 4 pages and shows the worst class" in shown.text(".warning")
        shown.until("() => document.querySelector('[data-fact=pfn]')")
        assert shown.fact("pfn") == "2100 to 2103 (0x834 to 0x837)"
        assert shown.fact("worst class") == "unmovable"
        assert shown.state("cell") == 525
        assert shown.page.evaluate("() => pagereel.data().panels[0].cells") == -(
            -reports.PAGES // 4
        )
        assert shown.complaints == []


def test_a_browser_that_cannot_unpack_is_told(browser, made) -> None:
    with Opened(browser, made[1], before="delete window.DecompressionStream") as shown:
        assert "cannot unpack" in shown.text("#notice-text")
        assert shown.page.locator(".summary").first.is_visible()


def test_hostile_names_stay_names(browser, tmp_path: Path) -> None:
    evil = "</script><script>bad=1</script> \" ' & <img src=x onerror=bad=1>\n\u2028{{7*7}}"
    report = reports.report(tmp_path, 1, title=evil)
    header = report.panels[0].recording.header
    header["mechanism"].update(name=evil, title=evil)
    header["phases"][0].update(title=evil)
    header["geometry"]["zones"][0]["name"] = evil
    path = tmp_path / "evil.html"
    panel = replace(report.panels[0], title=evil, name=evil)
    write_report(replace(report, panels=[panel]), path, lambda done, of: None)
    with Opened(browser, path, "#frame=21&block=3") as shown:
        assert shown.page.evaluate("() => window.bad ?? null") is None
        assert shown.page.title() == re.sub("[ \n]+", " ", f"{evil} · pagereel")
        assert shown.page.locator("h1").text_content() == evil
        assert evil.split("\n")[0] in shown.text("#phase-title")
        assert shown.page.locator(".panel h3", has_text="</script>").count() == 1
        assert shown.page.locator("img").count() == 0
        assert shown.complaints == []
        assert len(shown.requests) == 1


UNNAMED = """() => [
    ...document.querySelectorAll("button, select, input, a, [role=slider], canvas, svg"),
  ]
  .filter((e) => !e.closest("[aria-hidden=true]") && !e.closest("[hidden]"))
  .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() ||
    (e.labels && e.labels[0] && e.labels[0].textContent.trim())))
  .map((e) => e.outerHTML.slice(0, 80))"""

FAINT = """() => {
  const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const under = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$/.test(colour) && colour !== "transparent") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const faint = [];
  for (const e of document.querySelectorAll("body *:not(svg *):not(script):not(option)")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility()) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(under(e))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) faint.push(`${e.tagName} ${e.className} ${contrast.toFixed(2)}`);
  }
  return faint;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_can_be_read_and_every_control_has_a_name(browser, made, theme) -> None:
    with Opened(browser, made[1], f"#frame=21&block=3&theme={theme}") as shown:
        shown.page.locator("#history-list li").first.wait_for()
        assert shown.page.evaluate(UNNAMED) == []
        assert shown.page.evaluate(FAINT) == []
        shown.page.keyboard.press("?")
        assert shown.page.evaluate(FAINT) == []


def test_the_page_has_landmarks_headings_and_text_for_the_maps(opened) -> None:
    found = opened.page.evaluate(
        """() => ({
          lang: document.documentElement.lang,
          h1: document.querySelectorAll("h1").length,
          main: document.querySelectorAll("main").length,
          twice: [...document.querySelectorAll("[id]")].map((e) => e.id)
            .filter((id, n, all) => all.indexOf(id) !== n),
          lost: [...document.querySelectorAll("[aria-labelledby], [aria-describedby]")]
            .flatMap((e) => [e.getAttribute("aria-labelledby"), e.getAttribute("aria-describedby")])
            .filter((id) => id && !document.getElementById(id)),
          levels: [...document.querySelectorAll("h1, h2, h3")].map((e) => Number(e.tagName[1])),
        })"""
    )
    levels = found.pop("levels")
    assert found == {"lang": "en", "h1": 1, "main": 1, "twice": [], "lost": []}
    assert all(after - before <= 1 for before, after in pairwise(levels))
    opened.page.evaluate("() => pagereel.show(33)")
    opened.until("() => document.getElementById('map-text-0').textContent.startsWith('Frame 33')")
    text = opened.page.locator("#map-text-0").text_content()
    assert "blocks can become a huge page" in text
    assert "unmovable" in text


def test_the_counts_beside_the_legend_are_the_recordings(opened, made) -> None:
    opened.page.evaluate("() => pagereel.show(50)")
    recording = made[0].panels[1].recording
    expected = np.bincount(recording.grid(50), minlength=9)
    names = recording.header["page_classes"]
    opened.until(
        "(n) => document.getElementById('count-1-free').textContent.replace(',', '') === n",
        str(expected[names.index("free")]),
    )
    for name, count in zip(names, expected.tolist(), strict=True):
        assert opened.text(f"#count-1-{name}").replace(",", "") == str(count)
