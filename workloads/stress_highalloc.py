"""stress-highalloc: huge pages are asked for beside parallel builds, and once more at rest.

After M. Gorman's test for his patches against external fragmentation: kernel trees are copied and
built side by side while updatedb walks the disk; after a minute of that, pages of a high order are
taken one after the other, as many as memory holds, twice; then the load is killed, its files are
deleted, a file as large as memory is written, read and deleted, and they are taken once more.
Source: VMRegress 0.37, bench-stresshighalloc.sh; its text in 'Reducing fragmentation using lists'
v22, linux-mm, 20 January 2006. How many pages a compiler, a tree or a daemon uses isn't told there:
what stands in Parameters was chosen before the first run and never fitted to a result.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from allocator.terms import (
    ALLOC,
    ANON,
    DIRTY,
    FILE,
    FREE_OP,
    HUGE,
    MAPPED,
    MOVABLE,
    OBJECT,
    OBJECT_FREE,
    PINNED,
    RECLAIMABLE,
    RESERVED,
    UNMOVABLE,
    USE,
    SlabCache,
)
from allocator.zones import ARCHITECTURES, Machine
from workloads.script import SLICE_US, Script
from workloads.stream import Phase, Stream, WorkloadError
from workloads.synthetic import booted, parsed, random_of, readable

DENTRY, INODE, KMALLOC = range(3)
PAGES_A_MIB = 256
S = 1_000_000  # microseconds
TIMESLICE_US = 100_000  # how long a compiler runs at a time. Source: 2.6.20 DEF_TIMESLICE
KERNEL_IMAGE = slice(256, 256 + 6 * PAGES_A_MIB)  # from 1 MiB on
MEM_MAP_PFN = 4096  # the first above ZONE_DMA
MEM_MAP_BYTES = 56  # a page, of 2.6.20 on x86-64
KERNEL_S, BOOT_S = 1.0, 2.0  # until then the kernel and the daemons have started
HEADERS_SHARE = 0.04  # of a tree's pages, read by every compiler
FILES_A_BLOCK = 32  # inodes in a block of a file system


@dataclass(frozen=True)
class Parameters:
    """What can be set with -p. Counts "a GiB" are of memory; times are seconds."""

    memory_mib: float = 512.0
    architecture: str = "x86-64"  # or i386, with high memory
    order: int = 9  # of the huge pages
    rounds: int = 1  # the whole test so often, without a new boot
    builds: int = 7  # six trees and the primary one
    trees_share: float = 1.5  # of all trees together, of memory
    build_s: float = 60.0  # from the last copy to the first attempt
    attempt_every_s: float = 0.1
    settle_s: float = 30.0
    compile_s: float = 1.2  # mean, with as many builds as processors can't hold
    compiler_pages: int = 1500
    compiler_table_pages: int = 12
    daemon_share: float = 0.08
    kernel_share: float = 0.015  # of memory, unmovable from boot on
    kmalloc_per_s: float = 230.0  # objects
    kmalloc_objects: int = 16  # a page
    dentry_objects: int = 21
    inode_objects: int = 4
    updatedb_per_s: float = 500.0  # files
    open_files_per_gib: float = 1000.0  # seen by updatedb before the first attempt
    file_pages: float = 4.0  # mean size of a file in a tree
    copy_pages_per_s: float = 10_000.0


RANGES = {
    "memory_mib": (32, 1 << 16),
    "order": (9, 10),
    "rounds": (1, 9),
    "builds": (1, 64),
    "trees_share": (0.1, 10),
    "build_s": (1, 3600),
    "attempt_every_s": (0.01, 10),
    "settle_s": (0, 3600),
    "compile_s": (0.1, 100),
    "compiler_pages": (16, 100_000),
    "compiler_table_pages": (0, 1000),
    "daemon_share": (0, 0.5),
    "kernel_share": (0, 0.5),
    "kmalloc_per_s": (0, 1e6),
    "kmalloc_objects": (1, 128),
    "dentry_objects": (1, 128),
    "inode_objects": (1, 128),
    "updatedb_per_s": (0, 1e5),
    "open_files_per_gib": (0, 1e6),
    "file_pages": (1, 1000),
    "copy_pages_per_s": (100, 1e6),
}

SEARCHED = {
    "builds": (1, 32),
    "trees_share": (0.3, 3),
    "compiler_pages": (300, 10_000),
    "compiler_table_pages": (2, 100),
    "daemon_share": (0.01, 0.3),
    "kernel_share": (0.005, 0.15),
    "kmalloc_per_s": (10, 5000),
    "updatedb_per_s": (50, 5000),
    "open_files_per_gib": (10, 20_000),
    "file_pages": (1, 16),
}


def parse(parameters: dict[str, str]) -> Parameters:
    """Parameters from text. Raises WorkloadError for unknown names and values out of range."""
    p = parsed("stress-highalloc", Parameters, RANGES, parameters)
    if p.architecture not in ARCHITECTURES:
        known, told = " or ".join(ARCHITECTURES), readable(p.architecture)
        raise WorkloadError(f"stress-highalloc: architecture={told}: not {known}")
    return p


def check(parameters: dict[str, str]) -> None:
    """Raise WorkloadError for parameters that it doesn't take."""
    parse(parameters)


