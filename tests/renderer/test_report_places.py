"""Where things stand in the report's window and on paper."""

from pathlib import Path

import pytest

from renderer.report.page import write_report
from tests.renderer import reports
from tests.renderer.browser import Opened


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


@pytest.mark.parametrize("width", [1280, 1600, 360])
def test_counts_of_large_machines_fit_beside_four_panels(browser, path: Path, width: int) -> None:
    """Six digits in four columns: none is cut off."""
    with Opened(browser, path, viewport={"width": width, "height": 720}) as opened:
        widths = opened.page.evaluate(
            """() => {
              const table = document.querySelector("table.legend");
              for (const row of table.rows) {
                const last = row.cells[row.cells.length - 1];
                while (row.cells.length < 5) row.append(last.cloneNode(true));
                for (const cell of [...row.cells].slice(1)) cell.textContent = "103,478";
              }
              return [table.scrollWidth, table.parentElement.clientWidth];
            }"""
        )
        assert widths[0] <= widths[1]
