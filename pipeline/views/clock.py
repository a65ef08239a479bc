"""One clock for recordings of the same requests that have frames at different moments."""

from collections.abc import Sequence

import numpy as np

from pipeline.recording import Recording
from pipeline.views.view import View


class OnClock(View):
    """A recording with a frame at each of the `ops`, i8, ascending: its last at or before it.

    `frames` i8: which of its own stands there; `early_ops`: by how many operations at most it is
    from before.
    """

    def __init__(self, of: Recording, clock: Recording) -> None:
        super().__init__(of, of.header)
        self.frames = np.maximum(np.searchsorted(of.ops, clock.ops, side="right") - 1, 0)
        self.early_ops = int((clock.ops - of.ops[self.frames]).max(initial=0))
        self.ops, self.times_us, self.phases = clock.ops, clock.times_us, clock.phases

    def __len__(self) -> int:
        """Frames of the clock."""
        return len(self.frames)

    @property
    def series(self) -> np.ndarray:
        """Rows of the frames that are shown."""
        return self.of.series[self.frames]

    def grid(self, index: int) -> np.ndarray:
        """Codes of the frame that is shown, u1[pages]."""
        return self.of.grid(int(self.frames[index]))


def clock_of(recordings: Sequence[Recording]) -> Recording | None:
    """The one with the fewest frames, whose clock all can follow.

    None where they have one already, or aren't of the same requests and phases.
    """
    first = recordings[0]
    if all(np.array_equal(one.ops, first.ops) for one in recordings):
        return None
    if len({_requests(one) for one in recordings}) > 1 or not _requests(first)[0]:
        return None
    return min(recordings, key=len)


def _requests(recording: Recording) -> tuple:
    """What tells which requests it is of: the stream's digest, and its phases."""
    header = recording.header
    digest = header["workload"].get("digest", "")
    return (digest, *((p["name"], p["start_op"], p["sample_op"]) for p in header["phases"]))
