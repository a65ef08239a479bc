"""Recording folders: what is read from them, and that no damage gets past."""

import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocator.mechanism import load_mechanism
from allocator.terms import (
    ALLOC,
    CLASS_MOVABLE,
    CLASS_RECLAIMABLE,
    CLASS_UNMOVABLE,
    DRAIN,
    FREE,
    FREE_OP,
    HOLE,
    HUGE,
    KERNEL_UNKNOWN,
    PCP_FREE,
    RESERVED,
)
from allocator.validate import validate
from pipeline.start import start_memory
from tests.workloads.folders import ZONEINFO, kernel_classes, requests, write_folder
from workloads.recorded import load_folder
from workloads.stream import Stream, WorkloadError


def fault(path: Path) -> str:
    with pytest.raises(WorkloadError) as caught:
        load_folder(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.removeprefix(str(path)).removeprefix("/")


def runs(stream: Stream) -> None:
    """A stream that was accepted runs, under a recorded and another mechanism."""
    for name in ("6.1-list", "2007-both"):
        memory, pfn_of, _ = start_memory(stream, load_mechanism(name))
        memory.run(*stream.ops.window(0, len(stream.ops)), pfn_of)
        validate(memory)


def test_what_is_read(tmp_path):
    stream = load_folder(write_folder(tmp_path / "small"))
    assert stream.name == "small"
    ops = stream.ops
    recorded = (ops.id < 12) & (ops.kind != DRAIN)
    frees = [FREE_OP] * 6
    assert ops.kind[recorded].tolist() == [ALLOC, ALLOC, FREE_OP, ALLOC, ALLOC, ALLOC, *frees]
    assert ops.id[recorded].tolist() == [7, 8, 0, 9, 10, 11, 8, 9, 8, 7, 2, 10]
    assert ops.order[recorded].tolist() == [0, 3, 0, 9, 9, 0, 2, 9, 1, 0, 2, 9]
    assert ops.mobility[recorded].tolist() == [1, 0, 0, 1, 1, 2, 0, 0, 0, 0, 0, 0]
    assert ops.offset[recorded].tolist() == [0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0]
    assert ops.time_us[recorded][:5].tolist() == [5, 10, 15, 20, 25]
    assert stream.start.pfn.tolist() == [300, 301, 304, 512, 1024, 600, 2]
    assert stream.start.traced.tolist() == [True] * 5 + [False] * 2
    runs(stream)


def test_attempts_on_huge_pages_end_with_a_request_that_failed(tmp_path):
    ops = load_folder(write_folder(tmp_path / "small")).ops
    asked = {i: int(ops.flags[(ops.id == i) & (ops.kind == ALLOC)][0]) for i in (9, 10, 11)}
    assert [asked[number] for number in (9, 10, 11)] == [HUGE, 0, 0]
    # Stretches of attempts: operation 3, with a success; 5, with none; 7, a free.
    added = ops.id >= 12
    rows = zip(np.flatnonzero(added), ops.kind[added], ops.id[added], ops.flags[added], strict=True)
    first = [(4, 12), (6, 13), (8, 14), (12, 15), (14, 16), (16, 17), (21, 18), (23, 19), (25, 20)]
    assert [tuple(map(int, row)) for row in rows] == [
        row
        for at, number in first
        for row in ((at, ALLOC, number, HUGE), (at + 1, FREE_OP, number, 0))
    ]
    assert set(ops.order[added]) == {9}
    assert np.flatnonzero(ops.kind == DRAIN).tolist() == [10, 18, 27]


def test_phases_count_what_is_added(tmp_path):
    phases = load_folder(write_folder(tmp_path / "small")).phases
    assert [(p.name, p.start_op, p.sample_op) for p in phases] == [
        ("idle0", 0, 3),
        ("files", 20, 20),
        ("rest1", 30, 33),
    ]


def test_figures_of_a_phase_are_those_without_huge_pages(tmp_path):
    shown = kernel_classes(requests())
    shown[4, 5000] = 6  # the last snapshot shows a hugetlb page
    phases = load_folder(write_folder(tmp_path / "small", kclass=shown)).phases
    assert (phases[2].start_op, phases[2].sample_op) == (30, 30)


def test_classes_at_the_start(tmp_path):
    stream = load_folder(write_folder(tmp_path / "small"))
    classes = stream.start.page_class
    assert len(classes) == 1536  # as far as the start reaches
    assert classes[[300, 301, 304, 307, 512, 600, 2]].tolist() == [
        CLASS_MOVABLE,
        CLASS_UNMOVABLE,
        CLASS_RECLAIMABLE,
        CLASS_RECLAIMABLE,
        CLASS_MOVABLE,
        KERNEL_UNKNOWN,
        RESERVED,
    ]
    assert np.count_nonzero(classes) == 1 + 1 + 4 + 32 + 512 + 8 + 2


def test_snapshots_tell_what_the_events_do_not(tmp_path):
    shown = kernel_classes(requests())
    shown[0, 4000] = 0  # not a buddy page in the first snapshot only: on a per-CPU list
    shown[:, 4001] = 0  # never one: in use, from the bulk allocator
    shown[:, 4002] = 8  # not there at all
    classes = load_folder(write_folder(tmp_path / "small", kclass=shown)).start.page_class
    assert classes[4000:4004].tolist() == [PCP_FREE, KERNEL_UNKNOWN, HOLE, FREE]


def test_pages_that_only_seem_the_kernel_s_lie_on_per_cpu_lists(tmp_path):
    columns = requests()
    columns["init_pfn"] = np.append(columns["init_pfn"], [700, 702, 704]).astype(np.uint32)
    columns["init_order"] = np.append(columns["init_order"], [0, 0, 0]).astype(np.uint8)
    columns["init_class"] = np.append(columns["init_class"], [8, 8, 8]).astype(np.uint8)
    columns["init_traced"] = np.append(columns["init_traced"], [0, 0, 0]).astype(np.uint8)
    columns["id"] = np.where(columns["id"] >= 7, columns["id"] + 3, columns["id"]).astype(np.uint32)
    columns["id"][-2] = 9  # page 704 is freed: it was the kernel's
    columns["order"][-2] = 0
    shown = kernel_classes(columns)
    shown[3, [700, 704, 600]] = 1  # free later; 600 belongs to a block of eight
    mobility = np.full_like(shown, 254)
    mobility[4, 701] = 0
    shown[:, 701] = 0  # seems from the bulk allocator, but a request gets it later
    path = write_folder(tmp_path / "small", columns, shown, mobility=mobility)
    stream = load_folder(path)
    classes = stream.start.page_class
    assert classes[[700, 701]].tolist() == [PCP_FREE, PCP_FREE]
    assert classes[[702, 704, 600]].tolist() == [KERNEL_UNKNOWN] * 3
    assert stream.start.pfn.tolist() == [300, 301, 304, 512, 1024, 600, 2, 702, 704]
    frees = stream.ops.id[stream.ops.kind == FREE_OP].tolist()
    assert [number for number in frees if number < 14] == [0, 10, 11, 10, 9, 8, 12]
    runs(stream)


def test_kernel_stacks_follow_meminfo(tmp_path):
    columns = requests()
    shown = kernel_classes(columns)
    stacks = "".join(
        f"##### SNAPSHOT {n} x\n=== /proc/meminfo\nKernelStack:   {kb} kB\n"
        for n, kb in enumerate((160, 160, 192, 176, 96))
    )
    stream = load_folder(write_folder(tmp_path / "small", columns, shown, stacks))
    ops, added = stream.ops, stream.ops.id >= 21
    assert ops.kind[added].tolist() == [ALLOC] * 8 + [FREE_OP] * 8
    assert sorted(ops.id[added][:8]) == sorted(ops.id[added][8:]) == list(range(21, 29))
    assert set(ops.order[added]) == set(ops.mobility[added]) == {0}
    live = np.cumsum(np.where(added, np.where(ops.kind == ALLOC, 1, -1), 0))
    samples = [0, *(p.sample_op for p in stream.phases)]
    assert [live[max(sample - 1, 0)] for sample in samples] == [0, 0, 8, 0]
    runs(stream)


def test_zones_as_printed(tmp_path):
    columns = requests()
    path = write_folder(tmp_path / "small", columns, kernel_classes(columns), ZONEINFO)
    stream = load_folder(path)
    zones = stream.machine.recorded_zones
    assert [(z.name, z.start_pfn, z.end_pfn, z.managed_pages) for z in zones] == [
        ("DMA", 0, 4096, 4000),
        ("DMA32", 4096, 8192, 4000),
    ]
    assert [z.lowmem_reserve_pages for z in zones] == [(0, 15), (0, 0)]
    assert stream.machine.min_free_kbytes == 160
    assert stream.start.mechanism == "6.1-list"
    runs(stream)


@pytest.mark.parametrize(
    ("edit", "mechanism"),
    [
        (("            1            7", "            8            0"), "6.1-list"),
        (("zone    DMA32", "zone  Movable"), "6.1-both"),
    ],
)
def test_recorded_mechanism(tmp_path, edit, mechanism):
    path = write_folder(tmp_path / "a", requests(), None, ZONEINFO.replace(*edit))
    assert load_folder(path).start.mechanism == mechanism


def test_grouping_off_is_seen(tmp_path):
    text = ZONEINFO.replace("1            7 ", "8            0 ")
    text = text.replace("2            6 ", "8            0 ")
    assert load_folder(write_folder(tmp_path / "a", text=text)).start.mechanism == "6.1-off"


# Faults.


def test_missing_folder(tmp_path):
    assert fault(tmp_path / "none") == "requests.npz: no such file"


def test_folder_without_requests(tmp_path):
    assert fault(tmp_path) == "requests.npz: no such file"


@pytest.mark.parametrize("name", sorted(requests()))
def test_missing_column(tmp_path, name):
    columns = requests()
    del columns[name]
    message = fault(write_folder(tmp_path / "a", columns))
    assert message == f"requests.npz: column '{name}' is missing"


@pytest.mark.parametrize("name", sorted(requests()))
def test_columns_of_different_lengths(tmp_path, name):
    columns = requests()
    columns[name] = columns[name][:-1]
    message = fault(write_folder(tmp_path / "a", columns))
    assert "different lengths" in message or "one name for each snapshot" in message


@pytest.mark.parametrize("name", sorted(requests()))
@pytest.mark.parametrize(
    "bad",
    [
        np.zeros(12, np.float64),
        np.zeros((12, 1), np.uint8),
        np.array(5, np.uint8),
        np.zeros(12, "S3"),
        np.zeros(12, [("a", "u1")]),
        np.zeros(12, "M8[s]"),
        np.zeros(12, complex),
        np.full(12, -1, np.int64),
        np.full(12, 2**63, np.uint64),
    ],
)
def test_column_of_another_kind(tmp_path, name, bad):
    assert fault(write_folder(tmp_path / "a", requests() | {name: bad})).startswith("requests.npz")


@pytest.mark.parametrize("name", ["requests.npz", "snapshots.npz"])
def test_members_that_are_no_arrays(tmp_path, name):
    path = write_folder(tmp_path / "a", kclass=kernel_classes(requests()))
    with zipfile.ZipFile(path / name) as file:
        contents = {member: file.read(member) for member in file.namelist()}
    for victim in contents:
        with zipfile.ZipFile(path / name, "w") as file:
            for member, data in contents.items():
                file.writestr(member, b"no array" if member == victim else data)
        assert fault(path) == f"{name}: {victim.removesuffix('.npy')} is no array"


def test_pickled_column(tmp_path):
    columns = requests() | {"mob": np.array([{}] * 12, object)}
    assert "not a readable stream" in fault(write_folder(tmp_path / "a", columns))


@pytest.mark.parametrize(
    ("name", "place", "value", "message"),
    [
        ("op", 3, 2, "op 2 at place 3 is out of range"),
        ("order", 0, 11, "order 11 at place 0 is out of range"),
        ("mob", 1, 3, "operation 1: unknown mobility"),
        ("off", 6, 1024, "off 1024 at place 6 is out of range"),
        ("off", 6, 2, "operation 6: frees a part that is not aligned"),
        ("in_huge", 0, 2, "in_huge 2 at place 0 is out of range"),
        ("id", 0, 2**32 - 1, "id 4294967295 at place 0 is out of range"),
        ("id", 0, 2**31 - 2, "operation 0: id 2147483646 for so few operations"),
        ("id", 0, 8, "an id is allocated twice"),
        ("id", 0, 3, "an id is allocated twice"),
        ("id", 8, 0, "operation 8: frees pages outside its allocation"),
        ("order", 10, 3, "operation 10: frees pages outside its allocation"),
        ("order", 8, 3, "operation 8: frees pages of its allocation that are freed already"),
        ("init_pfn", 0, 2**32 - 1, "init_pfn 4294967295 at place 0 is out of range"),
        ("init_pfn", 1, 300, "pfn 300 of the start is held twice"),
        ("init_pfn", 1, 1030, "pfn 1030 of the start is held twice"),
        ("init_pfn", 3, 516, "pfn 516 of the start is not aligned"),
        ("init_order", 0, 11, "init_order 11 at place 0 is out of range"),
        ("init_class", 0, 9, "init_class 9 at place 0 is out of range"),
        ("init_class", 0, 0, "pfn 300 is held at the start, but not in use"),
        ("init_class", 0, 1, "pfn 300 is held at the start, but not in use"),
        ("init_class", 0, 7, "pfn 300 is held at the start, but not in use"),
        ("init_class", 0, 6, "pfn 300 is held at the start, but not in use"),  # traced
        ("init_traced", 0, 2, "init_traced 2 at place 0 is out of range"),
        ("snapshot_op", 4, 13, "snapshot_op 13 at place 4 is out of range"),
        ("snapshot_op", 0, -1, "snapshot_op -1 at place 0 is out of range"),
        ("snapshot_op", 3, 2, "phase rest1 begins before the one before"),
        ("snapshot_op", 4, 2, "phase rest1 begins before the one before, or ends first"),
        ("snapshot_phase", 4, "idle0", "a phase begins twice"),
        ("snapshot_phase", 0, "", "a phase has no readable name"),
        ("snapshot_phase", 0, "a\nb", "a phase has no readable name"),
    ],
)
def test_values_out_of_range(tmp_path, name, place, value, message):
    columns = requests()
    columns[name][place] = value
    assert message in fault(write_folder(tmp_path / "a", columns))


@pytest.mark.parametrize("name", ["snapshot", "op"])
def test_empty_columns(tmp_path, name):
    columns = requests()
    if name == "op":
        columns |= {key: columns[key][:0] for key in
                    ("op", "id", "order", "mob", "off", "dt_us", "in_huge")}  # fmt: skip
        columns["snapshot_op"][:] = 0
    else:
        columns |= {key: columns[key][:0] for key in ("snapshot_op", "snapshot_phase")}
    assert fault(write_folder(tmp_path / "a", columns))


def test_times_that_add_up_to_years(tmp_path):
    columns = requests()
    columns["dt_us"] = np.full(12, 2**32 - 1, np.uint32)
    load_folder(write_folder(tmp_path / "a", columns))
    columns["dt_us"] = np.full(12, 2**40, np.uint64)
    assert "dt_us" in fault(write_folder(tmp_path / "a", columns))


@pytest.mark.parametrize(
    "kclass",
    [
        np.zeros((0, 8192), np.uint8),
        np.zeros((5, 0), np.uint8),
        np.zeros(8192, np.uint8),
        np.zeros((5, 8192), np.int64),
        np.zeros((5, 1000), np.uint8),  # smaller than the start
    ],
)
def test_snapshots_of_another_shape(tmp_path, kclass):
    assert fault(write_folder(tmp_path / "a", kclass=kclass))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("managed  4000", "managed  5000", "zone DMA manages more pages than it spans"),
        ("start_pfn:           4096", "start_pfn:           4000", "zone DMA32 overlaps another"),
        ("spanned  4096", "spanned  0", "zone DMA overlaps another"),
        ("min      20", "min      99999999999", "zone DMA: a number is out of range"),
        ("min      20", "min      " + "9" * 5000, "no kernel's"),
        ("(0, 15, 15, 15)", "(0, , 15, 15)", "no kernel's"),
        ("(0, 15, 15, 15)", "(0, 99999999999, 15, 15)", "zone DMA: a number is out of range"),
        ("Node 0, zone      DMA            1            7            0", "Node", "no kernel's"),
        ("spanned  4096", "spanned  4090", "pfn 4090 lies in no zone"),
    ],
)
def test_texts_that_no_kernel_printed(tmp_path, old, new, message):
    columns = requests()
    text = ZONEINFO.replace(old, new, 1)
    assert text != ZONEINFO
    path = write_folder(tmp_path / "a", columns, kernel_classes(columns), text)
    assert message in fault(path)


