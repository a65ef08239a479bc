"""The page allocator: buddy lists, fallback, per-CPU lists, watermarks, zonelist walks.

The one hot module. It is compiled by Cython in pure-Python mode and also runs as plain Python.
Rules and their sources are numbered in KERNEL.md; each function names its rule. Policies are
integer codes from the mechanism's table, so that one build serves all mechanisms.

The lists are intrusive: `next` and `prev` hold one link a page, and behind the pages one sentinel
a list, so that insertion and removal have no special cases. Buffers are array.array and bytearray:
plain Python indexes them several times faster than numpy arrays, compiled code sees memoryviews.
"""

from array import array

import cython
import numpy as np

from allocator.mechanism import Mechanism
from allocator.terms import COUNTERS, EVENT_DTYPE, NR_MIGRATETYPES, NR_ORDERS, RESERVED
from allocator.zones import NOT_FOR_KERNEL, Zone, grouping_enabled

COMPILED = cython.compiled
PCP_LISTS = 14

# C constants: a plain module global would be a Python object in compiled code.
EVENT_BUFFER = cython.declare(cython.int, 16384)  # events kept until fetched; then dropped, counted
PFN_NONE = cython.declare(cython.int, 2147483647)
PFN_HELP = cython.declare(cython.int, -1)  # the request must be helped by reclaim or compaction
U = cython.declare(cython.int, 0)
M = cython.declare(cython.int, 1)
R = cython.declare(cython.int, 2)
HA = cython.declare(cython.int, 3)
FREE = cython.declare(cython.int, 0)
PCP_FREE = cython.declare(cython.int, 1)
CLASS_MOVABLE = cython.declare(cython.int, 2)
ATOMIC = cython.declare(cython.int, 1)
HUGE = cython.declare(cython.int, 2)
ON_LRU = cython.declare(cython.int, 24)
HELPED = cython.declare(cython.int, 4)  # of our own: everything before failure was tried
GROUP_NONE = cython.declare(cython.int, 0)
GROUP_MARCH = cython.declare(cython.int, 1)
GROUP_CLAIM = cython.declare(cython.int, 2)
PCP_NONE = cython.declare(cython.int, 0)
PCP_TAGGED = cython.declare(cython.int, 2)
PCP_TYPES = cython.declare(cython.int, 3)

# Places in `counters`, in the order of terms.COUNTERS.
C_FREES = cython.declare(cython.int, 1)
C_FAILED_PAGES = cython.declare(cython.int, 3)
C_FREED_UNKNOWN = cython.declare(cython.int, 4)
C_SPLITS = cython.declare(cython.int, 5)
C_MERGES = cython.declare(cython.int, 6)
C_SEARCHES = cython.declare(cython.int, 7)
C_MOVED = cython.declare(cython.int, 8)
C_CLAIMS = cython.declare(cython.int, 9)
C_REFILLS = cython.declare(cython.int, 10)
C_REFILL_PAGES = cython.declare(cython.int, 11)
C_DRAINS = cython.declare(cython.int, 12)
C_DRAIN_PAGES = cython.declare(cython.int, 13)
C_DRAIN_ALL = cython.declare(cython.int, 14)
C_HA_RESERVED = cython.declare(cython.int, 15)
C_HA_UNRESERVED = cython.declare(cython.int, 16)
C_PAIRS = cython.declare(cython.int, 17)
C_REQUESTS = cython.declare(cython.int, 29)
C_FAILED = cython.declare(cython.int, 40)
C_MIGRATED = cython.declare(cython.int, 51)
NR_COUNTERS = 66
if len(COUNTERS) != NR_COUNTERS:
    raise ImportError("the places of the counters disagree with terms.COUNTERS")

_PLACES = {name: place for place, name in enumerate(COUNTERS)}


