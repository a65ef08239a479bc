"""Slow motion: a recording made again with a frame for each operation around its moments."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from allocator.mechanism import Mechanism
from pipeline.again import stream_of
from pipeline.artefacts.panels import Drawing, panels, picture_metadata
from pipeline.explain.moments import Moment
from pipeline.recording import Recording
from pipeline.scratch import scratch_folder
from pipeline.simulate import simulate
from pipeline.views.repeated import Repeated
from renderer.annotations import Annotation
from renderer.panel import Panel
from renderer.video import write_video

BASE_FRAMES = 240  # of the whole recording, to come from one moment to the next
OPS_AROUND = 6  # before and behind a moment, with a frame each
EACH_OP_S, MOMENT_S = 0.15, 3.0  # how long an operation and a moment are shown


def write_slow_motion(
    path: Path,
    moments: list[Moment],
    target: Path,
    drawing: Drawing,
    stream_path: Path | None,
    *,
    progress: Callable[[int, int], None],
) -> None:
    """A video of the recording at `path` that slows down at the moments, and says why.

    Raises CannotRepeat, RecordingError, RenderError, OSError.
    """
    recording = Recording.open(path)
    stream = stream_of(recording, stream_path)
    mechanism = Mechanism.model_validate(recording.header["mechanism"])
    stops = stops_of(recording.ops, [moment.op for moment in moments])
    with scratch_folder() as folder:
        again = folder / path.name
        simulate(stream, mechanism, again, stops=stops)
        (panel,) = panels([again], drawing)
        frames = sequence(stops, [moment.op for moment in moments], drawing.fps)
        write_video(
            [_repeated(panel, frames)],
            target,
            **drawing.look,
            fps=drawing.fps,
            annotations=annotations(stops[frames], moments),
            metadata=picture_metadata([panel]) | {"explained_ops": [m.op for m in moments]},
            progress=progress,
        )


def stops_of(recorded_ops: np.ndarray, ops: list[int]) -> np.ndarray:
    """Operations done at each frame, i8 ascending: some evenly, and each one around `ops`."""
    last = len(recorded_ops) - 1
    places = np.linspace(0, last, min(BASE_FRAMES, last + 1)).round().astype(int)
    around = [np.arange(op + 1 - OPS_AROUND, op + 2 + OPS_AROUND) for op in ops]
    stops = np.unique(np.concatenate([recorded_ops[places], *around]))
    return stops[(stops >= 0) & (stops <= recorded_ops[-1])].astype(np.int64)


def sequence(stops: np.ndarray, ops: list[int], fps: int) -> np.ndarray:
    """The frames to be shown in order, i8: those around a moment longer, its own longest."""
    times = np.ones(len(stops), np.int64)
    for op in ops:
        times[abs(stops - (op + 1)) <= OPS_AROUND] = max(round(EACH_OP_S * fps), 1)
    times[np.isin(stops, np.array(ops) + 1)] = round(MOMENT_S * fps)
    return np.repeat(np.arange(len(stops)), times)


def annotations(shown_ops: np.ndarray, moments: list[Moment]) -> tuple[Annotation, ...]:
    """What is said and marked: from a moment on until its surroundings end or the next begins."""
    result = []
    ends = [moment.op + 1 for moment in moments[1:]] + [None]
    for moment, next_op in zip(moments, ends, strict=True):
        first = int(np.searchsorted(shown_ops, moment.op + 1))
        last = int(np.searchsorted(shown_ops, moment.op + 1 + OPS_AROUND, side="right")) - 1
        if next_op is not None:
            last = min(last, int(np.searchsorted(shown_ops, next_op)) - 1)
        text = f"{moment.sentence[0].upper()}{moment.sentence[1:]}"
        result.append(Annotation(first, last, None, text, moment.pfns))
    return tuple(result)


def _repeated(panel: Panel, frames: np.ndarray) -> Panel:
    return replace(
        panel,
        recording=Repeated(panel.recording, frames),
        values=np.asarray(panel.values)[frames],
    )
