"""What pictures are drawn of: recordings with the figure that stands beside their name."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pipeline.artefacts import Task
from pipeline.config import UsageError
from pipeline.metadata import label_of, of_recording
from pipeline.metrics import METRICS, measured
from pipeline.metrics.evidence import Evidence, eligible_blocks
from pipeline.plain_text import counted
from pipeline.recording import Recording, RecordingError
from pipeline.run_folder import RunFolder
from pipeline.views.clock import OnClock, clock_of
from pipeline.views.difference import Difference
from pipeline.views.zoom import Zoom
from renderer.layouts import layout_named
from renderer.palette import DIFFERENCE, page_palette_named
from renderer.panel import MAX_PANELS, Panel, check_panels
from renderer.scene import size_named
from renderer.sheet import MAX_ROWS

FIGURE = "potential_huge"
TEXT = "{value:,.0f} of {maximum:,.0f} blocks can become a huge page"
TEXT_SHORT = "{value:,.0f} of {maximum:,.0f} blocks can be huge"
TEXT_NONE = "memory is in huge pages: no figure"
HUGE_PAGES = "hugetlb_pages"
CHART_TITLE = "blocks that can become a huge page"
DIFFERENCE_TEXT = "{value:+,.0f} blocks can become a huge page"
DIFFERENCE_SHORT = "{value:+,.0f} blocks can be huge"
DIFFERENCE_TITLE = "more blocks than A that can become a huge page"
IN_ALL = ", whole machine"
PAGES = "_pages"  # ends the columns of series.csv that count the pages of a class
BASELINE = "baseline"  # in the header of a difference: what the first recording is

Values = Callable[[Recording, str], np.ndarray]


@dataclass
class Measured:
    """`values` of recordings without a series.csv: measured when asked for, read once.

    A metric, or the pages of a class.
    """

    _evidence: dict[Path, Evidence] = field(default_factory=dict)

    def __call__(self, recording: Recording, metric: str) -> np.ndarray:
        """The metric at each frame, f8[frames]. Raises RecordingError."""
        if recording.path not in self._evidence:
            self._evidence[recording.path] = Evidence(recording)
        evidence = self._evidence[recording.path]
        if metric in METRICS:
            return measured(metric, evidence)
        return evidence.pages_of(metric.removesuffix(PAGES))


@dataclass(frozen=True)
class Drawing:
    """How pictures are drawn. `values(recording, metric)` gives f8[frames].

    `size`: a name of renderer.scene.SIZES, None: as large as the panels ask for. `pfns`: the first
    and last page to show. `difference`: all recordings against the first. `captions`: with what
    the findings say.
    """

    layout: str = "blocks"
    fps: int = 20
    values: Values = field(default_factory=Measured)
    palette: str = "standard"
    size: str | None = None
    pfns: tuple[int, int] | None = None
    difference: bool = False
    captions: bool = False

    @property
    def look(self) -> dict[str, str | None]:
        """Layout, palette and size, as the renderer takes them."""
        colours = DIFFERENCE.name if self.difference else self.palette
        return {"layout": self.layout, "palette": colours, "size": self.size}


def drawing_of(run: RunFolder) -> Drawing:
    """How a run's configuration wants its pictures; their figures are those of its series.csv."""
    config = run.config
    return Drawing(
        config.layout, config.fps, run.values, palette=config.palette, size=config.size or None
    )


def check_look(layout: str, palette: str, size: str | None) -> None:
    """Raises LayoutError, PaletteError for a name that doesn't exist."""
    layout_named(layout)
    page_palette_named(palette)
    if size:
        size_named(size)


def picture_tasks(
    run: RunFolder, name: str, write: Callable[..., None], most: int = MAX_PANELS
) -> list[Task]:
    """A task `write(paths, target, drawing)` for each workload of a run.

    `name` is a path below the run folder; its file name gets the workload's prefix. Raises
    UsageError for more than `most` mechanisms.
    """
    result = []
    for prefix, shown in run.drawn().items():
        if len(shown) > most:
            raise UsageError(
                f"{name} shows at most {most} mechanisms, this run has {len(shown)}; name the "
                "artefacts to make (--only)"
            )
        target = Path(name).with_name(prefix + Path(name).name)
        paths = [run.path(cell) for cell in shown]
        arguments = (paths, run.folder / target, drawing_of(run))
        result.append(Task(str(target), write, arguments, (str(target),)))
    return result


def panels(paths: list[Path], drawing: Drawing) -> list[Panel]:
    """One panel a recording; of differences, one for each but the first.

    Raises RecordingError, UsageError, PanelError.
    """
    whole = _on_one_clock([_panel(opened(path), drawing.values) for path in paths])
    check_panels(whole, at_most=MAX_ROWS)
    shown = _differences(whole) if drawing.difference else whole
    return [_zoomed(panel, *drawing.pfns) for panel in shown] if drawing.pfns else shown


