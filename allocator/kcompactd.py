"""kcompactd: compaction in the background, at the speed that the machine leaves it."""

from collections.abc import Iterator

from allocator.compaction import MAX_DEFER_SHIFT, Compaction
from allocator.page_alloc import Memory

CHECK_EVERY_US = 500_000
LEEWAY = 10
SLICE_US = 20_000  # it works a bit each so often
# The machine's speed, not the kernel's: what the recorded machines show in their pgmigrate_success.
PAGES_PER_S = 10_000  # migrated with the processor alone
OP_US = 50  # what the load needs for an operation
FAIR_SHARE = 0.2  # of a busy processor


class Kcompactd:
    """The daemon of one memory. Times are those of the operations, in microseconds.

    Source: 6.1 kcompactd, should_proactive_compact_node, wakeup_kcompactd.
    DEVIATION: D25, its speed is that of the recorded machines.
    """

    def __init__(self, memory: Memory, compaction: Compaction, proactiveness: int) -> None:
        self._memory, self._compaction = memory, compaction
        self._low = 100 - proactiveness
        self._high = min(self._low + LEEWAY, 100)  # with 0, never exceeded
        self._steps: Iterator[int] | None = None  # of the run that is under way
        self._score_before: float | None = None  # None: of a run that kswapd asked for
        self._next_us = CHECK_EVERY_US
        self._woken_order = 0
        self._last_us, self._last_op, self._credit_pages = 0, 0, 0.0

    def work(self, now_us: int, op: int) -> int:
        """Do what the time since the last call allows; until when operations may go on alone.

        `op`: the number of operations done by now, from which the processor's load is told.
        """
        if self._steps is None:
            self._look(now_us)
        else:
            self._go_on(now_us, op)
        self._last_us, self._last_op = now_us, op
        return self._next_us if self._steps is None else now_us + SLICE_US

    def wake(self, order: int) -> None:
        """kswapd asks for blocks of an order; `work` is to be called at once."""
        self._woken_order = max(self._woken_order, order)

    def _look(self, now_us: int) -> None:
        """Begin a run: kswapd asks for one, or memory is too fragmented while kswapd sleeps."""
        order, self._woken_order = self._woken_order, 0
        self._credit_pages = 0.0
        if order and self._compaction.may_help(order):
            self._steps, self._score_before = self._compaction.background(order), None
        elif now_us >= self._next_us:
            self._next_us = now_us + CHECK_EVERY_US
            self._score_before = self._compaction.score()
            if self._score_before > self._high and not self._memory.kswapd_running():
                self._steps = self._compaction.proactive(self._low)

    def _go_on(self, now_us: int, op: int) -> None:
        elapsed_us = now_us - self._last_us
        idle = 1 - (op - self._last_op) * OP_US / max(elapsed_us, 1)
        self._credit_pages += PAGES_PER_S * elapsed_us / 1e6 * max(idle, FAIR_SHARE)
        while self._credit_pages > 0:
            moved_pages = next(self._steps, None)
            if moved_pages is None:
                self._end(now_us)
                return
            self._credit_pages -= max(moved_pages, 1)

    def _end(self, now_us: int) -> None:
        """After a proactive run that brought nothing it waits longer, unless kswapd wakes it."""
        self._steps = None
        before = self._score_before
        vain = before is not None and self._compaction.score() >= before
        self._next_us = now_us + (CHECK_EVERY_US << MAX_DEFER_SHIFT if vain else CHECK_EVERY_US)
