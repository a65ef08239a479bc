"""A pageblock's history on the page is the recording's: events of the engine, types, pages."""

import re
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from allocator.terms import EVENT_CLAIM, EVENT_FALLBACK, MIGRATETYPES
from pipeline.genealogy.changes import touches
from pipeline.genealogy.history import History
from pipeline.recording import Recording
from renderer.report import events as report_events
from renderer.report.data import page_data
from renderer.report.pack import pack
from renderer.report.page import write_report
from renderer.report.places import extent_in_cells, pack_places
from tests.renderer import reports
from tests.renderer.browser import Opened
from tests.renderer.reports import BLOCK_PAGES, CLAIM_FRAME, CLAIMED_BLOCK


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory):
    """The report of two simulated recordings and its page."""
    folder = tmp_path_factory.mktemp("simulated")
    report = reports.simulated(folder)
    write_report(report, folder / "report.html", lambda done, of: None)
    return report, folder / "report.html"


def an(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def words(recording: Recording, number: int) -> str:
    """What is to be said of a claim or a steal, from the events alone."""
    events, event = recording.events, recording.events[number]
    maker = event
    if event["kind"] == EVENT_CLAIM:
        later = [e for e in events[number:] if e["kind"] == EVENT_FALLBACK]
        maker = later[0]
        assert maker["op"] == event["op"]
    own = 1 << recording.header["mechanism"]["grouping"]["block_order"]
    asked = f"{an(MIGRATETYPES[event['migratetype']])} request of order {maker['order']}"
    found = an(MIGRATETYPES[maker["fallback_migratetype"]])
    block = f"{found} block of order {maker['fallback_order']}"
    claim = event["kind"] == EVENT_CLAIM
    at = ""
    if own != BLOCK_PAGES and (claim or event["free_pages"] >= 0):
        start = event["pfn"] // own * own
        at = f" (pfn {start} to {start + own - 1}{' at once' if claim else ''})"
    counted = ", free as a whole" if claim and 1 << int(maker["fallback_order"]) >= own else ""
    if event["free_pages"] >= 0:
        alike = (
            f" and {event['alike_pages']} in use that suit it" if event["alike_pages"] > 0 else ""
        )
        counted = f", {event['free_pages']:,} of {own:,} pages free{alike}"
    if claim:
        was = MIGRATETYPES[event["fallback_migratetype"]]
        return f"claimed by {asked}, which takes {block}; was {was}{counted}{at}"
    return f"a steal by {asked}: takes {block}{counted}{at}"


def account(recording: Recording, block: int) -> list[tuple[int, str]]:
    """Frame and words of everything in a pageblock's history, in no order within a frame."""
    history = History(recording)
    at = touches(history, (EVENT_CLAIM, EVENT_FALLBACK))
    rows = []
    for number, frame in zip(at.event[at.block == block], at.frame[at.block == block], strict=True):
        event = recording.events[number]
        if event["kind"] == EVENT_CLAIM or not event["claimed"]:
            rows.append((min(int(frame), len(recording) - 1), words(recording, number)))
    types = history.types[:, block]
    for frame in np.flatnonzero(np.diff(types.astype(int))) + 1:
        rows.append((int(frame), f"its type is {MIGRATETYPES[types[frame]]} now"))
    frame = 0
    for held, run in groupby((history.kernel_pages[:, block] > 0).tolist()):
        text = "first page that cannot move" if held else "no page that cannot move any more"
        if not frame:
            text = "holds a page that cannot move from the beginning on" if held else ""
        rows += [(frame, text)] if text else []
        frame += len(list(run))
    return sorted(rows)


def busiest(recording: Recording) -> list[int]:
    """Pageblocks with most claims and steals, and one with the fewest."""
    history = History(recording)
    at = touches(history, (EVENT_CLAIM, EVENT_FALLBACK))
    counts = np.bincount(at.block, minlength=history.blocks)
    short = [int(block) for block in np.argsort(-counts, kind="stable") if counts[block] < 180]
    return [*short[:4], short[-1]]


@pytest.mark.parametrize("panel", [0, 1], ids=["pageblocks of 1024 pages", "of 512 pages"])
def test_the_history_of_simulated_pageblocks_is_pythons_account(browser, simulated, panel) -> None:
    report, path = simulated
    recording = report.panels[panel].recording
    shown_kinds = set()
    for block in busiest(recording):
        link = f"#panel={'AB'[panel]}&block={block}"
        with Opened(browser, path, link) as shown:
            title = (
                f"() => document.getElementById('history-title').textContent.endsWith(' {block}')"
            )
            shown.until(title)
            rows = shown.page.evaluate(
                """() => [...document.querySelectorAll("#history-list li")].map((row) =>
                  [Number(row.children[0].textContent.slice(6)), row.children[2].textContent])"""
            )
        assert [frame for frame, _ in rows] == sorted(frame for frame, _ in rows)
        assert sorted((frame, text) for frame, text in rows) == account(recording, block)
        shown_kinds |= {text.split(" ")[0] for _, text in rows}
    assert {"claimed", "its", "first"} <= shown_kinds
    assert panel == 1 or "a" in shown_kinds


def test_a_claim_of_1024_pages_is_told_of_in_both_tiles(simulated) -> None:
    recording = simulated[0].panels[0].recording
    claims = recording.events[recording.events["kind"] == EVENT_CLAIM]
    assert set(claims["order"].tolist()) == {10}
    first = int(claims["pfn"][0]) // BLOCK_PAGES
    [told] = {words(recording, int(np.flatnonzero(recording.events["kind"] == EVENT_CLAIM)[0]))}
    for block in (first, first + 1):
        assert told in [text for _, text in account(recording, block)]


def test_before_the_claim_the_page_says_when_it_will_be(browser, tmp_path: Path) -> None:
    path = reports.written(tmp_path)
    for frame, text in [
        (CLAIM_FRAME - 1, f"not up to this frame; first at frame {CLAIM_FRAME}"),
        (CLAIM_FRAME, "claimed by an unmovable request of order 0, which takes a movable block "
         "of order 7; was movable, 301 of 512 pages free and 12 in use that suit it, "
         f"frame {CLAIM_FRAME}"),
    ]:  # fmt: skip
        with Opened(browser, path, f"#frame={frame}&block={CLAIMED_BLOCK}") as shown:
            shown.until("() => document.querySelector('[data-fact=claimed]')")
            assert shown.fact("claimed") == text


def data_of(report) -> dict:
    packed = pack([panel.recording for panel in report.panels])
    extents = [
        extent_in_cells(panel.recording.header, part.cells)
        for panel, part in zip(report.panels, packed, strict=True)
    ]
    return page_data(report, packed, pack_places(extents)[0])


def test_too_many_steals_cost_no_claim(simulated, monkeypatch) -> None:
    monkeypatch.setattr(report_events, "STEALS_MAX", 3)
    panel = data_of(simulated[0])["panels"][0]
    recording = simulated[0].panels[0].recording
    kinds = recording.events["kind"]
    steals = np.flatnonzero((kinds == EVENT_FALLBACK) & (recording.events["claimed"] == 0))
    assert panel["events"]["kind"].count(EVENT_CLAIM) == (kinds == EVENT_CLAIM).sum()
    assert panel["events"]["kind"].count(EVENT_FALLBACK) == 3
    assert panel["left_out"] == {
        "told": True,
        "claims": 0,
        "steals": len(steals) - 3,
        "dropped": 0,
        "claims_from_op": None,
        "steals_from_op": int(recording.events["op"][steals[3]]),
    }


def test_the_page_says_what_is_left_out(browser, simulated, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(report_events, "STEALS_MAX", 3)
    monkeypatch.setattr(report_events, "CLAIMS_MAX", 0)
    path = tmp_path / "cut.html"
    write_report(simulated[0], path, lambda done, of: None)
    with Opened(browser, path, "#panel=A&block=9&frame=5") as shown:
        shown.until("() => document.getElementById('history-more').textContent")
        more = shown.text("#history-more")
        assert re.search(r"Later claims, from frame \d+ on, are not in this page", more)
        assert re.search(r"Later steals, from frame \d+ on, are not in this page", more)
        assert "later claims are not in this page" in shown.fact("claimed")
        limits = shown.page.locator(".limits").inner_text()
    assert re.search(r"Panel A: \d+ later claims are not in this page", limits)
    assert re.search(r"Panel A: \d+ later steals are not in this page", limits)


def test_a_claim_without_its_request_names_no_order(browser, tmp_path: Path) -> None:
    report = reports.report(tmp_path, 1)
    recording = report.panels[0].recording
    vars(recording)["events"] = recording.events[recording.events["kind"] == EVENT_CLAIM]
    columns = report_events.event_data(recording)
    write_report(report, tmp_path / "alone.html", lambda done, of: None)
    assert columns["request_order"] == [report_events.UNKNOWN]
    with Opened(browser, tmp_path / "alone.html", f"#block={CLAIMED_BLOCK}") as shown:
        shown.page.locator("#history-list li").first.wait_for()
        text = shown.page.locator("#history-list .claim span").last.inner_text()
    assert text == (
        "claimed for unmovable; was movable, 301 of 512 pages free and 12 in use that suit it"
    )
