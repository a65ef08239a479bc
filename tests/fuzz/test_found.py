"""What fuzzing has found: for each fault the smallest input that had it."""

import json
import zipfile
from pathlib import Path

import pytest

from allocator.mechanism import MechanismError, load_mechanism
from pipeline.config import UsageError
from pipeline.draw import bytes_of
from pipeline.recording import Recording, RecordingError
from pipeline.recording_format import HEAD, MAGIC, MAX_COLUMNS, pack_chunk
from pipeline.run_folder import METADATA, RunFolder
from pipeline.sweep.config import load_sweep
from pipeline.text_table import show_table
from pipeline.views.zoom import pfn_range
from tests.fuzz.run_folders import _SUMMARY, _metadata
from tests.fuzz.streams import bomb, members_of, packed_samples
from tests.pipeline.small import header
from tests.workloads.folders import ZONEINFO, operations, requests, small_stream, write_folder
from workloads import check_workload
from workloads.packed import pack, unpack
from workloads.recorded import load_folder
from workloads.stream import WorkloadError


def one_line(error: type[Exception], what, *arguments) -> str:
    with pytest.raises(error) as caught:
        what(*arguments)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


# Recordings.

ZONE = {"name": "DMA32", "start_pfn": 0, "end_pfn": 64}
PHASE = {"name": "all", "title": "all of it", "start_op": 0, "sample_op": 0}
MECHANISM = {"name": "test", "title": "a test's mechanism"}


@pytest.mark.parametrize(
    "changes",
    [
        {"mechanism": MECHANISM | {"parameters": "kernelcore"}},
        {"workload": MECHANISM | {"parameters": []}},
        {"mechanism": MECHANISM | {"grouping": 1}},
        {"mechanism": MECHANISM | {"grouping": {"block_order": "9"}}},
        {"source": {"text": 1}},
        {"title": "\ud800"},
        {"marks": "yes"},
        {"phases": [PHASE | {"start_op": 2**63}]},
        {"phases": [PHASE | {"sample_op": -1}]},
        {"series_columns": [str(number) for number in range(MAX_COLUMNS + 1)]},
        {"zones": [ZONE | {"lowmem_reserve_pages": 1}]},
        {"zones": [ZONE | {"lowmem_reserve_pages": ["1"]}]},
        {"zones": [ZONE | {"min_pages": 2**31}]},
    ],
)
def test_headers_that_readers_do_not_expect(tmp_path: Path, changes: dict) -> None:
    path = tmp_path / "a.reel"
    path.write_bytes(MAGIC + pack_chunk(HEAD, json.dumps(header(64, **changes)).encode()))
    assert one_line(RecordingError, Recording.open, path).startswith(f"{path}: its header")


# Streams.


def described(path: Path, **changes: object) -> Path:
    """A packed stream with other entries in its description."""
    pack(small_stream(operations((0, 2, 0, 0))), path)
    members = members_of(path.read_bytes())
    description = json.loads(members["stream.json"])
    description |= {key: value for key, value in changes.items() if key in description}
    machine = {key: value for key, value in changes.items() if key not in description}
    description["machine"] |= machine
    with zipfile.ZipFile(path, "w") as file:
        for name, data in (members | {"stream.json": json.dumps(description).encode()}).items():
            file.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["no mechanism", "mine.toml", "../mine", "x" * 3000])
def test_a_stream_recorded_under_no_known_mechanism(tmp_path: Path, name: str) -> None:
    path = described(tmp_path / "a.npz", recorded_mechanism=name)
    assert "unknown mechanism" in one_line(WorkloadError, unpack, path)


@pytest.mark.parametrize("name", ["arm", "", None, ["i386"]])
def test_a_machine_of_no_known_architecture(tmp_path: Path, name: object) -> None:
    path = described(tmp_path / "a.npz", architecture=name)
    assert "unknown architecture" in one_line(WorkloadError, unpack, path)


def test_a_watermark_of_several_lines(tmp_path: Path) -> None:
    path = described(tmp_path / "a.npz", min_free_kbytes="a\nb")
    assert "min_free_kbytes" in one_line(WorkloadError, unpack, path)