def load(parameters: dict[str, str], seed: int) -> Stream:
    """The test for that seed. Raises WorkloadError for parameters out of range."""
    return _Test(parse(parameters), seed).stream(parameters)


STAGES = (
    ("build", "trees are copied and built"),
    ("load-1", "huge pages are asked for under load"),
    ("load-2", "and once more"),
    ("clean-up", "the load is killed, its files deleted, a large one written and read"),
    ("rest", "huge pages are asked for at rest"),
)


def _unusable(pages: int) -> np.ndarray:
    """What the page allocator never gets: the kernel's image and its map of memory."""
    unusable = np.zeros(pages, np.uint8)
    unusable[KERNEL_IMAGE] = RESERVED
    map_pfn = min(MEM_MAP_PFN, pages // 2)
    unusable[map_pfn : map_pfn + pages * MEM_MAP_BYTES // 4096] = RESERVED
    return unusable


def _in_slices(time_us: np.ndarray) -> np.ndarray:
    """What a process does in a timeslice, it does by the lot."""
    return time_us // TIMESLICE_US * TIMESLICE_US


class _Round(NamedTuple):
    """When the stages of one round begin, seconds."""

    build_s: float
    load_s: float
    pass2_s: float
    settle_s: float
    kill_s: float
    rest_s: float
    end_s: float


class _Test:
    """One test in the making: who does what, when."""

    def __init__(self, p: Parameters, seed: int) -> None:
        self.p, self.seed = p, seed
        self.random = random_of("stress-highalloc", seed)
        self.script = Script()
        self.pages = int(p.memory_mib * PAGES_A_MIB)
        self.tree_pages = int(self.pages * p.trees_share / p.builds)
        self.copy_s = self.tree_pages / p.copy_pages_per_s
        self.attempts = self.pages >> p.order
        self.rounds: list[_Round] = []
        for _ in range(p.rounds):
            self.rounds.append(self._round(self.rounds[-1].end_s if self.rounds else BOOT_S))
        self.end_s = self.rounds[-1].end_s

    def _round(self, start_s: float) -> _Round:
        p = self.p
        pass_s = self.attempts * p.attempt_every_s
        load_s = start_s + p.builds * self.copy_s + p.build_s
        kill_s = load_s + 2 * pass_s + p.settle_s
        rest_s = kill_s + 2 * self.pages / p.copy_pages_per_s + 3
        return _Round(
            start_s,
            load_s,
            load_s + pass_s,
            load_s + 2 * pass_s,
            kill_s,
            rest_s,
            rest_s + pass_s + 1,
        )

    def stream(self, parameters: dict[str, str]) -> Stream:
        """All of it."""
        p = self.p
        self._boot()
        self._daemons()
        self._kmalloc()
        source, text = self._tree(), self.script.new_ids(p.compiler_pages)
        for times in self.rounds:
            self._updatedb(times)
            self._builds(times, source, text)
            for start_s in (times.load_s, times.pass2_s, times.rest_s):
                self._attempts(start_s)
            self._big_file(times)
        ops = self.script.ops(int(self.end_s * S))
        machine = Machine(
            name=f"{p.memory_mib:g} MiB {p.architecture}, synthetic",
            unusable=_unusable(self.pages),
            architecture=p.architecture,
        )
        return Stream(
            name="stress-highalloc",
            title=f"stress-highalloc, order {p.order}, on {p.memory_mib:g} MiB",
            source=f"synthetic stress-highalloc, seed {self.seed}",
            machine=machine,
            start=booted(machine),
            ops=ops,
            phases=self._phases(ops.time_us),
            caches=(
                SlabCache("dentry", RECLAIMABLE, p.dentry_objects, shrinkable=True),
                SlabCache("inode", RECLAIMABLE, p.inode_objects, shrinkable=True),
                SlabCache("kmalloc", UNMOVABLE, p.kmalloc_objects),
            ),
            reclaim=True,
            seed=self.seed,
            parameters=dict(parameters),
        )

    def _phases(self, time_us: np.ndarray) -> tuple[Phase, ...]:
        """Five a round; from the second round on their names tell which."""
        stages = []
        for number, times in enumerate(self.rounds):
            prefix = f"r{number + 1}-" if number else ""
            starts = (times.build_s, times.load_s, times.pass2_s, times.settle_s, times.rest_s)
            stages += [(prefix + n, t, at) for (n, t), at in zip(STAGES, starts, strict=True)]
        at = [0, *(int(np.searchsorted(time_us, int(s * S))) for _, _, s in stages[1:])]
        ends = [*at[1:], len(time_us)]
        return tuple(
            Phase(name, title, start, end, key=not name.endswith("load-2"))
            for (name, title, _), start, end in zip(stages, at, ends, strict=True)
        )

    def _times(self, start_s: float, end_s: float, count: int) -> np.ndarray:
        """Evenly from start to end, microseconds, i8[count]."""
        return (np.linspace(start_s, end_s, count, endpoint=False) * S).astype(np.int64)

    # Who was there before.

    def _boot(self) -> None:
        """What the kernel takes when it starts and never gives back."""
        ids = self.script.new_ids(int(self.pages * self.p.kernel_share))
        self.script.add(self._times(0, KERNEL_S, len(ids)), ALLOC, ids, mobility=UNMOVABLE)

    def _daemons(self) -> None:
        """Processes that stay; each five seconds they use a random half of their pages."""
        ids = self.script.new_ids(int(self.pages * self.p.daemon_share))
        use = {"mobility": MOVABLE, "flags": ANON}
        self.script.add(self._times(KERNEL_S, BOOT_S, len(ids)), USE, ids, **use)
        for start_s in np.arange(BOOT_S, self.end_s - 5, 5):
            some = self.random.permutation(ids)[: len(ids) // 2]
            self.script.add(self._times(start_s, start_s + 5, len(some)), USE, some, **use)

    def _kmalloc(self) -> None:
        """Small objects of the kernel, some soon gone, some staying for very long."""
        count = int(self.p.kmalloc_per_s * self.end_s)
        ids = self.script.new_objects(count)
        born = self._times(0, self.end_s, count)
        lifetime = np.rint(1024 * 10_000.0 ** self.random.random(count)) / 1024 * (S // 10)
        self.script.add_objects(born, OBJECT, ids, KMALLOC, PINNED)
        self.script.add_objects(
            born + lifetime.astype(np.int64) + SLICE_US, OBJECT_FREE, ids, KMALLOC
        )

    # The load.

    def _updatedb(self, times: _Round) -> None:
        """Every file of the disk is looked at once; some are those that daemons hold open.

        These are opened before the first attempt: the machine has a steady number of them.
        """
        count = int(self.p.updatedb_per_s * (times.kill_s - times.build_s))
        if not count:
            return
        seen = self._times(times.build_s, times.kill_s, count)
        early = int(np.searchsorted(seen, int(times.load_s * S)))  # their number is steady then
        open_files = min(int(self.p.open_files_per_gib * self.p.memory_mib / 1024), early)
        flags = np.zeros(count, np.uint8)
        flags[self.random.permutation(early)[:open_files]] = PINNED
        for cache in (DENTRY, INODE):
            ids = self.script.new_objects(count)
            self.script.add_objects(seen, OBJECT, ids, cache, flags)
            closed = np.full(open_files, int(times.end_s * S) - SLICE_US)
            self.script.add_objects(closed, OBJECT_FREE, ids[flags > 0], cache)
        self._metadata(seen)

    def _metadata(self, times: np.ndarray) -> None:
        """Blocks of the file system that are read for so many files."""
        blocks = times[::FILES_A_BLOCK]
        ids = self.script.new_ids(len(blocks))
        self.script.add(blocks, USE, ids, mobility=RECLAIMABLE, flags=FILE)

    def _builds(self, times: _Round, source: tuple[np.ndarray, ...], text: np.ndarray) -> None:
        """The trees are copied one after the other; each is built from then on until the kill.

        `source`: the tree that is copied; `text`: the pages of the compiler itself.
        """
        for number in range(self.p.builds):
            start_s = times.build_s + number * self.copy_s
            tree = self._tree()
            self._read_tree(source, start_s, 0)
            self._read_tree(tree, start_s, DIRTY)
            made = self._build(tree, text, start_s + self.copy_s, times.kill_s)
            self._delete_tree(tree, np.concatenate([tree[0], made]), times.kill_s)

    def _tree(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A tree on disk: ids of its pages, of its files' dentries and of their inodes."""
        files = max(int(self.tree_pages / self.p.file_pages), 1)
        objects = self.script.new_objects(2 * files)
        return self.script.new_ids(self.tree_pages), objects[:files], objects[files:]

    def _read_tree(self, tree: tuple[np.ndarray, ...], start_s: float, dirty: int) -> None:
        """A tree read or written, file by file."""
        pages, *objects = tree
        end_s = start_s + self.copy_s
        for cache, ids in zip((DENTRY, INODE), objects, strict=True):
            self.script.add_objects(self._times(start_s, end_s, len(ids)), OBJECT, ids, cache)
        self._metadata(self._times(start_s, end_s, len(objects[0])))
        times = self._times(start_s, end_s, len(pages))
        self.script.add(times, USE, pages, mobility=MOVABLE, flags=FILE | dirty)

    def _build(
        self, tree: tuple[np.ndarray, ...], text: np.ndarray, start_s: float, kill_s: float
    ) -> np.ndarray:
        """One compiler after the other; ids of the files' pages that they leave behind."""
        seconds = kill_s - start_s
        count = int(seconds / self.p.compile_s * 1.5) + 4
        durations = self.p.compile_s * (0.5 + self.random.random(count))
        ends = start_s + np.cumsum(durations)
        count = int(np.searchsorted(ends, kill_s)) + 1
        made = [
            self._compile(tree, text, max(end - duration, start_s), min(end, kill_s))
            for end, duration in zip(ends[:count], durations[:count], strict=True)
        ]
        return np.concatenate(made)

    def _compile(
        self, tree: tuple[np.ndarray, ...], text: np.ndarray, start_s: float, end_s: float
    ) -> np.ndarray:
        """One compiler from its start to its end, or until it is killed."""
        p, script = self.p, self.script
        start, end = int(start_s * S), int(end_s * S)
        tables, stack = script.new_ids(p.compiler_table_pages), script.new_ids(1)
        script.add(start, ALLOC, tables, mobility=UNMOVABLE)
        script.add(start, ALLOC, stack, order=1, mobility=UNMOVABLE)
        script.add(start, USE, self._some(text, 400), mobility=MOVABLE, flags=FILE | MAPPED)
        headers = tree[0][: max(int(len(tree[0]) * HEADERS_SHARE), 1)]
        read = np.concatenate([self._some(headers, 250), self._some(tree[0], 8)])
        script.add(_in_slices(self._times(start_s, (start_s + end_s) / 2, len(read))), USE, read,
                   mobility=MOVABLE, flags=FILE)  # fmt: skip
        own = script.new_ids(p.compiler_pages)
        born = self._times(start_s, end_s, len(own))
        use = {"mobility": MOVABLE, "flags": ANON}
        script.add(_in_slices(born), USE, own, **use)
        again = self.random.random(len(own)) < 0.5
        later = born + ((end - born) * self.random.random(len(own))).astype(np.int64)
        script.add(_in_slices(later[again]), USE, own[again], **use)
        made = script.new_ids(10)
        script.add(end, USE, made, mobility=MOVABLE, flags=FILE | DIRTY)
        script.add(end, FREE_OP, own, flags=ANON)
        script.add(end, FREE_OP, tables)
        script.add(end, FREE_OP, stack, order=1)
        return made

    def _some(self, ids: np.ndarray, count: int) -> np.ndarray:
        return ids[self.random.integers(0, len(ids), count)]

    def _delete_tree(self, tree: tuple[np.ndarray, ...], pages: np.ndarray, kill_s: float) -> None:
        """When the load has been killed."""
        at = int(kill_s * S) + S // 10
        for cache, ids in zip((DENTRY, INODE), tree[1:], strict=True):
            self.script.add_objects(np.full(len(ids), at), OBJECT_FREE, ids, cache)
        self.script.add(at + SLICE_US, FREE_OP, pages, flags=FILE)

    # The attempts.

    def _attempts(self, start_s: float) -> None:
        """Huge pages one after the other, all held until the last."""
        ids = self.script.new_ids(self.attempts)
        every_us = int(self.p.attempt_every_s * S)
        times = int(start_s * S) + every_us * np.arange(self.attempts)
        how = {"order": self.p.order, "mobility": MOVABLE, "flags": HUGE}
        self.script.add(times, ALLOC, ids, **how)
        self.script.add(int(times[-1]) + every_us - 1, FREE_OP, ids, order=self.p.order)

    def _big_file(self, times: _Round) -> None:
        """A file of the size of memory: written, read, deleted."""
        ids = self.script.new_ids(self.pages)
        start_s, file_s = times.kill_s + 1, self.pages / self.p.copy_pages_per_s
        use = {"mobility": MOVABLE}
        self.script.add(
            self._times(start_s, start_s + file_s, len(ids)), USE, ids, flags=FILE | DIRTY, **use
        )
        start_s += file_s
        self.script.add(
            self._times(start_s, start_s + file_s, len(ids)), USE, ids, flags=FILE, **use
        )
        self.script.add(int((start_s + file_s) * S), FREE_OP, ids, flags=FILE)
