"""Where things stand in the report's window and on paper."""

from pathlib import Path

import pytest

from renderer.report.page import write_report
from tests.renderer import reports
from tests.renderer.browser import Opened, chromium


@pytest.fixture(scope="module")
def browser():
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two panels with findings and failures."""
    folder = tmp_path_factory.mktemp("places")
    write_report(reports.report(folder), folder / "report.html", lambda done, of: None)
    return folder / "report.html"


@pytest.mark.parametrize("width", [1280, 360])
def test_a_link_to_a_frame_shows_its_panel(browser, path: Path, width: int) -> None:
    with Opened(browser, path, viewport={"width": width, "height": 720}) as opened:
        links = opened.page.locator("button.jump[data-panel]:not([data-panel=''])")
        assert links.count()
        link = links.first
        panel = int(link.get_attribute("data-panel"))
        opened.page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
        link.evaluate("(button) => { button.closest('details')?.setAttribute('open', '') }")
        link.click()
        opened.until(
            """(panel) => {
              const figure = document.querySelectorAll("#panels .panel")[panel];
              const box = figure.getBoundingClientRect();
              const dock = document.getElementById("dock").getBoundingClientRect();
              const whole = box.top >= -1 && box.bottom <= dock.top + 1;
              return whole || (box.height > dock.top && box.top < dock.top / 2 && box.bottom > 0);
            }""",
            panel,
        )
        assert opened.complaints == []


def test_on_paper_the_facts_of_a_page_have_room(browser, path: Path) -> None:
    with Opened(browser, path, "#frame=20&block=1&panel=A") as opened:
        opened.frame(20)
        opened.page.emulate_media(media="print")
        opened.page.set_viewport_size({"width": 720, "height": 1000})  # about that of A4
        facts = opened.page.locator("#page-facts").bounding_box()
        table = opened.page.locator("table.legend").bounding_box()
        assert facts["width"] > 250
        assert facts["x"] + facts["width"] <= 720
        assert table["x"] + table["width"] <= 720
