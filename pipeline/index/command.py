"""`pagereel index`: a folder of runs as one page for a browser."""

from pathlib import Path

from pipeline.config import UsageError, check_file
from pipeline.index.listing import listing
from pipeline.version import version
from renderer.index.page import write_index

FILE = "index.html"


def index_command(folder: Path, configs: Path | None, output: Path | None, force: bool) -> None:
    """Write the page and print its name. Raises UsageError, RenderError, OSError."""
    page = output or folder / FILE
    if page.is_dir():
        page = page / FILE
    if page.suffix != ".html":
        raise UsageError(f"{page}: the name must end in .html, or be a folder")
    entries = listing(folder, configs, page)
    check_file(page, force)
    page.parent.mkdir(parents=True, exist_ok=True)
    write_index(entries, f"Runs in {folder.resolve().name}", f"pagereel {version()}", page)
    print(page)