@pytest.mark.parametrize("name", ["kind.npy", "page_class.npy", "stream.json"])
def test_archives_that_unpack_to_far_more_than_they_are(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(bomb(name, list(members_of(packed_samples()[0]).items())))
    assert "unpacks to far more" in one_line(WorkloadError, unpack, path)


def test_folders_that_unpack_to_far_more_than_they_are(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "a")
    members = members_of((path / "requests.npz").read_bytes())
    (path / "requests.npz").write_bytes(bomb("op.npy", list(members.items())))
    assert "unpacks to far more" in one_line(WorkloadError, load_folder, path)


def test_more_kernel_stacks_than_memory(tmp_path: Path) -> None:
    """They were asked for page by page, for minutes."""
    stacks = "".join(
        f"##### SNAPSHOT {number} files\nKernelStack: {kb} kB\n"
        for number, kb in enumerate((64, 64, 64, 64, 999_999_999))
    )
    path = write_folder(tmp_path / "a", text=ZONEINFO + stacks)
    assert "kernel stacks" in one_line(WorkloadError, load_folder, path)


def test_a_single_pfn_makes_no_machine_of_terabytes(tmp_path: Path) -> None:
    columns = requests()
    columns["init_pfn"][0] = (1 << 28) - 1
    path = write_folder(tmp_path / "a", columns)
    assert "with 7 blocks in use" in one_line(WorkloadError, load_folder, path)


# Run folders.


def run_folder(path: Path, table: str = _SUMMARY, **changes: object) -> Path:
    (path / METADATA).write_text(json.dumps(_metadata() | changes))
    (path / "summary.csv").write_text(table)
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"frames": "many"}},  # pydantic tells it in several lines
        {"config": {"a\nb": 1}},
        {"config": {"seeds": []}},
        {"recordings": [{"file": "..", "workload": "a", "mechanism": "b", "seed": 0}]},
        {"recordings": [{"file": "a", "workload": [], "mechanism": "b", "seed": 0}]},
        {"recordings": [{"file": "a\0", "workload": "a", "mechanism": "b", "seed": 0}]},
        {"recordings": [{"file": "a", "workload": "a", "mechanism": "b", "seed": "0"}]},
        {"repeats": [{}]},
        {"repeats": 1},
    ],
)
def test_runs_whose_metadata_is_damaged(tmp_path: Path, changes: dict) -> None:
    path = run_folder(tmp_path, **changes)
    assert one_line(UsageError, RunFolder.open, path).startswith(f"{path / METADATA}: not readable")


def test_metadata_nested_without_end(tmp_path: Path) -> None:
    path = run_folder(tmp_path)
    (path / METADATA).write_text("[" * 100_000)
    assert METADATA in one_line(UsageError, RunFolder.open, path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (_SUMMARY, "", "not readable"),
        ("phase,", "", "not readable"),
        ("phase,", "stage,", "no column 'phase'"),
        ("value,", "values,", "no column 'value'"),
        (_SUMMARY[_SUMMARY.index("\n") :], "\n", "no rows"),
        ("12.5", "much", "a value is no number"),
        ("12.5", "1e999", "a value is no number"),
        ("fill,mixed,12.5", ",mixed,12.5", "a row without phase"),
        ("mixed", "mixture", "unknown metric 'mixture'"),
        ("6.1-off,churn", '"6.1-off,churn', "not readable"),
    ],
)
def test_tables_that_are_damaged(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = run_folder(tmp_path, _SUMMARY.replace(old, new, 1))
    message = one_line(UsageError, show_table, path, None, (), ())
    assert message.startswith(str(path / "summary.csv"))
    assert told in message


def test_a_metric_of_one_workload_alone(tmp_path: Path, capsys) -> None:
    row = "6.1-off,ebizzy,0,fill,mixed,4,%,lower\n"
    show_table(run_folder(tmp_path, _SUMMARY + row), None, (), ())
    assert "ebizzy: mixed" in capsys.readouterr().out


# The command line.


@pytest.mark.parametrize("text", ["9" * 400, "9" * 5000 + "MB", "0." + "1" * 5000])
def test_sizes_without_end(text: str) -> None:
    one_line(UsageError, bytes_of, text)


@pytest.mark.parametrize("text", ["1-" + "9" * 5000, "0x" + "f" * 5000 + "-1"])
def test_pfns_without_end(text: str) -> None:
    one_line(UsageError, pfn_range, text)


@pytest.mark.parametrize("text", ["a\nb", "a\x1db", "a\u2028b"])
def test_parameters_of_several_lines(text: str) -> None:
    one_line(WorkloadError, check_workload, "churn", {"memory_mib": text})
    one_line(WorkloadError, check_workload, "stress-highalloc", {"architecture": text})
    one_line(MechanismError, load_mechanism, "6.1-list", {"grouping.rule": text})


# Sweeps.


def test_a_value_of_several_lines_is_told_in_one(tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_text('workloads = ["churn"]\n[parameters]\nmemory_mib = ["a\\r\\nb"]\n')
    told = one_line(UsageError, load_sweep, path)
    assert told.startswith(f"{path}: parameters.memory_mib: with memory_mib='a\\r\\nb'")
