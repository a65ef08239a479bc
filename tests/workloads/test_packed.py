"""The project's own form of a stream: nothing is lost, and no damage gets past."""

import json
import random
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocator.mechanism import load_mechanism
from allocator.terms import ALLOC, DRAIN, FREE_OP
from allocator.validate import validate
from allocator.zones import Zone
from pipeline.start import start_memory
from tests.real import real_folder
from tests.workloads.folders import (
    ZONEINFO,
    kernel_classes,
    operations,
    requests,
    small_stream,
    write_folder,
)
from workloads import debian_churn, load_workload
from workloads.packed import pack, unpack
from workloads.recorded import load_folder
from workloads.stream import Ops, Stream, WorkloadError

PROJECT = Path(__file__).parents[2]
MIB = 1 << 20
OPERATIONS = operations(
    (ALLOC, 2, 3, 0),
    (ALLOC, 40, 0, 0),
    (FREE_OP, 2, 2, 4),
    (DRAIN, 0, 0, 0),
    (FREE_OP, 7, 0, 0),  # never allocated
    (FREE_OP, 0, 2, 0),
    (FREE_OP, 3, 0, 0),  # before its time
    (ALLOC, 3, 0, 0),
    (FREE_OP, 40, 0, 0),
    (FREE_OP, 8, 1, 2),  # never allocated
)


def numbered(ops: Ops, first: int) -> np.ndarray:
    """Ids renumbered as they first appear among allocations; others keep apart from them."""
    alloc = ops.kind == ALLOC
    number = np.full(max(ops.ids, first), -1, np.int64)
    number[:first] = np.arange(first)
    number[ops.id[alloc]] = first + np.arange(int(alloc.sum()))
    return number[ops.id]


def assert_same(one: Stream, other: Stream) -> None:
    """The same but for the numbers of the ids and the name."""
    for name in ("kind", "order", "mobility", "flags", "offset", "time_us"):
        assert np.array_equal(getattr(one.ops, name), getattr(other.ops, name)), name
    first = len(one.start.pfn)
    assert np.array_equal(numbered(one.ops, first), numbered(other.ops, first))
    for name in ("page_class", "pfn", "order", "traced"):
        assert np.array_equal(getattr(one.start, name), getattr(other.start, name)), name
    assert np.array_equal(one.machine.unusable, other.machine.unusable)
    for name in ("min_free_kbytes", "recorded_kernel", "recorded_zones"):
        assert getattr(one.machine, name) == getattr(other.machine, name)
    assert one.start.mechanism == other.start.mechanism
    assert one.phases == other.phases
    assert one.pageblock_order == other.pageblock_order


def packed(stream: Stream, path: Path) -> Stream:
    pack(stream, path)
    return unpack(path)


def test_round_trip(tmp_path):
    stream = small_stream(OPERATIONS)
    again = packed(stream, tmp_path / "a.npz")
    assert_same(stream, again)
    assert (again.name, again.title, again.source) == (stream.name, stream.title, stream.source)
    assert again.ops.id.tolist() == [2, 3, 2, 0, 5, 0, 4, 4, 3, 6]


def test_dtypes_of_the_columns(tmp_path):
    ops = packed(small_stream(OPERATIONS), tmp_path / "a.npz").ops
    assert {name: column.dtype.str for name, column in vars(ops).items()} == {
        "kind": "|u1",
        "id": "<i4",
        "order": "|u1",
        "mobility": "|u1",
        "flags": "|u1",
        "offset": "<u2",
        "time_us": "<i8",
    }


def test_round_trip_of_a_folder_with_zones(tmp_path):
    columns = requests()
    folder = write_folder(tmp_path / "f", columns, kernel_classes(columns), ZONEINFO)
    stream = load_folder(folder)
    assert_same(stream, packed(stream, tmp_path / "a.npz"))


@pytest.mark.parametrize("seed", [0, 1])
def test_round_trip_of_the_synthetic_churn(tmp_path, seed):
    stream = load_workload("churn", {"memory_mib": "16", "requests": "3000"}, seed)
    assert_same(stream, packed(stream, tmp_path / "a.npz"))