def _on_one_clock(whole: list[Panel]) -> list[Panel]:
    """Panels of recordings of the same requests, where only their frames differ, at the fewest."""
    clock = clock_of([panel.recording for panel in whole])
    return [_on_clock(panel, clock) if clock else panel for panel in whole]


def _on_clock(panel: Panel, clock: Recording) -> Panel:
    if panel.recording is clock:
        return panel
    view = OnClock(panel.recording, clock)
    note = f"{panel.name}: frames up to {counted(view.early_ops, 'request')} early"
    notes = (*panel.notes, note) if view.early_ops else panel.notes
    return replace(panel, recording=view, values=panel.values[view.frames], notes=notes)


def opened(path: Path) -> Recording:
    """A recording that has something to show. Raises RecordingError."""
    recording = Recording.open(path)
    if not len(recording):
        raise RecordingError(f"{path}: it ends before its first frame")
    return recording


def picture_metadata(shown: list[Panel]) -> dict:
    """What a picture says of the recordings it shows."""
    headers = [panel.recording.header for panel in shown]
    about = {"recordings": [of_recording(header) for header in headers]}
    if BASELINE not in headers[0]:
        return about
    return {"difference": {"baseline": headers[0][BASELINE], **about}}


def shown_values(recording: Recording, metric: str, values: Values) -> np.ndarray:
    """A metric as pictures show it, f8[frames]: NaN where it pauses, see Metric."""
    shown = np.asarray(values(recording, metric), float)
    if not METRICS[metric].pauses:
        return shown
    return np.where(values(recording, HUGE_PAGES) > 0, np.nan, shown)


def _panel(recording: Recording, values: Values) -> Panel:
    mechanism = recording.header["mechanism"]
    classes = recording.header["page_classes"]
    return Panel(
        recording=recording,
        title=mechanism["title"],
        name=label_of(recording.header),
        values=shown_values(recording, FIGURE, values),
        maximum=float(eligible_blocks(recording).sum()),
        text=TEXT,
        text_short=TEXT_SHORT,
        chart_title=CHART_TITLE,
        text_none=TEXT_NONE,
        classes_present=tuple(n for n in classes if (values(recording, f"{n}{PAGES}") > 0).any()),
    )


def _differences(whole: list[Panel]) -> list[Panel]:
    """Every panel but the first against the first."""
    check_panels(whole, at_most=MAX_ROWS)
    if len(whole) < 2:
        raise UsageError("a difference needs two recordings or more; the first is the baseline")
    base, *others = whole
    values = [panel.values - base.values for panel in others]
    known = np.concatenate([*values, [0.0]])
    bounds = {"minimum": float(np.nanmin(known)), "maximum": float(np.nanmax(known))}
    return [
        _difference(panel, base, number, values=row, **bounds)
        for number, (panel, row) in enumerate(zip(others, values, strict=True), 1)
    ]


def _difference(panel: Panel, base: Panel, place: int, **figures: object) -> Panel:
    view = Difference(panel.recording, base.recording)
    view.header[BASELINE] = of_recording(base.recording.header)
    view.header["title"] = f"Difference from A, {base.title}: {view.header['title']}"

    def corner(frame: int) -> str:
        return f"{view.spared(frame):,} spared, {view.spoiled(frame):,} spoiled"

    notes = [f"A: {base.title}, {base.name}"]
    if view.counted_in_one:
        notes.append(f"{view.counted_in_one:,} pageblocks count in one of the two only")
    return replace(
        panel,
        recording=view,
        title=f"{panel.title} \N{MINUS SIGN} A",
        text=DIFFERENCE_TEXT,
        text_short=DIFFERENCE_SHORT,
        chart_title=DIFFERENCE_TITLE,
        classes_present=None,
        notes=tuple(notes),
        corner=corner,
        place=place,
        **figures,
    )


def _zoomed(panel: Panel, first_pfn: int, last_pfn: int) -> Panel:
    """The same panel with some pages only; its figure stays that of the whole machine."""
    view = Zoom(panel.recording, first_pfn, last_pfn)
    pages = panel.recording.header["geometry"]["pages"]
    notes = (
        f"zoom: pfn {view.first_pfn:,} to {view.last_pfn:,} of 0 to {pages - 1:,}",
        "all figures: of the whole machine",
    )
    return replace(
        panel,
        recording=view,
        text=f"{panel.text}{IN_ALL}",
        text_short=f"{panel.text_short}, in all",
        chart_title=f"{panel.chart_title}{IN_ALL}",
        notes=(*panel.notes, *notes),
    )
