"""What all views have from the recording that they are made of."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

from pipeline.recording import Recording


class View(ABC):
    """A recording seen otherwise: its clock and its series, another header and other grids.

    What `grid` gives is described by `header`. It has of a Recording what pictures ask for.
    """

    def __init__(self, of: "Recording | View", header: dict) -> None:
        self.of = of
        self.path = of.path
        self.header, self.complete = header, of.complete
        self.ops, self.times_us, self.phases = of.ops, of.times_us, of.phases

    def __len__(self) -> int:
        """Frames."""
        return len(self.of)

    @property
    def series(self) -> np.ndarray:
        """All series rows, i8[frames, columns]."""
        return self.of.series

    @abstractmethod
    def grid(self, index: int) -> np.ndarray:
        """Codes of a frame, u1[pages]."""

    def grids(self) -> Iterator[np.ndarray]:
        """The codes of every frame in order."""
        return (self.grid(index) for index in range(len(self)))
