"""`pagereel explain`: in words, or as a video in slow motion."""

from pathlib import Path

from pipeline.config import UsageError
from pipeline.explain.text import chosen, moments_text
from pipeline.recording import Recording


def explain_command(
    path: Path,
    *,
    kinds: tuple[str, ...],
    ops: tuple[int, ...],
    most: int,
    output: Path | None,
    stream: Path | None,
    force: bool,
    **look: object,
) -> None:
    """Print the chosen moments of a recording, or make a video of them.

    Raises UsageError, RecordingError, CannotRepeat, RenderError, OSError.
    """
    recording = Recording.open(path)
    moments = chosen(recording, kinds, ops, most)
    if output is None:
        print(moments_text(recording, moments), end="")
        return
    if not moments:
        raise UsageError(f"{path}: nothing to explain")
    from pipeline.draw import draw_slow_motion

    draw_slow_motion(path, moments, output, stream, force, **look)