@cython.cclass
class Memory:
    """Physical memory of one machine under one mechanism.

    `zones` ascending; `pages` spanned from pfn 0. Every page starts RESERVED and on no list;
    `allocator.boot` hands memory over. 11 bytes a page.
    """

    pages: cython.int
    nr_zones: cython.int
    next: cython.int[::1]
    prev: cython.int[::1]
    head_order: cython.uchar[::1]  # order + 1 at the head of a free block, else 0
    page_type: cython.uchar[::1]  # list of a free head; noted type of a per-CPU page (rule 5)
    classes: cython.uchar[::1]
    block_type: cython.uchar[::1]
    nr_free: cython.int[::1]  # free blocks of each list
    zone_start: cython.int[::1]
    zone_end: cython.int[::1]
    zone_managed: cython.int[::1]
    zone_free: cython.int[::1]
    zone_min: cython.int[::1]
    zone_low: cython.int[::1]
    zone_high: cython.int[::1]
    zone_boost: cython.int[::1]  # pages that the marks are raised by; see _boost
    reserve: cython.int[::1]
    highatomic: cython.int[::1]
    highatomic_limit: cython.int[::1]
    pcp_batch: cython.int[::1]
    pcp_high: cython.int[::1]
    pcp_count: cython.int[::1]
    free_factor: cython.int[::1]
    nofragment: cython.uchar[::1]  # by class zone
    fallbacks: cython.uchar[::1]
    counters_: cython.longlong[::1]
    class_movable: cython.int
    class_other: cython.int
    grouping: cython.int
    enabled: cython.bint
    claims: cython.bint
    claim_pages: cython.int  # from this many on a fallback claims the pageblock
    smallest: cython.bint
    block_order: cython.int
    at_tail: cython.bint
    tail_rule: cython.bint
    boot_tail: cython.bint
    pcp_rule: cython.int
    halving: cython.bint
    reserve_rule: cython.bint
    atomic_type: cython.bint
    help_order: cython.int  # requests from this order on stop before they fail, see engine.py
    reclaims: cython.bint  # kswapd is run from outside
    boosts: cython.bint
    kswapd_active: cython.bint
    kswapd_class: cython.int
    kswapd_order: cython.int
    kcompactd_order: cython.int
    op: cython.longlong
    event_ops: cython.longlong[::1]
    event_pfns: cython.int[::1]
    event_codes: cython.uchar[::1]
    event_pages: cython.short[::1]
    nr_events: cython.int
    counted_free: cython.int  # pages of the pageblock that a fallback considers; -1: not counted
    counted_alike: cython.int
    stops_at_failure: cython.bint
    failed_order: cython.int  # of the request at which `run` has stopped; 0: at none
    dropped: cython.longlong
    zones = cython.declare(tuple, visibility="readonly")
    mechanism = cython.declare(object, visibility="readonly")

    def __init__(self, zones: tuple[Zone, ...], mechanism: Mechanism, pages: int):
        self.zones = zones
        self.mechanism = mechanism
        self.pages = pages
        self._set_up_pages(mechanism)
        self._set_up_zones(zones, mechanism)
        self._set_up_rules(mechanism)
        self.counters_ = array("q", bytes(8 * NR_COUNTERS))
        self.event_ops = array("q", bytes(8 * EVENT_BUFFER))
        self.event_pfns = array("i", bytes(4 * EVENT_BUFFER))
        self.event_codes = bytearray(7 * EVENT_BUFFER)
        self.event_pages = array("h", bytes(4 * EVENT_BUFFER))

    def _set_up_pages(self, mechanism: Mechanism):
        nr_zones = len(self.zones)
        lists = nr_zones * (NR_ORDERS * NR_MIGRATETYPES + PCP_LISTS)
        self.next = array("i", range(self.pages + lists))  # a node linked to itself is empty
        self.prev = array("i", range(self.pages + lists))
        self.head_order = bytearray(self.pages)
        self.page_type = bytearray(self.pages)
        self.classes = bytearray([RESERVED]) * self.pages
        blocks = (self.pages >> mechanism.grouping.block_order) + 1
        self.block_type = bytearray([M if grouping_enabled(self.zones, mechanism) else U]) * blocks
        self.nr_free = array("i", bytes(4 * nr_zones * NR_ORDERS * NR_MIGRATETYPES))

    def _set_up_zones(self, zones: tuple[Zone, ...], mechanism: Mechanism):
        n = self.nr_zones = len(zones)
        self.class_movable = n - 1
        self.class_other = max(i for i in range(n) if zones[i].name not in NOT_FOR_KERNEL)
        self.zone_start = array("i", [zone.start_pfn for zone in zones])
        self.zone_end = array("i", [zone.end_pfn for zone in zones])
        self.zone_managed = array("i", [zone.managed_pages for zone in zones])
        self.zone_min = array("i", [zone.min_pages for zone in zones])
        self.zone_low = array("i", [zone.low_pages for zone in zones])
        self.zone_high = array("i", [zone.high_pages for zone in zones])
        reserves = [zone.lowmem_reserve_pages or (0,) * n for zone in zones]
        self.reserve = array("i", [pages for row in reserves for pages in row])
        self.pcp_batch = array("i", [zone.batch_pages for zone in zones])
        self.pcp_high = array("i", [zone.pcp_high_pages for zone in zones])
        self.zone_free = array("i", bytes(4 * n))
        self.zone_boost = array("i", bytes(4 * n))
        self.highatomic = array("i", bytes(4 * n))
        self.pcp_count = array("i", bytes(4 * n))
        self.free_factor = array("i", bytes(4 * n))
        limit_percent, block_pages = (
            mechanism.high_atomic.limit_percent,
            1 << mechanism.grouping.block_order,
        )
        self.highatomic_limit = array(
            "i", [zone.managed_pages * limit_percent // 100 + block_pages for zone in zones]
        )
        self.nofragment = bytearray(
            mechanism.grouping.nofragment and zone.name == "Normal" for zone in zones
        )

    def _set_up_rules(self, mechanism: Mechanism):
        grouping = mechanism.grouping
        self.grouping = ("none", "march-2007", "claim").index(grouping.rule)
        self.enabled = grouping_enabled(self.zones, mechanism)
        self.claims, self.smallest = grouping.claims, grouping.smallest
        self.claim_pages = grouping.claim_pages()
        self.help_order = NR_ORDERS
        self.reclaims = self.boosts = False
        self.block_order = grouping.block_order
        rows = ((*grouping.alternatives(t), 9, 9, 9) for t in range(NR_MIGRATETYPES))
        self.fallbacks = bytearray(other for row in rows for other in row[:3])  # 9 ends
        self.at_tail = mechanism.free_lists.insertion == "tail"
        self.tail_rule = mechanism.free_lists.tail_insertion
        self.boot_tail = mechanism.free_lists.boot_order == "lowest-first"
        self.pcp_rule = ("none", "hot", "tagged", "types-and-orders").index(mechanism.per_cpu.rule)
        self.halving = mechanism.watermarks.rule == "halving"
        self.reserve_rule = mechanism.high_atomic.rule == "reserve"
        self.atomic_type = mechanism.high_atomic.rule == "type"
        self.kswapd_active = False
        self.kswapd_class = self.kswapd_order = self.kcompactd_order = 0
        self.op = self.nr_events = self.dropped = 0
        self.counted_free = self.counted_alike = -1
        self.stops_at_failure = False
        self.failed_order = 0

    # Boot.

    def release(self, pfn: int, order: int, migratetype: int) -> None:
        """Put a free block on its list at the place of rule 9, without merging."""
        zone = _zone_of(self, pfn)
        _set_class(self, pfn, order, FREE)
        _insert(self, zone, order, migratetype, pfn, self.boot_tail)
        self.zone_free[zone] += 1 << order

    def set_block_type(self, block: int, migratetype: int) -> None:
        """Type of pageblock number `block` (of the mechanism's block order)."""
        self.block_type[block] = migratetype

    def set_used(self, pfn: int, order: int, page_class: int) -> None:
        """Pages that are in use, reserved or holes before the first request."""
        _set_class(self, pfn, order, page_class)
        _set_owner(self, pfn, order, PFN_NONE)

    def set_owner(self, pfn: int, number: int) -> None:
        """The id of a page in use, which goes along when it is migrated."""
        self.next[pfn] = number

    def set_pcp(self, pfn: int) -> None:
        """A free page that lies on its zone's per-CPU list before the first request."""
        zone = _zone_of(self, pfn)
        migratetype = self.block_type[pfn >> self.block_order] if self.grouping else U
        self.page_type[pfn] = migratetype
        index = _pcp_index(self, migratetype, 0) if self.pcp_rule == PCP_TYPES else 0
        _link(self, self.prev[_pcp_node(self, zone, index)], pfn)
        self.classes[pfn] = PCP_FREE
        self.pcp_count[zone] += 1

    # Requests.

    def alloc(self, order: int, mobility: int, flags: int = 0) -> int:
        """One request; the pfn of its first page, or PFN_NONE (2**31 - 1).

        Raises ValueError for an order above 10 or a mobility that isn't U, M or R.
        """
        if not 0 <= order < NR_ORDERS or mobility not in (U, M, R):
            raise ValueError(f"no request: order {order}, mobility {mobility}")
        pfn = _alloc(self, order, mobility, flags | HELPED)
        self.op += 1
        if pfn != PFN_NONE:
            _set_owner(self, pfn, order, PFN_NONE)
        return pfn

    def try_alloc(self, order: int, mobility: int, flags: int) -> int:
        """The same before the last resorts, as part of an operation; a failure isn't counted."""
        pfn = _alloc(self, order, mobility, flags)
        if pfn == PFN_HELP:
            return PFN_NONE
        if pfn != PFN_NONE:
            _set_owner(self, pfn, order, PFN_NONE)
        return pfn

    def free(self, pfn: int, order: int) -> None:
        """Free 2**order pages in use from `pfn` on; an allocation may come back in pieces.

        Raises ValueError for pages that are not in use.
        """
        if not 0 <= pfn <= self.pages - (1 << order) or pfn & ((1 << order) - 1):
            raise ValueError(f"pfn {pfn} order {order} is no block of this memory")
        if any(not _in_use(self, page) for page in range(pfn, pfn + (1 << order))):
            raise ValueError(f"pfn {pfn} order {order} is not in use")
        _free(self, pfn, order)
        self.op += 1

    def drain_all(self) -> None:
        """Give all pages on per-CPU lists back to the buddy lists."""
        _drain_all(self)
        self.op += 1

    def run(
        self,
        kind: cython.uchar[::1],
        ids: cython.int[::1],
        order: cython.uchar[::1],
        mobility: cython.uchar[::1],
        flags: cython.uchar[::1],
        offset: cython.ushort[::1],
        pfn_of: cython.int[::1],
    ) -> int:
        """Apply a stretch of operations, columns of equal length; how many were done.

        `pfn_of`, i4[ids]: where each id's pages lie; PFN_NONE before, and where the request
        failed or the page was reclaimed. The columns must have passed check_ops: nothing is freed
        twice. It stops before a COMPACT, OBJECT, OBJECT_FREE or DROP_CACHES and, after
        `ask_for_help`, before a request that must be helped and as soon as kswapd has woken
        kcompactd; after `stop_at_failures`, behind one that failed.
        """
        count: cython.Py_ssize_t = len(kind)
        if not cython.compiled:  # numpy's scalars would overflow, and are slow
            columns = (kind, ids, order, mobility, flags, offset)
            kind, ids, order, mobility, flags, offset = (list(map(int, c)) for c in columns)
        with cython.nogil:
            count = _run(self, kind, ids, order, mobility, flags, offset, pfn_of, count)
        return count

    # For compaction.

    def ask_for_help(self, order: int) -> None:
        """From now on `run` stops where reclaim or compaction has to do something.

        `order`: the lowest of requests that they can help; with 0, kswapd is run from outside.
        """
        self.help_order = order
        self.reclaims = order == 0
        self.boosts = self.reclaims and self.mechanism.watermarks.boost

    def stop_at_failures(self) -> None:
        """From now on `run` stops after a request of order 1 or higher that failed."""
        self.stops_at_failure = True

    def take_failed_order(self) -> int:
        """The order of the request that `run` has stopped after; 0: it hasn't failed."""
        order, self.failed_order = self.failed_order, 0
        return order

    def views(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Class u1, owner i4 (of pages in use) and order + 1 of a free head u1, of each page.

        And the type u1 of each pageblock. They show memory itself, as it changes: read only.
        """
        owners = np.frombuffer(self.next, np.int32)[: self.pages]
        classes, heads = (
            np.frombuffer(self.classes, np.uint8),
            np.frombuffer(self.head_order, np.uint8),
        )
        return classes, owners, heads, np.frombuffer(self.block_type, np.uint8)

    def request_type(self, order: int, mobility: int, flags: int) -> int:
        """Migratetype of a request."""
        return _request_type(self, order, mobility, flags)

    def class_zone(self, mobility: int) -> int:
        """Number of the highest zone that a request may use."""
        return self.class_movable if mobility == M else self.class_other

    def watermark_ok(self, zone: int, order: int, mark_pages: int, class_zone: int) -> bool:
        """Whether a zone meets a mark for a request that isn't atomic."""
        return _watermark_ok(self, zone, order, mark_pages, class_zone, False)

    def kswapd_running(self) -> bool:
        """Whether kswapd is active."""
        return self.kswapd_active and _reclaim_active(self)

    def kswapd_task(self) -> tuple[int, int]:
        """Class zone and order that kswapd was woken for, the highest since it was asked."""
        task = self.kswapd_class, self.kswapd_order
        self.kswapd_order = 0
        return task

    def frees(self) -> int:
        """Blocks freed since the counters began."""
        return self.counters_[C_FREES]

    def boost_pages(self, zone: int) -> int:
        """What a zone's marks are raised by."""
        return self.zone_boost[zone]

    def pay_boost(self, zone: int, pages: int) -> None:
        """kswapd has reclaimed for a boost: it ends by so many pages."""
        self.zone_boost[zone] -= min(pages, self.zone_boost[zone])

    def kswapd_sleeps(self, order: int) -> None:
        """kswapd, run from outside, goes to sleep; it wakes kcompactd for an order above 0."""
        self.kswapd_active = False
        self.kcompactd_order = max(self.kcompactd_order, order)

    def kcompactd_woken(self) -> int:
        """The order with which kswapd has woken kcompactd since the last call; 0: it hasn't."""
        order, self.kcompactd_order = self.kcompactd_order, 0
        return order

    def isolate(self, zone: int, pfn: int) -> int:
        """Take the free block at `pfn` from its list; its pages, 0 where MIN forbids it.

        Source: 6.1 __isolate_free_page.
        """
        order = self.head_order[pfn] - 1
        if not _watermark_ok(self, zone, 0, self.zone_min[zone] + (1 << order), 0, False):
            return 0
        _remove(self, zone, order, pfn)
        self.zone_free[zone] -= 1 << order
        if order >= self.block_order - 1 and self.enabled:
            for block in range(
                pfn >> self.block_order, (pfn + (1 << order) - 1 >> self.block_order) + 1
            ):
                if self.block_type[block] != HA:
                    self.block_type[block] = M
        return 1 << order

    def put_back(self, zone: int, pfn: int, pause: bool = False) -> None:
        """Free a page that was isolated and not used; during a pause it goes to the buddy lists.

        Source: 6.1 release_freepages.
        """
        _put_back(self, zone, pfn, pause)

    def migrate(self, zone: int, sources: list, targets: list, pfn_of: cython.int[::1]) -> None:
        """Move movable pages with owners to isolated pages, and free each where it was.

        Source: 6.1 migrate_pages.
        """
        i: cython.Py_ssize_t
        source: cython.int
        target: cython.int
        number: cython.int
        for i in range(len(sources)):
            source, target = sources[i], targets[i]
            number = self.next[source]
            pfn_of[number] = target
            self.next[target] = number
            self.classes[target] = CLASS_MOVABLE
            _put_back(self, zone, source, False)
        self.counters_[C_MIGRATED] += len(sources)

    def drain_zone(self, zone: int) -> None:
        """Give the pages on a zone's per-CPU lists back. Source: 6.1 drain_local_pages."""
        _drain_zone(self, zone)

    def free_pages(self, pfns: cython.int[::1], count: int) -> None:
        """Free the first `count` of these single pages in use, as part of an operation.

        Source: 2.6.20 and 6.1 __pagevec_free, free_unref_page_list.
        """
        i: cython.int
        for i in range(count):
            _free(self, pfns[i], 0)

    def free_slab(self, pfn: int, order: int) -> None:
        """Free the pages of a slab, as part of an operation."""
        _free(self, pfn, order)

    def at_op(self, number: int) -> None:
        """The number of the operation that comes next, where others were done elsewhere."""
        self.op = number

    def count(self, counter: str, times: int = 1) -> None:
        """So many more of a counter of terms.COUNTERS."""
        self.counters_[_PLACES[counter]] += times

    # What is to be seen.

    def free_list(self, zone: int, order: int, migratetype: int) -> list[int]:
        """Heads of the free blocks of one list, head to tail."""
        return self._walk(_free_node(self, zone, order, migratetype))

    def pcp_list(self, zone: int, index: int) -> list[tuple[int, int]]:
        """(pfn, noted type) of a per-CPU list, head to tail."""
        return [(p, self.page_type[p]) for p in self._walk(_pcp_node(self, zone, index))]

    def _walk(self, node: int) -> list[int]:
        pfns, at = [], self.next[node]
        while at != node:
            pfns.append(at)
            at = self.next[at]
        return pfns

    def page_class(self) -> np.ndarray:
        """Class of each page, u1[pages], a copy."""
        return np.array(self.classes, dtype=np.uint8)

    def block_types(self) -> np.ndarray:
        """Migratetype of each pageblock of the mechanism, u1, a copy."""
        blocks = (self.pages + (1 << self.block_order) - 1) >> self.block_order
        return np.array(self.block_type, dtype=np.uint8)[:blocks]

    def free_blocks(self) -> np.ndarray:
        """Free blocks by zone, order and migratetype, i8[zones, 11, 4]."""
        shape = (self.nr_zones, NR_ORDERS, NR_MIGRATETYPES)
        return np.array(self.nr_free, dtype=np.int64).reshape(shape)

    def free_by_order(self, zone: int) -> list[int]:
        """Free blocks of a zone, of all migratetypes, by order."""
        node: cython.int = zone * 44
        found: list = []
        for _ in range(11):
            found.append(
                self.nr_free[node]
                + self.nr_free[node + 1]
                + self.nr_free[node + 2]
                + self.nr_free[node + 3]
            )
            node += 4
        return found

    def zone_state(self, zone: int) -> dict[str, int]:
        """Counts of one zone."""
        return {
            "free_pages": self.zone_free[zone],
            "pcp_count": self.pcp_count[zone],
            "free_factor": self.free_factor[zone],
            "highatomic_pages": self.highatomic[zone],
        }

    def counters(self) -> dict[str, int]:
        """All counters of terms.COUNTERS since boot."""
        values = np.array(self.counters_, dtype=np.int64)
        failed = int(values[C_FAILED : C_FAILED + NR_ORDERS].sum())
        values[0] = int(values[C_REQUESTS : C_REQUESTS + NR_ORDERS].sum()) - failed
        values[2] = failed
        return dict(zip(COUNTERS, values.tolist(), strict=True))

    def events(self) -> np.ndarray:
        """The events since the last call, EVENT_DTYPE; what did not fit is in dropped_events()."""
        n = self.nr_events
        events = np.zeros(n, EVENT_DTYPE)
        events["op"] = np.asarray(self.event_ops)[:n]
        events["pfn"] = np.asarray(self.event_pfns)[:n]
        codes = np.asarray(self.event_codes)[: 7 * n].reshape(n, 7)
        for column, name in enumerate(EVENT_DTYPE.names[2:9]):
            events[name] = codes[:, column]
        counts = np.asarray(self.event_pages)[: 2 * n].reshape(n, 2)
        events["free_pages"], events["alike_pages"] = counts[:, 0], counts[:, 1]
        self.nr_events = 0
        return events

    def dropped_events(self) -> int:
        """Events that found the buffer full, since boot."""
        return self.dropped

    def reset_counters(self) -> None:
        """Counters, events and the operation number start anew; memory stays as it is."""
        self.counters_ = array("q", bytes(8 * NR_COUNTERS))
        self.op = self.nr_events = self.dropped = 0

    def next_op(self) -> int:
        """Number of the next operation."""
        return self.op


# Lists.


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _link(m: Memory, after: cython.int, node: cython.int) -> cython.void:
    """Insert `node` behind `after`; the sentinel is before the head and behind the tail."""
    before: cython.int = m.next[after]
    m.next[after] = node
    m.prev[node] = after
    m.next[node] = before
    m.prev[before] = node


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _unlink(m: Memory, node: cython.int) -> cython.void:
    after: cython.int = m.prev[node]
    before: cython.int = m.next[node]
    m.next[after] = before
    m.prev[before] = after


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _free_node(m: Memory, zone: cython.int, order: cython.int, t: cython.int) -> cython.int:
    return m.pages + (zone * 11 + order) * 4 + t


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _pcp_node(m: Memory, zone: cython.int, index: cython.int) -> cython.int:
    return m.pages + m.nr_zones * 44 + zone * 14 + index


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _zone_of(m: Memory, pfn: cython.int) -> cython.int:
    zone: cython.int = 0
    while pfn >= m.zone_end[zone] and zone < m.nr_zones - 1:
        zone += 1
    return zone


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _in_use(m: Memory, pfn: cython.int) -> cython.bint:
    c: cython.int = m.classes[pfn]
    return 2 <= c <= 5 or c == 8


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _set_class(m: Memory, pfn: cython.int, order: cython.int, c: cython.int) -> cython.void:
    page: cython.int
    if order == 0:
        m.classes[pfn] = c
    else:
        for page in range(pfn, pfn + (1 << order)):
            m.classes[page] = c


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _set_owner(m: Memory, pfn: cython.int, order: cython.int, number: cython.int) -> cython.void:
    """Note whose the pages of an allocation are, in the links that pages in use don't need."""
    page: cython.int
    for page in range(pfn, pfn + (1 << order)):
        m.next[page] = number


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _insert(
    m: Memory,
    zone: cython.int,
    order: cython.int,
    t: cython.int,
    pfn: cython.int,
    tail: cython.bint,
) -> cython.void:
    """A free block enters list (order, t) at the head or the tail."""
    node: cython.int = _free_node(m, zone, order, t)
    m.head_order[pfn] = order + 1
    m.page_type[pfn] = t
    m.nr_free[node - m.pages] += 1
    _link(m, m.prev[node] if tail else node, pfn)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _remove(m: Memory, zone: cython.int, order: cython.int, pfn: cython.int) -> cython.void:
    """A free block leaves its list."""
    m.nr_free[(zone * 11 + order) * 4 + m.page_type[pfn]] -= 1
    m.head_order[pfn] = 0
    _unlink(m, pfn)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _event(
    m: Memory,
    pfn: cython.int,
    kind: cython.int,
    order: cython.int,
    t: cython.int,
    fallback_order: cython.int,
    fallback_type: cython.int,
    claimed: cython.int,
    block_type: cython.int,
) -> cython.void:
    n: cython.int = m.nr_events
    if n == EVENT_BUFFER:
        m.dropped += 1
        return
    m.event_ops[n] = m.op
    m.event_pfns[n] = pfn
    m.event_codes[7 * n] = kind
    m.event_codes[7 * n + 1] = order
    m.event_codes[7 * n + 2] = t
    m.event_codes[7 * n + 3] = fallback_order
    m.event_codes[7 * n + 4] = fallback_type
    m.event_codes[7 * n + 5] = claimed
    m.event_codes[7 * n + 6] = block_type
    m.event_pages[2 * n] = m.counted_free
    m.event_pages[2 * n + 1] = m.counted_alike
    m.nr_events = n + 1


# Buddy lists, rule 4.


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _split(
    m: Memory, zone: cython.int, pfn: cython.int, low: cython.int, high: cython.int, t: cython.int
) -> cython.void:
    """Upper halves go to the heads of type t's lists; the block at `pfn` is left with order low.

    Source: 2.6.20 and 6.1 expand.
    """
    while high > low:
        high -= 1
        _insert(m, zone, high, t, pfn + (1 << high), False)
        m.counters_[C_SPLITS] += 1


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _smallest(m: Memory, zone: cython.int, order: cython.int, t: cython.int) -> cython.int:
    """Head of the smallest sufficient list of type t, split; PFN_NONE where all are empty.

    Source: 2.6.20 __rmqueue; 6.1 __rmqueue_smallest.
    """
    o: cython.int
    node: cython.int
    pfn: cython.int
    for o in range(order, 11):
        node = m.pages + (zone * 11 + o) * 4 + t
        pfn = m.next[node]
        if pfn != node:
            m.counters_[C_SEARCHES] += o - order + 1
            _remove(m, zone, o, pfn)
            _split(m, zone, pfn, order, o, t)
            return pfn
    m.counters_[C_SEARCHES] += 11 - order
    return PFN_NONE


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _is_buddy(m: Memory, zone: cython.int, pfn: cython.int, order: cython.int) -> cython.bint:
    """Whether a free block of exactly that order begins at `pfn`, in this zone.

    Source: 2.6.20 and 6.1 page_is_buddy.
    """
    return m.zone_start[zone] <= pfn < m.zone_end[zone] and m.head_order[pfn] == order + 1


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _may_merge(m: Memory, buddy: cython.int, order: cython.int, t: cython.int) -> cython.bint:
    """6.1 keeps free blocks of high-atomic pageblocks apart from others.

    Source: 6.1 __free_one_page, migratetype_is_mergeable.
    """
    other: cython.int
    if m.grouping != GROUP_CLAIM or order < m.block_order:
        return True
    other = m.block_type[buddy >> m.block_order]
    return other == t or (other != HA and t != HA)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _free_one(
    m: Memory, zone: cython.int, pfn: cython.int, order: cython.int, t: cython.int
) -> cython.void:
    """Merge a freed block with its free buddies and put it on its list.

    Source: 2.6.20 and 6.1 __free_one_page; 6.1 buddy_merge_likely.
    """
    tail: cython.bint = m.at_tail
    buddy: cython.int
    m.zone_free[zone] += 1 << order
    _set_class(m, pfn, order, FREE)
    while order < 10:
        buddy = pfn ^ (1 << order)
        if not _is_buddy(m, zone, buddy, order) or not _may_merge(m, buddy, order, t):
            break
        _remove(m, zone, order, buddy)
        pfn &= buddy
        order += 1
        m.counters_[C_MERGES] += 1
    if m.tail_rule and not tail and order <= 8:
        buddy = (pfn & ~(1 << order)) ^ (2 << order)
        tail = _is_buddy(m, zone, buddy, order + 1)
    _insert(m, zone, order, t, pfn, tail)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _type_when_freed(m: Memory, pfn: cython.int) -> cython.int:
    """Type of the list for a page that is freed now.

    Source: v28 4/12; 6.1 get_pfnblock_migratetype.
    """
    if m.grouping == GROUP_NONE:
        return U
    return m.block_type[pfn >> m.block_order]


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _rmqueue(
    m: Memory, zone: cython.int, order: cython.int, t: cython.int, lowest: cython.int
) -> cython.int:
    """A block of the request's type, by fallback if need be; fallback orders from `lowest` up.

    Source: 6.1 __rmqueue; v28 4/12.
    """
    pfn: cython.int = _smallest(m, zone, order, t)
    if pfn == PFN_NONE:
        if m.grouping == GROUP_CLAIM:
            if _fallback_claim(m, zone, order, t, lowest):
                pfn = _smallest(m, zone, order, t)
        elif m.grouping == GROUP_MARCH:
            pfn = _fallback_march(m, zone, order, t)
    if pfn != PFN_NONE:
        m.zone_free[zone] -= 1 << order
    return pfn


# Fallback, rule 8.


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _move_block(m: Memory, zone: cython.int, pfn: cython.int, t: cython.int) -> cython.int:
    """The pageblock's free blocks go to type t's lists; pages moved (claim), blocks (march).

    Source: 6.1 move_freepages_block; v28 8/12.
    """
    start: cython.int = (pfn >> m.block_order) << m.block_order
    end: cython.int = start + (1 << m.block_order)
    order: cython.int
    moved_pages: cython.int = 0
    moved_blocks: cython.int = 0
    if start < m.zone_start[zone]:
        start = pfn
    if end > m.zone_end[zone] or (m.grouping == GROUP_MARCH and end == m.zone_end[zone]):
        return 0
    while start < end:
        order = m.head_order[start] - 1
        if order < 0:
            start += 1
            continue
        _remove(m, zone, order, start)
        _insert(m, zone, order, t, start, m.grouping == GROUP_CLAIM)
        start += 1 << order
        moved_pages += 1 << order
        moved_blocks += 1
    m.counters_[C_MOVED] += moved_pages
    if m.grouping == GROUP_MARCH:
        m.counted_free = moved_pages
    return moved_pages if m.grouping == GROUP_CLAIM else moved_blocks


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _movable_pages(m: Memory, zone: cython.int, pfn: cython.int) -> cython.int:
    """Movable pages in use in the pageblock of `pfn`.

    Source: 6.1 move_freepages, num_movable.
    DEVIATION: D13, by what was requested, not by LRU lists.
    """
    start: cython.int = (pfn >> m.block_order) << m.block_order
    end: cython.int = start + (1 << m.block_order)
    count: cython.int = 0
    page: cython.int
    if start < m.zone_start[zone]:
        start = pfn
    if end > m.zone_end[zone]:
        return 0
    for page in range(start, end):
        count += m.classes[page] == CLASS_MOVABLE
    return count


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _set_block_type(m: Memory, pfn: cython.int, order: cython.int, t: cython.int) -> cython.int:
    """Type of all pageblocks of a block; how many really changed, each with its event.

    Source: 6.1 change_pageblock_range; v28 set_pageblock_migratetype.
    """
    block: cython.int
    old: cython.int
    changed: cython.int = 0
    blocks: cython.int = 1
    if not m.claims:
        return 0
    if order > m.block_order:
        blocks = 1 << (order - m.block_order)
    for block in range(pfn >> m.block_order, (pfn >> m.block_order) + blocks):
        old = m.block_type[block]
        if old != t:
            _event(m, block << m.block_order, 1, m.block_order, t, 0, old, 1, old)
            m.block_type[block] = t
            changed += 1
    return changed


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _alternative(m: Memory, zone: cython.int, order: cython.int, t: cython.int) -> cython.int:
    """First foreign type with a free block of that order; -1 where there is none.

    Source: 6.1 find_suitable_fallback, fallbacks; v28 4/12, 10/12.
    """
    i: cython.int
    other: cython.int
    for i in range(3):
        other = m.fallbacks[3 * t + i]
        if other == 9:
            break
        m.counters_[C_SEARCHES] += 1
        if m.nr_free[(zone * 11 + order) * 4 + other]:
            return other
    return -1


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _can_steal(m: Memory, order: cython.int, t: cython.int) -> cython.bint:
    """Whether a fallback at that order may take the rest of the pageblock along.

    Source: 6.1 can_steal_fallback.
    """
    return order >= m.block_order // 2 or t in (R, U) or not m.enabled


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _fallback_claim(
    m: Memory, zone: cython.int, order: cython.int, t: cython.int, lowest: cython.int
) -> cython.bint:
    """Rule 8, claim: bring foreign free pages onto the request's lists; whether there were any.

    Source: 6.1 __rmqueue_fallback.
    """
    c: cython.int
    other: cython.int = -1
    pfn: cython.int
    claimed: cython.int
    old: cython.int
    c = 10
    while c >= lowest:
        other = _alternative(m, zone, c, t)
        if other >= 0:
            break
        c -= 1
    if other < 0:
        return False
    if m.smallest and not _can_steal(m, c, t) and c > order:
        c = order
        other = _alternative(m, zone, c, t)
        while other < 0:
            c += 1
            other = _alternative(m, zone, c, t)
    pfn = m.next[_free_node(m, zone, c, other)]
    old = m.block_type[pfn >> m.block_order]
    m.counters_[_pair(t, other)] += 1
    claimed = _steal(m, zone, pfn, c, t, _can_steal(m, c, t))
    m.counters_[C_CLAIMS] += claimed
    claimed = m.block_type[pfn >> m.block_order] == t
    _event(m, pfn, 0, order, t, c, other, claimed, old)
    m.counted_free = m.counted_alike = -1
    return True


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _pair(t: cython.int, other: cython.int) -> cython.int:
    """Place of the counter fallbacks_<t>_in_<other>."""
    return C_PAIRS + 3 * t + other - (other > t)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _steal(
    m: Memory,
    zone: cython.int,
    pfn: cython.int,
    c: cython.int,
    t: cython.int,
    whole_block: cython.bint,
) -> cython.int:
    """Rule 8, claim, step 2; how many pageblocks changed their type.

    Source: 6.1 steal_suitable_fallback.
    """
    old: cython.int = m.block_type[pfn >> m.block_order]
    changed: cython.int = 0
    free_pages: cython.int
    movable_pages: cython.int
    alike_pages: cython.int = 0
    if old != HA and c >= m.block_order:
        changed = _set_block_type(m, pfn, c, t)
    elif old != HA and m.boosts:
        _boost(m, zone)
    if old != HA and c < m.block_order and whole_block:
        movable_pages = _movable_pages(m, zone, pfn)
        free_pages = _move_block(m, zone, pfn, t)
        if t == M:
            alike_pages = movable_pages
        elif old == M:
            alike_pages = (1 << m.block_order) - free_pages - movable_pages
        if free_pages:
            m.counted_free, m.counted_alike = free_pages, alike_pages
            if free_pages + alike_pages >= m.claim_pages or not m.enabled:
                changed = _set_block_type(m, pfn, 0, t)
            return changed
    _remove(m, zone, c, pfn)
    _insert(m, zone, c, t, pfn, True)
    m.counters_[C_MOVED] += 1 << c
    return changed


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _boost(m: Memory, zone: cython.int) -> cython.void:
    """Raise a zone's marks after a fallback onto a small block, and wake kswapd to pay for it.

    Source: 6.1 boost_watermark, rmqueue; watermark_boost_factor is 15000.
    """
    block_pages: cython.int = 1 << m.block_order
    limit: cython.int = m.zone_high[zone] + m.zone_high[zone] // 2
    if 4 * block_pages > m.zone_managed[zone] or limit == 0:
        return
    limit = max(limit, block_pages)
    m.zone_boost[zone] = min(m.zone_boost[zone] + block_pages, limit)
    _wake_kswapd(m, zone, 0)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _lowest(m: Memory, node: cython.int) -> cython.int:
    """The entry of a list with the lowest pfn.

    Source: v28 11/12.
    """
    lowest: cython.int = m.next[node]
    at: cython.int = lowest
    while at != node:
        m.counters_[C_SEARCHES] += 1
        lowest = min(lowest, at)
        at = m.next[at]
    return lowest


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _fallback_march(m: Memory, zone: cython.int, order: cython.int, t: cython.int) -> cython.int:
    """Rule 8, march-2007: take a block from a foreign list; PFN_NONE where all are empty.

    Source: v28 4/12, 8/12, 10/12.
    """
    c: cython.int
    i: cython.int
    other: cython.int
    both_passes: cython.int
    for both_passes in range(2):
        for c in range(10, order - 1, -1):
            for i in range(3):
                other = m.fallbacks[3 * t + i]
                if other == 9:
                    break
                if other == HA and t != U and both_passes == 0:
                    continue
                m.counters_[C_SEARCHES] += 1
                if m.nr_free[(zone * 11 + c) * 4 + other]:
                    return _take_march(m, zone, order, t, c, other)
    return PFN_NONE


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _take_march(
    m: Memory,
    zone: cython.int,
    order: cython.int,
    t: cython.int,
    c: cython.int,
    other: cython.int,
) -> cython.int:
    """Rule 8, march-2007, steps 2 and 3, for a block on list (c, other).

    Source: v28 4/12, 8/12, 11/12, 12/12.
    """
    node: cython.int = _free_node(m, zone, c, other)
    pfn: cython.int = m.next[node] if t == M else _lowest(m, node)
    rest: cython.int = other
    blocks: cython.int
    changed: cython.int = 0
    old: cython.int = m.block_type[pfn >> m.block_order]
    if c >= 5 or t == R:
        blocks = _move_block(m, zone, pfn, t)
        if blocks << c >= m.claim_pages and other != HA:
            changed = _set_block_type(m, pfn, 0, t)
        rest = t
    _remove(m, zone, c, pfn)
    if c == 10:
        changed += _set_block_type(m, pfn, 0, t)
    m.counters_[C_CLAIMS] += changed
    m.counters_[_pair(t, other)] += 1
    _event(m, pfn, 0, order, t, c, other, m.block_type[pfn >> m.block_order] == t, old)
    m.counted_free = -1
    _split(m, zone, pfn, order, c, rest)
    return pfn


# Per-CPU lists, rule 5.


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _pcp_index(m: Memory, t: cython.int, order: cython.int) -> cython.int:
    """Number of the per-CPU list for a type and an order.

    Source: 6.1 order_to_pindex.
    """
    if t == HA:
        t = M
    if order > 3:
        return 12 + (t == M)
    return 3 * order + t


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _pcp_order(m: Memory, index: cython.int) -> cython.int:
    """Order of the blocks on a per-CPU list.

    Source: 6.1 pindex_to_order.
    """
    return m.block_order if index >= 12 else index // 3


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _on_pcp(m: Memory, order: cython.int) -> cython.bint:
    """Whether requests and frees of that order go over per-CPU lists.

    Source: 2.6.20 buffered_rmqueue, free_hot_cold_page; 6.1 pcp_allowed_order.
    """
    if m.pcp_rule == PCP_TYPES:
        return order <= 3 or order == m.block_order
    return order == 0 and m.pcp_rule != PCP_NONE


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _refill(
    m: Memory,
    zone: cython.int,
    order: cython.int,
    t: cython.int,
    node: cython.int,
    blocks: cython.int,
    lowest: cython.int,
) -> cython.void:
    """Up to `blocks` blocks from the buddy lists; appended, but pushed under the tagged rule.

    Source: 2.6.20 and 6.1 rmqueue_bulk; v28 5/12.
    """
    _i: cython.int
    pfn: cython.int
    got_pages: cython.int = 0
    for _i in range(blocks):
        pfn = _rmqueue(m, zone, order, t, lowest)
        if pfn == PFN_NONE:
            break
        m.page_type[pfn] = t
        _set_class(m, pfn, order, PCP_FREE)
        _link(m, node if m.pcp_rule == PCP_TAGGED else m.prev[node], pfn)
        got_pages += 1 << order
    m.pcp_count[zone] += got_pages
    m.counters_[C_REFILLS] += 1
    m.counters_[C_REFILL_PAGES] += got_pages


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _tagged_page(m: Memory, node: cython.int, t: cython.int) -> cython.int:
    """First page of the list whose noted type is t; the sentinel where there is none.

    Source: v28 5/12.
    """
    at: cython.int = m.next[node]
    while at != node:
        m.counters_[C_SEARCHES] += 1
        if m.page_type[at] == t:
            break
        at = m.next[at]
    return at


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _pcp_alloc(
    m: Memory, zone: cython.int, order: cython.int, t: cython.int, lowest: cython.int
) -> cython.int:
    """A block from the per-CPU lists, refilled if need be; PFN_NONE where that gives none.

    Source: 2.6.20 buffered_rmqueue; v28 5/12; 6.1 __rmqueue_pcplist.
    DEVIATION: D6, no cold list.
    """
    node: cython.int
    pfn: cython.int
    blocks: cython.int = m.pcp_batch[zone]
    if m.pcp_rule == PCP_TYPES:
        m.free_factor[zone] >>= 1
        node = _pcp_node(m, zone, _pcp_index(m, t, order))
        if m.next[node] == node:
            if blocks > 1:
                blocks = max(blocks >> order, 2)
            _refill(m, zone, order, t, node, blocks, lowest)
        pfn = m.next[node]
    else:
        node = _pcp_node(m, zone, 0)
        pfn = _tagged_page(m, node, t) if m.pcp_rule == PCP_TAGGED else m.next[node]
        if pfn == node:
            _refill(m, zone, order, t, node, blocks, lowest)
            pfn = _tagged_page(m, node, t) if m.pcp_rule == PCP_TAGGED else m.next[node]
    if pfn == node:
        return PFN_NONE
    _unlink(m, pfn)
    m.pcp_count[zone] -= 1 << order
    return pfn


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _drain(m: Memory, zone: cython.int, pages: cython.int, index: cython.int) -> cython.void:
    """Free up to `pages` pages from the lists' tails, starting at list `index` (all rules).

    Source: 2.6.20 free_pages_bulk; 6.1 free_pcppages_bulk.
    """
    node: cython.int
    pfn: cython.int
    order: cython.int
    lowest: cython.int = 0
    highest: cython.int = 13
    pages = min(pages, m.pcp_count[zone])
    if pages <= 0:
        return
    m.counters_[C_DRAINS] += 1
    index -= 1
    while pages > 0:
        while True:
            index += 1
            if index > highest:
                index = lowest
            node = _pcp_node(m, zone, index)
            if m.next[node] != node:
                break
            if index == highest:
                highest -= 1
            if index == lowest:
                lowest += 1
        order = _pcp_order(m, index) if m.pcp_rule == PCP_TYPES else 0
        while pages > 0 and m.prev[node] != node:
            pfn = m.prev[node]
            _unlink(m, pfn)
            pages -= 1 << order
            m.pcp_count[zone] -= 1 << order
            m.counters_[C_DRAIN_PAGES] += 1 << order
            _free_one(
                m,
                zone,
                pfn,
                order,
                m.page_type[pfn] if m.grouping == GROUP_CLAIM else _type_when_freed(m, pfn),
            )


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _drain_all(m: Memory) -> cython.void:
    """Give all pages on per-CPU lists back.

    Source: 2.6.20 __drain_pages; 6.1 drain_pages_zone.
    """
    zone: cython.int
    m.counters_[C_DRAIN_ALL] += 1
    for zone in range(m.nr_zones):
        _drain_zone(m, zone)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _drain_zone(m: Memory, zone: cython.int) -> cython.void:
    """Give all pages on a zone's per-CPU lists back.

    Source: 6.1 drain_pages_zone.
    """
    pages: cython.int
    while m.pcp_count[zone] > 0:
        pages = m.pcp_count[zone]
        if m.pcp_rule == PCP_TYPES:
            pages = min(pages, m.pcp_batch[zone] << 5)
        _drain(m, zone, pages, 0)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _pcp_shrink(m: Memory, zone: cython.int, order: cython.int, index: cython.int) -> cython.void:
    """Rule 5, types and orders: after a free, drain if the lists hold too much.

    Source: 6.1 nr_pcp_high, nr_pcp_free.
    """
    batch: cython.int = m.pcp_batch[zone]
    high: cython.int = m.pcp_high[zone]
    pages: cython.int
    if m.free_factor[zone] > 0 and 1 <= order <= 3:
        _drain(m, zone, m.pcp_count[zone], index)
        return
    if m.kswapd_active and zone <= m.kswapd_class and _reclaim_active(m):
        high = min(4 * batch, high)
    if m.pcp_count[zone] < high:
        return
    if high < batch:
        pages = 1
    else:
        pages = batch << m.free_factor[zone]
        if pages < high - batch and m.free_factor[zone] < 5:
            m.free_factor[zone] += 1
        pages = min(max(pages, batch), high - batch)
    _drain(m, zone, pages, index)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _pcp_free(m: Memory, zone: cython.int, pfn: cython.int, order: cython.int) -> cython.void:
    """A freed block enters the per-CPU lists, which may then be drained.

    Source: 2.6.20 free_hot_cold_page; 6.1 free_unref_page_commit.
    DEVIATION: D17, no frees from interrupts past locked lists.
    """
    index: cython.int = 0
    t: cython.int = _type_when_freed(m, pfn)
    if m.pcp_rule == PCP_TYPES:
        index = _pcp_index(m, t, order)
    m.page_type[pfn] = t
    _set_class(m, pfn, order, PCP_FREE)
    _link(m, _pcp_node(m, zone, index), pfn)
    m.pcp_count[zone] += 1 << order
    if m.pcp_rule != PCP_TYPES:
        if m.pcp_count[zone] >= m.pcp_high[zone]:
            _drain(m, zone, m.pcp_batch[zone], 0)
    elif (
        m.pcp_count[zone] >= m.pcp_high[zone] or m.kswapd_active or order
    ):  # else nothing to shrink
        _pcp_shrink(m, zone, order, index)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _put_back(m: Memory, zone: cython.int, pfn: cython.int, pause: cython.bint) -> cython.void:
    """Free a single page of compaction's.

    Source: 6.1 release_freepages.
    """
    if _on_pcp(m, 0) and not pause:
        _pcp_free(m, zone, pfn, 0)
    else:
        _free_one(m, zone, pfn, 0, _type_when_freed(m, pfn))


# Watermarks and kswapd, rules 2 and 6.


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _watermark_ok(
    m: Memory,
    zone: cython.int,
    order: cython.int,
    mark: cython.int,
    class_zone: cython.int,
    reserves: cython.bint,
) -> cython.bint:
    """Whether the zone may serve the request; `reserves`: atomic on walk 2.

    Source: 2.6.20 zone_watermark_ok; 6.1 __zone_watermark_ok.
    DEVIATION: D4, a boost of the watermarks only where reclaim is simulated.
    """
    free: cython.int = m.zone_free[zone] - (1 << order) + 1
    reserve: cython.int = m.reserve[zone * m.nr_zones + class_zone]
    if reserves:
        mark -= mark // 2
        mark -= mark // 4
    elif not m.halving:
        free -= m.highatomic[zone]
    if free <= mark + reserve:
        return False
    if order == 0:
        return True
    if m.halving:
        return _halving_ok(m, zone, order, mark, free)
    return _has_block(m, zone, order, reserves)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _halving_ok(
    m: Memory, zone: cython.int, order: cython.int, mark: cython.int, free: cython.int
) -> cython.bint:
    """Rule 2, halving: without the blocks too small, half of the mark is left at each order.

    Source: 2.6.20 zone_watermark_ok.
    """
    node: cython.int
    i: cython.int
    for i in range(order):
        node = (zone * 11 + i) * 4
        free -= (
            m.nr_free[node] + m.nr_free[node + 1] + m.nr_free[node + 2] + m.nr_free[node + 3]
        ) << i
        mark //= 2
        if free <= mark:
            return False
    return True


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _has_block(
    m: Memory, zone: cython.int, order: cython.int, reserves: cython.bint
) -> cython.bint:
    """Rule 2, one block: some block of sufficient order is free.

    Source: 6.1 __zone_watermark_ok.
    """
    node: cython.int
    i: cython.int
    for i in range(order, 11):
        node = (zone * 11 + i) * 4
        if m.nr_free[node] or m.nr_free[node + 1] or m.nr_free[node + 2]:
            return True
        if reserves and m.nr_free[node + 3]:
            return True
    return False


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _wake_kswapd(m: Memory, class_zone: cython.int, order: cython.int) -> cython.void:
    """A failed walk 1 wakes kswapd.

    Source: 6.1 wakeup_kswapd.
    """
    if not m.kswapd_active or class_zone > m.kswapd_class:
        m.kswapd_class = class_zone
    m.kswapd_order = max(m.kswapd_order, order)
    m.kswapd_active = True


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _reclaim_active(m: Memory) -> cython.bint:
    """Whether kswapd still works; it stops once a zone is above HIGH, and wakes kcompactd.

    Source: 6.1 balance_pgdat, ZONE_RECLAIM_ACTIVE, kswapd_try_to_sleep.
    DEVIATION: D7, kswapd reclaims nothing.
    """
    zone: cython.int
    reserve: cython.int
    if m.reclaims:
        return True
    for zone in range(m.kswapd_class + 1):
        reserve = m.reserve[zone * m.nr_zones + m.kswapd_class]
        if m.zone_free[zone] > m.zone_high[zone] + reserve:
            m.kswapd_active = False
            m.kcompactd_order = max(m.kcompactd_order, m.kswapd_order)
            m.kswapd_order = 0
            return False
    return True


# High-atomic reserve, rule 7.


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _reserve_highatomic(m: Memory, zone: cython.int, pfn: cython.int) -> cython.void:
    """Make the pageblock just served from a high-atomic one, up to the limit.

    Source: 6.1 reserve_highatomic_pageblock.
    """
    block_pages: cython.int = 1 << m.block_order
    if m.highatomic[zone] >= m.highatomic_limit[zone]:
        return
    if m.block_type[pfn >> m.block_order] == HA:
        return
    m.highatomic[zone] += block_pages
    m.block_type[pfn >> m.block_order] = HA
    _move_block(m, zone, pfn, HA)
    m.counters_[C_HA_RESERVED] += 1


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _unreserve_highatomic(m: Memory, class_zone: cython.int, t: cython.int) -> cython.void:
    """Give one high-atomic pageblock back to type t.

    Source: 6.1 unreserve_highatomic_pageblock.
    """
    zone: cython.int
    order: cython.int
    pfn: cython.int
    node: cython.int
    block_pages: cython.int = 1 << m.block_order
    for zone in range(class_zone, -1, -1):
        if m.highatomic[zone] <= block_pages:
            continue
        for order in range(11):
            node = _free_node(m, zone, order, HA)
            pfn = m.next[node]
            if pfn == node:
                continue
            if m.block_type[pfn >> m.block_order] == HA:
                m.highatomic[zone] = max(m.highatomic[zone] - block_pages, 0)
                m.counters_[C_HA_UNRESERVED] += 1
            m.block_type[pfn >> m.block_order] = t
            if _move_block(m, zone, pfn, t):
                return


# Requests, rules 1 and 3.


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _request_type(
    m: Memory, order: cython.int, mobility: cython.int, flags: cython.int
) -> cython.int:
    """Migratetype of a request.

    Source: v28 2/12, 10/12; 6.1 gfp_migratetype.
    """
    if m.grouping == GROUP_NONE or not m.enabled:
        return U
    if m.atomic_type and order > 0 and flags & ATOMIC:
        return HA
    return mobility


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _take(
    m: Memory,
    zone: cython.int,
    order: cython.int,
    t: cython.int,
    lowest: cython.int,
    reserves: cython.bint,
) -> cython.int:
    """Rule 3: a block from one zone that passed its watermark, or PFN_NONE.

    Source: 2.6.20 buffered_rmqueue; 6.1 rmqueue.
    """
    pfn: cython.int
    if _on_pcp(m, order):
        pfn = _pcp_alloc(m, zone, order, t, lowest)
        if m.pcp_rule != PCP_TYPES:
            return pfn
    else:
        pfn = PFN_NONE
    if pfn == PFN_NONE:
        pfn = _take_buddy(m, zone, order, t, lowest, reserves and m.reserve_rule)
    if pfn != PFN_NONE and reserves and order and m.reserve_rule:
        _reserve_highatomic(m, zone, pfn)
    return pfn


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _take_buddy(
    m: Memory,
    zone: cython.int,
    order: cython.int,
    t: cython.int,
    lowest: cython.int,
    highatomic: cython.bint,
) -> cython.int:
    """A block from the buddy lists, with or without the high-atomic reserve.

    Source: 6.1 rmqueue_buddy.
    """
    pfn: cython.int = PFN_NONE
    if highatomic and order:
        pfn = _smallest(m, zone, order, HA)
        if pfn != PFN_NONE:
            m.zone_free[zone] -= 1 << order
            return pfn
    pfn = _rmqueue(m, zone, order, t, lowest)
    if pfn == PFN_NONE and highatomic:
        pfn = _smallest(m, zone, order, HA)
        if pfn != PFN_NONE:
            m.zone_free[zone] -= 1 << order
    return pfn


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _walk_zones(
    m: Memory,
    order: cython.int,
    t: cython.int,
    class_zone: cython.int,
    walk: cython.int,
    lowest: cython.int,
    reserves: cython.bint,
) -> cython.int:
    """Walk 1 or 2 down the zonelist.

    Source: 2.6.20 and 6.1 get_page_from_freelist.
    DEVIATION: D11, no limit of dirty pages.
    """
    zone: cython.int
    pfn: cython.int
    mark: cython.int
    for zone in range(class_zone, -1, -1):
        mark = m.zone_low[zone] if walk == 1 else m.zone_min[zone]
        if order or not reserves:
            mark += m.zone_boost[zone]
        if _watermark_ok(m, zone, order, mark, class_zone, reserves):
            pfn = _take(m, zone, order, t, lowest, reserves)
            if pfn != PFN_NONE:
                return pfn
    return PFN_NONE


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _alloc_slow(
    m: Memory, order: cython.int, t: cython.int, class_zone: cython.int, flags: cython.int
) -> cython.int:
    """Walk 2 and, for a request that may wait, the last steps before failure.

    PFN_HELP where compaction is to be tried before them.

    Source: 2.6.20 __alloc_pages; v28 7/12; 6.1 __alloc_pages_slowpath.
    DEVIATION: D1, nothing is reclaimed.
    DEVIATION: D2, walk 2 is not tried twice.
    DEVIATION: D3, the last reserves and OOM are left out.
    DEVIATION: D12, atomic is GFP_ATOMIC alone.
    """
    pfn: cython.int
    atomic: cython.bint = flags & ATOMIC
    _wake_kswapd(m, class_zone, order)
    pfn = _walk_zones(m, order, t, class_zone, 2, order, atomic)
    if pfn != PFN_NONE or atomic:
        return pfn
    if order >= m.help_order and not flags & HELPED:
        return PFN_HELP
    if m.grouping == GROUP_NONE:
        return pfn
    if m.grouping == GROUP_MARCH and order == 0:
        return pfn
    if m.reserve_rule:
        _unreserve_highatomic(m, class_zone, t)
    _drain_all(m)
    return _walk_zones(m, order, t, class_zone, 2, order, False)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _alloc(m: Memory, order: cython.int, mobility: cython.int, flags: cython.int) -> cython.int:
    """One request: walk 1, then the slow path; counts it and marks its pages.

    Source: 2.6.20 and 6.1 __alloc_pages; 6.1 alloc_flags_nofragment.
    DEVIATION: D10, every movable request may use ZONE_MOVABLE.
    """
    t: cython.int = _request_type(m, order, mobility, flags)
    class_zone: cython.int = m.class_movable if mobility == M else m.class_other
    c: cython.int
    pfn: cython.int = PFN_NONE
    if m.nofragment[class_zone]:
        pfn = _walk_zones(m, order, t, class_zone, 1, max(order, m.block_order), False)
    if pfn == PFN_NONE:
        pfn = _walk_zones(m, order, t, class_zone, 1, order, False)
    if pfn == PFN_NONE:
        pfn = _alloc_slow(m, order, t, class_zone, flags)
    if pfn == PFN_HELP:
        return pfn
    m.counters_[C_REQUESTS + order] += 1
    if pfn == PFN_NONE:
        m.counters_[C_FAILED + order] += 1
        m.counters_[C_FAILED_PAGES] += 1 << order
        _event(m, PFN_NONE, 2, order, t, 0, 0, 0, 0)
    else:
        # Classes of pages in use: movable 2, unmovable 3, reclaimable 4, in a huge page 5.
        c = 2 if mobility == M else 4 if mobility == R else 3
        _set_class(m, pfn, order, 5 if flags & HUGE else c)
    return pfn


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _free(m: Memory, pfn: cython.int, order: cython.int) -> cython.void:
    """Free a block in use.

    Source: 2.6.20 __free_pages; 6.1 free_the_page.
    """
    zone: cython.int = _zone_of(m, pfn)
    m.counters_[C_FREES] += 1
    if _on_pcp(m, order):
        _pcp_free(m, zone, pfn, order)
    else:
        _free_one(m, zone, pfn, order, _type_when_freed(m, pfn))


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _run(
    m: Memory,
    kind: cython.uchar[::1],
    ids: cython.int[::1],
    order: cython.uchar[::1],
    mobility: cython.uchar[::1],
    flags: cython.uchar[::1],
    offset: cython.ushort[::1],
    pfn_of: cython.int[::1],
    count: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    i: cython.Py_ssize_t
    for i in range(count):
        if m.kcompactd_order and m.help_order <= 1:
            return i
        if kind[i] == 0 or (kind[i] == 4 and pfn_of[ids[i]] == PFN_NONE):
            if not _run_alloc(m, kind[i], ids[i], order[i], mobility[i], flags[i], pfn_of):
                if m.failed_order == 0:
                    return i
                m.op += 1
                return i + 1
        elif kind[i] == 1:
            _run_free(m, pfn_of[ids[i]], offset[i], order[i], flags[i])
        elif kind[i] == 2:
            _drain_all(m)
        elif kind[i] != 4:  # else the page is there
            return i
        m.op += 1
    return count


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
@cython.nogil
def _run_alloc(
    m: Memory,
    kind: cython.int,
    number: cython.int,
    order: cython.int,
    mobility: cython.int,
    flags: cython.int,
    pfn_of: cython.int[::1],
) -> cython.bint:
    """The request of id `number`; False where `run` must stop: for help, or where it failed."""
    pfn: cython.int = _alloc(m, order, mobility, flags)
    if pfn == PFN_HELP:
        return False
    pfn_of[number] = pfn
    if pfn == PFN_NONE and order and m.stops_at_failure:
        m.failed_order = order
        return False
    if pfn != PFN_NONE and (mobility == M or kind == 4):
        # Only single pages can be migrated or reclaimed.
        _set_owner(m, pfn, order, PFN_NONE if order else number)
    return True


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
@cython.nogil
def _run_free(
    m: Memory, pfn: cython.int, offset: cython.int, order: cython.int, flags: cython.int
) -> cython.void:
    """Free an allocation at `pfn`, or a part of it."""
    if pfn != PFN_NONE and _in_use(m, pfn + offset):
        _free(m, pfn + offset, order)
        return
    if not flags & ON_LRU:  # else it was reclaimed before
        m.counters_[C_FREED_UNKNOWN] += 1