def test_same_stream_same_bytes(tmp_path):
    for name in ("a", "b"):
        pack(small_stream(OPERATIONS), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    again = packed(small_stream(OPERATIONS), tmp_path / "a")
    pack(again, tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_pause_too_long_for_the_form(tmp_path):
    times = OPERATIONS.time_us.copy()
    times[3:] += (1 << 32) - 2
    assert_same(
        small_stream(replace(OPERATIONS, time_us=times)),
        packed(small_stream(replace(OPERATIONS, time_us=times)), tmp_path / "a"),
    )
    times[3:] += 1
    with pytest.raises(WorkloadError, match="us pass between two operations"):
        pack(small_stream(replace(OPERATIONS, time_us=times)), tmp_path / "b")
    assert not (tmp_path / "b").exists()


# The shipped stream.


def test_the_shipped_stream_is_small():
    assert debian_churn.PATH.stat().st_size <= 6 * MIB


def test_the_shipped_stream_loads():
    stream = load_workload("debian-6.1-churn")
    assert stream.machine.pages == 131_072
    assert stream.start.mechanism == "6.1-off"
    assert [phase.name for phase in stream.phases][:3] == ["idle0", "hugefresh", "files"]
    assert int((stream.ops.kind == ALLOC).sum()) > 1_690_000


def test_the_shipped_stream_takes_no_parameters():
    with pytest.raises(WorkloadError, match="has no parameter 'memory_mib'"):
        load_workload("debian-6.1-churn", {"memory_mib": "64"})


def test_the_shipped_stream_is_the_recorded_one():
    assert_same(load_folder(real_folder("c_nogroup")), load_workload("debian-6.1-churn"))


@pytest.mark.parametrize("name", ["a_group_mig", "b_movable_minfree", "c_nogroup"])
def test_the_real_recordings_load(name):
    stream = load_folder(real_folder(name))
    assert len(stream.ops) > 3_300_000
    assert [phase.name for phase in stream.phases][-1] == "end"


# Damage.


def fault(path: Path) -> str:
    with pytest.raises(WorkloadError) as caught:
        unpack(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def write_members(path: Path, contents: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in contents.items():
            file.writestr(name, data)
    return path


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> dict[str, bytes]:
    """Members of a packed stream with zones."""
    path = tmp_path_factory.mktemp("packed") / "a.npz"
    stream = small_stream(OPERATIONS)
    zone = Zone("DMA", 0, 1024, 1000, 10, 12, 14, (0,))
    machine = replace(stream.machine, recorded_kernel="6.1", recorded_zones=(zone,))
    pack(replace(stream, machine=machine), path)
    unpack(path)
    return members(path)


def npy(values: np.ndarray, path: Path) -> bytes:
    np.save(path, values, allow_pickle=True)
    return path.read_bytes()


def test_missing_file(tmp_path):
    assert fault(tmp_path / "none.npz") == "no such file"


@pytest.mark.parametrize("data", [b"", b"PK", b"not an archive at all" * 50])
def test_foreign_file(tmp_path, data):
    (tmp_path / "a.npz").write_bytes(data)
    assert fault(tmp_path / "a.npz").startswith("not a readable stream: ")


def test_a_folder_in_its_place(tmp_path):
    assert fault(tmp_path).startswith("not a readable stream: ")


def test_truncated_at_any_byte(tmp_path):
    pack(small_stream(OPERATIONS), tmp_path / "whole.npz")
    data = (tmp_path / "whole.npz").read_bytes()
    for length in range(0, len(data), 13):
        (tmp_path / "a.npz").write_bytes(data[:length])
        fault(tmp_path / "a.npz")


def test_members_missing(tmp_path, sound):
    for name in sound:
        rest = {other: data for other, data in sound.items() if other != name}
        message = fault(write_members(tmp_path / "a.npz", rest))
        assert message.startswith("not a readable stream: ")


def with_description(sound: dict[str, bytes], change) -> dict[str, bytes]:
    description = json.loads(sound["stream.json"])
    change(description)
    return sound | {"stream.json": json.dumps(description).encode()}


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(format="another"),
        lambda d: d.update(version=2),
        lambda d: d.update(name="../../escaped"),
        lambda d: d.update(name="a\nb"),
        lambda d: d.update(name=""),
        lambda d: d.update(name=5),
        lambda d: d.update(title=None),
        lambda d: d.update(title="two\nlines"),
        lambda d: d.update(source=["a"]),
        lambda d: d.update(pageblock_order=0),
        lambda d: d.update(pageblock_order=11),
        lambda d: d.update(pageblock_order=9.0),
        lambda d: d.update(pageblock_order=True),
        lambda d: d.update(recorded_mechanism=3),
        lambda d: d.update(phases=[]),
        lambda d: d.update(phases={"a": 1}),
        lambda d: d.update(machine=None),
        lambda d: d["phases"][0].update(start_op=-1),
        lambda d: d["phases"][0].update(sample_op=11),
        lambda d: d["phases"][0].update(start_op=0.5),
        lambda d: d["phases"][0].update(key="yes"),
        lambda d: d["phases"][0].update(title="\x00"),
        lambda d: d["phases"][0].update(more=1),
        lambda d: d["phases"].append(d["phases"][0]),
        lambda d: d["machine"].update(min_free_kbytes=0),
        lambda d: d["machine"].update(min_free_kbytes=2**40),
        lambda d: d["machine"].update(min_free_kbytes="128"),
        lambda d: d["machine"].update(name=None),
        lambda d: d["machine"].update(recorded_kernel=6.1),
        lambda d: d["machine"].update(more=1),
        lambda d: d["machine"]["recorded_zones"][0].update(end_pfn=1025),
        lambda d: d["machine"]["recorded_zones"][0].update(end_pfn=1000),
        lambda d: d["machine"]["recorded_zones"][0].update(start_pfn=-1),
        lambda d: d["machine"]["recorded_zones"][0].update(managed_pages=1025),
        lambda d: d["machine"]["recorded_zones"][0].update(min_pages=2**31),
        lambda d: d["machine"]["recorded_zones"][0].update(low_pages="5"),
        lambda d: d["machine"]["recorded_zones"][0].update(high_pages=1e3),
        lambda d: d["machine"]["recorded_zones"][0].update(lowmem_reserve_pages=[]),
        lambda d: d["machine"]["recorded_zones"][0].update(lowmem_reserve_pages=[0, 0]),
        lambda d: d["machine"]["recorded_zones"][0].update(lowmem_reserve_pages=[-1]),
        lambda d: d["machine"]["recorded_zones"][0].update(name=""),
        lambda d: d["machine"]["recorded_zones"].append(d["machine"]["recorded_zones"][0]),
    ],
)
def test_description_out_of_range(tmp_path, sound, change):
    fault(write_members(tmp_path / "a.npz", with_description(sound, change)))


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b"null", b"[" * 100_000, b'{"format": "pagereel stream"}', b"\xff"]
)
def test_description_that_is_none(tmp_path, sound, text):
    fault(write_members(tmp_path / "a.npz", sound | {"stream.json": text}))


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(0, np.uint8),
        np.full(10, -1, np.int64),
        np.full(1024, 200, np.uint8),
        np.full((4, 9), 255, np.uint8),
        np.zeros((4, 10), np.int64),
        np.zeros(10, np.float32),
        np.zeros(10, "U3"),
        np.array([{}] * 10, object),
        np.uint8(3),
    ],
)
def test_columns_out_of_range(tmp_path, sound, values):
    for name in (n for n in sound if n.endswith(".npy")):
        if np.array_equal(values, np.load(BytesIO(sound[name]))):
            continue
        fault(write_members(tmp_path / "a.npz", sound | {name: npy(values, tmp_path / "c.npy")}))


