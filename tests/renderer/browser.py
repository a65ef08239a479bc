"""A real Chromium for the tests of the report; without one they are left out, with the reason."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator:
    """A browser of playwright's that is the system's Chromium."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """The browser, for all tests of a module."""
    with chromium() as made:
        yield made


class Opened:
    """A page with a report; what it asked the network for and what it complained of."""

    def __init__(self, browser, path: Path, link: str = "", before: str = "", **context) -> None:
        self._context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, **context}
        )
        self.page = self._context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._console)
        if before:
            self.page.add_init_script(before)
        self.page.goto(path.as_uri() + link)
        self.page.evaluate("() => pagereel.ready")

    def _console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *fault: object) -> None:
        self._context.close()

    def state(self, key: str) -> object:
        return self.page.evaluate("(key) => pagereel.state()[key]", key)

    def until(self, expression: str, argument: object = None) -> None:
        """Wait until an expression of JavaScript holds."""
        self.page.wait_for_function(expression, arg=argument, timeout=20_000)

    def frame(self, number: int) -> None:
        """Wait until the panels show a frame."""
        self.until("(n) => pagereel.drawn() === n && pagereel.state().frame === n", number)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def fact(self, name: str) -> str:
        return self.text(f'[data-fact="{name}"]')

    def point(self, panel: int, cell: int) -> tuple[float, float]:
        """Where a cell stands in the window, CSS pixels."""
        return tuple(
            self.page.evaluate(
                """([panel, cell]) => {
                  const canvas = document.getElementById(`map-${panel}`);
                  const [x, y] = pagereel.placeOf(panel, cell);
                  const box = canvas.getBoundingClientRect();
                  const unit = [box.width / canvas.width, box.height / canvas.height];
                  return [box.left + (x + 0.5) * unit[0], box.top + (y + 0.5) * unit[1]];
                }""",
                [panel, cell],
            )
        )
