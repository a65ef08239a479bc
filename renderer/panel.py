"""Panels: a recording with what is said of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipeline.recording import Recording

MAX_PANELS = 8


class PanelError(ValueError):
    """Panels that cannot share a picture: one line."""


_PAGES_PER_MIB = 256


@dataclass(frozen=True)
class Panel:
    """One recording in a picture, or a view of one (pipeline/views), and the figure that matters.

    `values` f8 or i8[frames] is that figure at each frame (not finite: there is none), `minimum`
    and `maximum` its bounds, `text` how it is told, with {value} and {maximum}, `text_none` what is
    told where there is none. It is handed in: the renderer computes no statistics.

    `classes_present`: the page classes of any frame, for the legend; None where it isn't known.
    `notes` stand below the legend. `corner(frame)` is told beside the figure in place of the failed
    requests. `place` gives the panel the letter and colour of that place; None: of its own.
    `text_short` stands for `text` where there is little room.
    """

    recording: Recording
    title: str
    name: str
    values: np.ndarray
    maximum: float
    text: str
    chart_title: str
    text_none: str = "no figure here"
    minimum: float = 0.0
    classes_present: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    corner: Callable[[int], str] | None = None
    place: int | None = None
    text_short: str = ""

    def figure(self, frame: int, *, short: bool = False) -> str:
        """The figure at a frame in words."""
        value = self.values[frame]
        if not np.isfinite(value):
            return self.text_none
        text = self.text_short if short and self.text_short else self.text
        return text.format(value=value, maximum=self.maximum)

    def longest_figure(self, *, short: bool = False) -> str:
        """The longest that the figure can be told in."""
        text = self.text_short if short and self.text_short else self.text
        bounds = (self.minimum, self.maximum)
        return max((text.format(value=v, maximum=self.maximum) for v in bounds), key=len)

    def free_text(self, frame: int) -> str:
        """Free memory at a frame, as the recording's series tells it; empty where it doesn't."""
        if not self._free_columns:
            return ""
        pages = int(self.recording.series[frame, self._free_columns].sum())
        return f"{pages / _PAGES_PER_MIB:,.0f} MiB free"

    @cached_property
    def _free_columns(self) -> list[int]:
        columns = self.recording.header["series_columns"]
        return [n for n, name in enumerate(columns) if name.startswith("free_pages:")]

    def failed_text(self, frame: int, *, short: bool = False) -> str:
        """Requests that failed up to a frame; empty where the recording doesn't tell.

        Or what the panel has for this corner.
        """
        if self.corner:
            return self.corner(frame)
        columns = self.recording.header["series_columns"]
        if "failed_requests" not in columns:
            return ""
        failed = int(self.recording.series[frame, columns.index("failed_requests")])
        if short:
            return f"{failed:,} failed"
        return f"{failed:,} request{'' if failed == 1 else 's'} failed"


def check_panels(panels: Sequence[Panel], at_most: int = MAX_PANELS) -> None:
    """Raise PanelError unless the panels can share one clock and one picture."""
    if not 1 <= len(panels) <= at_most:
        raise PanelError(f"{len(panels)} panels; a picture holds 1 to {at_most}")
    first = panels[0].recording
    if not len(first):
        raise PanelError(f"{first.path}: it has no frame")
    for panel in panels:
        recording = panel.recording
        if len(recording) != len(first):
            raise PanelError(
                f"{recording.path} has {len(recording)} frames and {first.path} {len(first)}: "
                "panels share one clock"
            )
        if not _same_clock(recording, first):
            raise PanelError(
                f"{recording.path} and {first.path} weren't taken at the same requests and times: "
                "panels share one clock"
            )
        if len(panel.values) != len(recording):
            raise PanelError(
                f"panel {panel.name!r} has {len(panel.values)} values for {len(recording)} frames"
            )


def _same_clock(one: Recording, other: Recording) -> bool:
    names = [[phase["name"] for phase in r.header["phases"]] for r in (one, other)]
    return names[0] == names[1] and all(
        np.array_equal(getattr(one, column), getattr(other, column))
        for column in ("ops", "times_us", "phases")
    )


def clock_text(time_us: int) -> str:
    """A time as minutes and seconds, with hours where there are any."""
    seconds = int(time_us) // 1_000_000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def joined(texts: Sequence[str]) -> str:
    """Texts of several panels, each once."""
    return " · ".join(dict.fromkeys(texts))


def source_text(recording: Recording) -> str:
    """Where a recording comes from; says first whether it was simulated or recorded."""
    source = recording.header["source"]
    kind, text = str(source.get("kind", "")), str(source.get("text", ""))
    word = "simulated" if kind == "simulation" else "recorded"
    if not text:
        return f"{word} ({kind})" if kind else "source not told"
    if not recording.complete:
        text += "; cut short: its writer was stopped"
    return text if text.lower().startswith(("simulat", "record", "replay")) else f"{word}; {text}"