def test_damaged_text_file(tmp_path):
    path = write_folder(tmp_path / "a", text=ZONEINFO)
    (path / "snap_text.txt.xz").write_bytes(b"no xz at all")
    assert fault(path).startswith("snap_text.txt.xz: not readable")


def test_truncated_requests(tmp_path):
    path = write_folder(tmp_path / "a")
    data = (path / "requests.npz").read_bytes()
    for length in range(0, len(data), 97):
        (path / "requests.npz").write_bytes(data[:length])
        assert fault(path).startswith("requests.npz: ")


# Fuzzing: WorkloadError, or a stream that runs.


def load_or_fault(path: Path) -> bool:
    """Whether the folder was refused; one that is accepted runs."""
    try:
        stream = load_folder(path)
    except WorkloadError as error:
        message = str(error)
    else:
        runs(stream)
        return False
    assert "\n" not in message
    return True


def test_mutated_bytes(tmp_path):
    """Uncompressed members: mutations reach headers and values, past no checksum."""
    path = write_folder(tmp_path / "a", text=ZONEINFO)
    columns = requests()
    draw = random.Random(7)
    refused = 0
    for _ in range(150):
        with zipfile.ZipFile(path / "requests.npz", "w") as file:
            victim = draw.choice(sorted(columns))
            for name, values in columns.items():
                np.save(tmp_path / "column.npy", values)
                data = bytearray((tmp_path / "column.npy").read_bytes())
                if name == victim:
                    for _ in range(draw.randrange(1, 4)):
                        data[draw.randrange(len(data))] = draw.randrange(256)
                file.writestr(f"{name}.npy", bytes(data))
        refused += load_or_fault(path)
    assert 30 < refused < 150  # some mutations are harmless, most are not


