"""One recording as the rules see it: what they share is read and computed once."""

from functools import cached_property

import numpy as np

from allocator.terms import EVENT_FAILURE, EVENT_FALLBACK, HUGE_ORDER, NR_ORDERS
from pipeline.findings.finding import Finding, Ranges
from pipeline.genealogy.episodes import episodes
from pipeline.genealogy.history import History
from pipeline.metrics import measured
from pipeline.plain_text import figure_text
from pipeline.recording import Recording
from pipeline.stretches import stretches

LASTING = 20  # a state lasts if it holds for a twentieth of the frames: no accident of one sample


class Case:
    """A recording with its history, metrics and events; `place`: of it among those looked at.

    Raises RecordingError when damaged.
    """

    def __init__(self, recording: Recording, place: int = 0) -> None:
        self.recording, self.place = recording, place
        self.header = recording.header
        self.history = History(recording)
        self.mechanism = recording.header["mechanism"]["name"]
        self.workload = recording.header["workload"]["name"]
        self.seed = recording.header["seed"]
        self._values: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        """Frames."""
        return len(self.recording)

    def values(self, metric: str) -> np.ndarray:
        """A metric at each frame, f8[frames]: what series.csv has of it; NaN where nothing."""
        if metric not in self._values:
            self._values[metric] = measured(metric, self.history)
        return self._values[metric]

    @cached_property
    def eligible(self) -> int:
        """Pageblocks that the metrics count."""
        return int(self.history.eligible.sum())

    @cached_property
    def fit(self) -> np.ndarray:
        """Pageblocks that can become a huge page, f8[frames]; NaN while memory is in huge pages."""
        huge = self.history.pages_of("hugetlb") > 0
        return np.where(huge, np.nan, self.values("potential_huge"))

    @cached_property
    def episodes(self) -> np.ndarray:
        """Episodes of pollution, see pipeline/genealogy/episodes.py."""
        return episodes(self.history)

    @cached_property
    def fallbacks(self) -> np.ndarray:
        """Events of fallbacks, EVENT_DTYPE[n]."""
        events = self.recording.events
        return events[events["kind"] == EVENT_FALLBACK]

    @cached_property
    def failures(self) -> np.ndarray:
        """Events of requests that got nothing, EVENT_DTYPE[n]."""
        events = self.recording.events
        return events[events["kind"] == EVENT_FAILURE]

    @cached_property
    def phase_of_frame(self) -> np.ndarray:
        """The phase that the operations just before each frame belong to, i8[frames].

        A frame at the very start of a phase shows the end of the one before.
        """
        starts = [phase["start_op"] for phase in self.header["phases"]]
        at = np.searchsorted(starts, self.recording.ops, side="left") - 1
        return np.maximum(at, 0)

    def huge_requests(self) -> tuple[np.ndarray, np.ndarray]:
        """Requests of the huge pages' order and above since the start: all, and those met.

        i8[frames] each; none where the recording doesn't count them.
        """
        asked = met = np.zeros(len(self), np.int64)
        columns = self.header["series_columns"]
        for order in range(HUGE_ORDER, NR_ORDERS):
            if f"requests_order_{order}" in columns:
                requests = self.recording.column(f"requests_order_{order}")
                asked = asked + requests
                met = met + requests - self.recording.column(f"failed_order_{order}")
        return asked, met

    def column(self, name: str) -> np.ndarray | None:
        """A series column, i8[frames]; None where the recording doesn't have it."""
        known = name in self.header["series_columns"]
        return self.recording.column(name) if known else None

    def lasts(self, first: int, last: int) -> bool:
        """Whether what holds from one frame to another lasts: for a twentieth of the frames.

        And for some time: what one frame shows may have been over at once.
        """
        times = self.recording.times_us
        return (last - first + 1) * LASTING >= len(self) and bool(times[last] > times[first])

    def seconds(self, first: int, last: int) -> str:
        """How long it is from one frame to another: "30 s", "2.5 s", "0.25 s"."""
        times = self.recording.times_us
        return f"{figure_text((times[last] - times[first]) / 1e6)} s"

    def finding(
        self, rule: str, frames: tuple[int, int], pfns: Ranges, sentence: str, **more
    ) -> Finding:
        """A finding of this recording; the frames and each range of pages inclusive."""
        return Finding(
            rule, self.mechanism, self.workload, self.seed,
            int(frames[0]), int(frames[1]), pfns[0][0], pfns[-1][1], sentence, more, pfns,
            self.place,
        )  # fmt: skip

    def pfns(self, blocks: np.ndarray) -> Ranges:
        """The pages of these pageblocks, bool[blocks], at least one."""
        starts, ends = (edges << self.history.block_order for edges in stretches(blocks))
        return tuple(zip(starts.tolist(), (ends - 1).tolist(), strict=True))

    def block_pfns(self, block: int) -> Ranges:
        """The pages of one pageblock."""
        return ((self.history.start_pfn(block), self.history.last_pfn(block)),)


def ranges_of(starts: np.ndarray, pages: np.ndarray | int = 1) -> Ranges:
    """The ranges of pages that blocks cover together; each by its first pfn and its pages."""
    starts, pages = np.broadcast_arrays(np.asarray(starts, np.int64), pages)
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate((starts + pages)[order])
    begins = np.flatnonzero(np.append(True, starts[1:] > ends[:-1]))
    lasts = np.append(begins[1:], len(starts)) - 1
    return tuple(zip(starts[begins].tolist(), (ends[lasts] - 1).tolist(), strict=True))
