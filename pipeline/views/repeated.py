"""Repeated: the frames of a recording in another order, some of them again and again."""

import numpy as np

from pipeline.recording import Recording
from pipeline.views.view import View


class Repeated(View):
    """At frame n what `of` shows at `frames[n]`, i8[frames]."""

    def __init__(self, of: Recording | View, frames: np.ndarray) -> None:
        super().__init__(of, of.header)
        self.frames = frames
        self.ops, self.times_us = of.ops[frames], of.times_us[frames]
        self.phases = of.phases[frames]
        self._series = of.series[frames]

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def series(self) -> np.ndarray:
        """All series rows, i8[frames, columns]."""
        return self._series

    def grid(self, index: int) -> np.ndarray:
        """Codes of a frame, u1[pages]."""
        return self.of.grid(int(self.frames[index]))