def unpack_or_fault(path: Path) -> bool:
    """Whether the file was refused; a stream that is accepted runs."""
    try:
        stream = unpack(path)
    except WorkloadError as error:
        message = str(error)
    else:
        for name in ("6.1-both", "2007-list"):
            memory, pfn_of, _ = start_memory(stream, load_mechanism(name))
            memory.run(*stream.ops.window(0, len(stream.ops)), pfn_of)
            validate(memory)
        return False
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return True


def test_mutated_members(tmp_path, sound):
    """Stored without compression: mutations reach headers and values, past no checksum."""
    draw = random.Random(9)
    refused = 0
    for _ in range(400):
        name = draw.choice(list(sound))
        data = bytearray(sound[name])
        for _ in range(draw.randrange(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        refused += unpack_or_fault(write_members(tmp_path / "a.npz", sound | {name: bytes(data)}))
    assert 100 < refused < 400  # some mutations are harmless, most are not


def test_mutated_archive(tmp_path):
    pack(small_stream(OPERATIONS), tmp_path / "whole.npz")
    data = (tmp_path / "whole.npz").read_bytes()
    draw = random.Random(10)
    refused = 0
    for _ in range(300):
        mutated = bytearray(data)
        for _ in range(draw.randrange(1, 4)):
            mutated[draw.randrange(len(mutated))] ^= 1 << draw.randrange(8)
        (tmp_path / "a.npz").write_bytes(bytes(mutated))
        refused += unpack_or_fault(tmp_path / "a.npz")
    assert refused > 200


COLUMNS = ("kind", "order", "mobility", "flags", "offset", "age", "elapsed_us", "page_class",
           "unusable", "start_pfn", "start_order", "start_traced")  # fmt: skip


@settings(
    derandomize=True,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    changes=st.lists(
        st.tuples(st.sampled_from(COLUMNS), st.integers(0, 1023), st.integers(0, 255)),
        min_size=1,
        max_size=4,
    )
)
def test_mutated_columns(tmp_path, sound, changes):
    contents = dict(sound)
    for name, place, value in changes:
        (tmp_path / "c.npy").write_bytes(contents[f"{name}.npy"])
        column = np.load(tmp_path / "c.npy")
        column.ravel()[place % column.size] = value
        contents[f"{name}.npy"] = npy(column, tmp_path / "c.npy")
    unpack_or_fault(write_members(tmp_path / "a.npz", contents))