def test_mutated_archive(tmp_path):
    path = write_folder(tmp_path / "a")
    data = (path / "requests.npz").read_bytes()
    draw = random.Random(8)
    refused = 0
    for _ in range(200):
        mutated = bytearray(data)
        for _ in range(draw.randrange(1, 4)):
            mutated[draw.randrange(len(mutated))] ^= 1 << draw.randrange(8)
        (path / "requests.npz").write_bytes(bytes(mutated))
        refused += load_or_fault(path)
    assert refused > 100


VALUES = st.integers(-2, 12) | st.sampled_from((255, 256, 511, 512, 1023, 1024, 2**31 - 1, 2**62))


@settings(
    derandomize=True,
    deadline=None,
    max_examples=250,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    changes=st.lists(
        st.tuples(
            st.sampled_from([n for n in sorted(requests()) if n != "snapshot_phase"]),
            st.integers(0, 11),
            VALUES,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_mutated_columns(tmp_path, changes):
    columns = {
        name: values.astype(np.int64) if values.dtype.kind in "iu" else values
        for name, values in requests().items()
    }
    for name, place, value in changes:
        columns[name][place % len(columns[name])] = value
    load_or_fault(write_folder(tmp_path / "a", columns))


@settings(
    derandomize=True,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    place=st.integers(0, len(ZONEINFO) - 1),
    length=st.integers(0, 30),
    text=st.text("0123456789,()\n Nodezone", max_size=12),
)
def test_mutated_texts(tmp_path, place, length, text):
    path = tmp_path / "a"
    load_or_fault(write_folder(path, text=ZONEINFO[:place] + text + ZONEINFO[place + length :]))
