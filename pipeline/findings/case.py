"""One recording as the rules see it: what they share is read and computed once."""

from functools import cached_property

import numpy as np

from allocator.terms import EVENT_FAILURE, EVENT_FALLBACK, HUGE_ORDER, NR_ORDERS
from pipeline.findings.finding import Finding
from pipeline.genealogy.episodes import episodes
from pipeline.genealogy.history import History
from pipeline.metrics import METRICS
from pipeline.metrics.evidence import Evidence
from pipeline.recording import Recording


class Case:
    """A recording with its history, metrics and events. Raises RecordingError when damaged."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.header = recording.header
        self.history = History(recording)
        self.evidence = Evidence(recording)
        self.mechanism = recording.header["mechanism"]["name"]
        self.workload = recording.header["workload"]["name"]
        self.seed = recording.header["seed"]
        self._values: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        """Frames."""
        return len(self.recording)

    def values(self, metric: str) -> np.ndarray:
        """A metric at each frame, f8[frames]: what series.csv has of it."""
        if metric not in self._values:
            self._values[metric] = METRICS[metric].measure(self.evidence)
        return self._values[metric]

    @cached_property
    def eligible(self) -> int:
        """Pageblocks that the metrics count."""
        return int(self.history.eligible.sum())

    @cached_property
    def fit(self) -> np.ndarray:
        """Pageblocks that can become a huge page, f8[frames]; NaN while memory is in huge pages."""
        huge = self.evidence.pages_of("hugetlb") > 0
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

    def seconds(self, first: int, last: int) -> str:
        """How long it is from one frame to another: "3 s", "0.25 s"."""
        times = self.recording.times_us
        seconds = (times[last] - times[first]) / 1e6
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:,.0f} s"

    def finding(
        self, rule: str, frames: tuple[int, int], pfns: tuple[int, int], sentence: str, **more
    ) -> Finding:
        """A finding of this recording; both ranges inclusive."""
        return Finding(
            rule, self.mechanism, self.workload, self.seed,
            int(frames[0]), int(frames[1]), int(pfns[0]), int(pfns[1]), sentence, more,
        )  # fmt: skip

    def pfns(self, blocks: np.ndarray) -> tuple[int, int]:
        """First and last pfn of what these pageblocks, bool[blocks], span."""
        numbers = np.flatnonzero(blocks)
        return self.history.start_pfn(numbers[0]), self.history.last_pfn(numbers[-1])
