"""`pagereel truth`: what is replayed, judged, told and drawn."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from allocator.mechanism import load_mechanism
from allocator.terms import EVENT_CLAIM, EVENT_DTYPE, EVENT_FALLBACK, FREE, HUGETLB
from capture.snapshots import sample_ops, write_real
from pipeline.config import UsageError, load_stream
from pipeline.metrics import METRICS
from pipeline.metrics.evidence import Evidence
from pipeline.recording import Recording, RecordingWriter
from pipeline.samples import BARE, _figures, replayed
from pipeline.simulate import simulate
from pipeline.truth.compare import JUDGED, MEASURES, PHASES, compared
from pipeline.truth.real import real_figures
from pipeline.truth.replays import Boot, Outcome, Replay, planned
from pipeline.truth.report import WIDTH, report
from tests.pipeline.commands import Commands
from tests.pipeline.small import header
from tests.real import real_folder
from tests.workloads.folders import BOOT_PHASES, PAGES, write_boot

GOLDEN = Path(__file__).parents[1] / "golden"
PAIRS = [f"fragmenting_{a}_in_{b}" for a in ("unmovable", "movable", "reclaimable")
         for b in ("unmovable", "movable", "reclaimable") if a != b]  # fmt: skip


def figures(offset: float = 0.0, mixed: float = 0.0) -> dict[tuple[str, str], float]:
    """Figures of a boot or a replay; all but the types of pageblocks move by `offset`."""
    result = {}
    for number, phase in enumerate(PHASES):
        result |= {(phase, name): 10.0 * number + offset for name in MEASURES}
        result |= {(phase, name): 256.0 for name in ("unmovable_blocks", "reclaimable_blocks")}
        result |= {(phase, f"nr_free_order_{n}"): 1000.0 - n + offset for n in range(11)}
        result[phase, "mixed"] = 12.25 * number + mixed
    return result | {("total", name): 3 + offset for name in PAIRS}


def boot(name: str, mechanism: str, kbytes: int = 2704) -> Boot:
    return Boot(Path(name), name, mechanism, kbytes, figures())


def outcome(offset: float, bare: float = 9.0) -> Outcome:
    """One replay from the recorded start, three from others: each a block further off."""
    return Outcome(
        [figures(offset + n, mixed=offset + n / 4) for n in range(4)],
        [figures(bare, mixed=bare)] * 4,
    )


def test_the_text_is_as_agreed() -> None:
    boots = [boot("c_nogroup", "6.1-off"), boot("b_movable_minfree", "6.1-both", 23992)]
    offsets = (0, 2, 3, 9)
    made = [compared(r, outcome(o)) for r, o in zip(planned(boots), offsets, strict=True)]
    text = report("pagereel truth c_nogroup b_movable_minfree --starts 3", made, starts=3)
    assert text == (GOLDEN / "truth.txt").read_text()
    assert max(map(len, text.splitlines())) <= WIDTH
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_every_stream_under_every_mechanism_that_ran() -> None:
    one, two = boot("one", "6.1-off"), boot("two", "6.1-list", 24000)
    again = boot("again", "6.1-off")
    pairs = [(r.stream.name, r.against.name, r.own) for r in planned([one, two, again])]
    assert pairs == [
        ("one", "one", True),
        ("two", "two", True),
        ("again", "again", True),
        ("one", "two", False),
        ("two", "one", False),
        ("again", "two", False),
    ]
    assert Replay(one, two).parameters == {"min_free_kbytes": "24000"}
    assert Replay(one, one).parameters == {}
    assert Replay(one, again).parameters == {}
    with pytest.raises(UsageError, match="two recordings"):
        planned([one, replace(two, name="one")])


def test_judged_by_the_tolerances() -> None:
    own = boot("a", "6.1-list")
    of = compared(Replay(own, own), outcome(offset=3.0))
    verdict = {(r.phase, r.measure): r.within for r in of.judged}
    assert len(verdict) == 12
    assert verdict["mixed3", "nonmov_blocks"] == "yes"  # exactly at the tolerance
    assert verdict["files", "nonmov_blocks"] == "no"
    assert {verdict[phase, "mixed"] for phase in ("files", "mixed3")} == {"no"}
    assert (of.within, of.rows["end", "mixed"].within) == (8, None)
    row = of.rows["rest3", "nonmov_blocks"]
    assert (row.real, row.simulated, row.mean, row.sd) == (20, 23, 25, 1)
    assert (row.bare, row.bare_mean) == (29, 29)
    assert of.errors["nonmov_blocks"] == (pytest.approx((3 + 4 + 5 + 6) / 4), 9)
    other = compared(Replay(own, boot("b", "6.1-off")), outcome(offset=3.0))
    assert {r.phase for r in other.judged} == {"mixed3"}
    assert (other.within, len(other.judged)) == (3, 3)


def test_what_the_boot_does_not_tell_is_left_out() -> None:
    told = {key: value for key, value in figures().items() if key[1] in JUDGED}
    bare_boot = replace(boot("a", "6.1-list"), real=told)
    of = compared(Replay(bare_boot, bare_boot), outcome(0.0))
    assert {measure for _, measure in of.rows} == set(JUDGED)
    text = report("pagereel truth a", [of], starts=3)
    assert "free blocks by order" not in text
    assert "fragmenting" not in text
    assert "12 of 12 judged" in text


def test_a_command_writes_text_table_and_pictures(pagereel: Commands, tmp_path: Path) -> None:
    folders = [write_boot(tmp_path / "grouped"), write_boot(tmp_path / "plain", grouping=False)]
    target = tmp_path / "truth"
    command = ("truth", *folders, "--starts", 2)
    done = pagereel(*command, "-o", target, "-j", 1)
    assert done.code == 0
    names = ["grouped.png", "plain.png", "truth.csv", "truth.txt"]
    assert sorted(path.name for path in target.iterdir()) == names
    assert (target / "truth.txt").read_text() == done.out
    assert done.out.startswith("$ pagereel truth grouped plain --starts 2\n")
    assert "grouped under 6.1-list: its own mechanism" in done.out
    assert "plain under 6.1-list: a counterfactual, against grouped" in done.out
    assert done.out.count("fragmenting fallbacks in total") == 1
    table = pd.read_csv(target / "truth.csv")
    assert table.groupby(["stream", "mechanism", "against"]).ngroups == 4
    of = table.set_index(["stream", "mechanism", "phase", "measure"])
    one = of.loc["grouped", "6.1-list", "mixed3", "mixed"]
    figure = replayed(str(folders[0]), "6.1-list", {}, 0)["mixed3", "mixed"]
    assert (one["real"], one["simulated"]) == (12.5, figure)
    bare = replayed(str(folders[0]), "6.1-list", BARE, 0)["mixed3", "pcp_pages"]
    assert of.loc["grouped", "6.1-list", "mixed3", "pcp_pages"]["bare"] == bare == 0
    assert of.loc["plain", "6.1-off", "rest3", "nr_free_order_4"]["real"] == 8
    with Image.open(target / "plain.png") as picture:
        shown = json.loads(picture.text["pagereel"])
    assert [r["source"]["kind"] for r in shown["recordings"]] == ["real", "simulation"]
    assert [p["name"] for p in shown["picture"]["phases"]] == list(BOOT_PHASES[:4])


def test_the_same_bytes_on_two_jobs_and_only_its_own_files_replaced(
    pagereel: Commands, tmp_path: Path
) -> None:
    folder, target = write_boot(tmp_path / "grouped"), tmp_path / "truth"
    command = ("truth", folder, "--starts", 2, "-o", target)
    target.mkdir()
    (target / "notes").write_text("mine")
    line = pagereel.refused(*command, code=2)
    assert "--force" in line
    assert pagereel(*command, "--force", "-j", 1).code == 0
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    assert len(before) == 4
    assert pagereel(*command, "--force", "-j", 2).code == 0
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert before["notes"] == b"mine"


@pytest.mark.parametrize(
    ("missing", "output", "code"),
    [("series.csv", False, 1), ("requests.npz", False, 1), ("snapshots.npz", True, 1)],
)
def test_what_a_folder_lacks_is_told(
    pagereel: Commands, tmp_path: Path, missing: str, output: bool, code: int
) -> None:
    folder = write_boot(tmp_path / "grouped")
    (folder / missing).unlink()
    options = ["-o", tmp_path / "truth"] if output else []
    line = pagereel.refused("truth", folder, "--starts", 2, *options, "-j", 1, code=code)
    assert missing in line
    assert not list(tmp_path.rglob("truth.*"))


def test_usage(pagereel: Commands, tmp_path: Path) -> None:
    folder = write_boot(tmp_path / "grouped")
    nowhere = tmp_path / "nowhere"
    assert "nowhere" in pagereel.refused("truth", nowhere, code=2)
    assert "two recordings" in pagereel.refused("truth", folder, folder, code=2)
    assert "--starts" in pagereel.refused("truth", folder, "--starts", 1, code=2)
    taken = tmp_path / "file"
    taken.touch()
    assert "not a folder" in pagereel.refused("truth", folder, "-o", taken, "--force", code=2)


def test_a_summary_that_is_none_is_told(pagereel: Commands, tmp_path: Path) -> None:
    folder = write_boot(tmp_path / "grouped")
    for text in ("[]", '{"extfrag_pairs": {"cma<-mov": {"fragmenting": 1}}}', "{"):
        (folder / "summary.json").write_text(text)
        assert "grouped" in pagereel.refused("truth", folder, code=1)


def test_fragmenting_fallbacks_are_counted_alike(tmp_path: Path) -> None:
    """On both sides: only those onto blocks smaller than a pageblock, by pair."""
    real = real_figures(write_boot(tmp_path / "grouped"))
    counted = {name: value for (phase, name), value in real.items() if phase == "total"}
    assert counted == dict.fromkeys(PAIRS, 0.0) | {"fragmenting_unmovable_in_movable": 2.0}
    rows = [
        # kind, migratetype, fallback_order, fallback_migratetype
        (EVENT_FALLBACK, 0, 8, 1),
        (EVENT_FALLBACK, 0, 0, 1),
        (EVENT_FALLBACK, 0, 9, 1),
        (EVENT_CLAIM, 0, 0, 1),
        (EVENT_FALLBACK, 2, 3, 0),
    ]
    events = np.zeros(len(rows), EVENT_DTYPE)
    columns = ("kind", "migratetype", "fallback_order", "fallback_migratetype")
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        events[column] = values
    head = header(PAGES)
    with RecordingWriter(tmp_path / "a.reel", head) as writer:
        writer.append(
            op=0, time_us=0, phase=0, grid=np.zeros(PAGES, np.uint8),
            block_types=np.zeros(PAGES >> 9, np.uint8),
            series=np.zeros(len(head["series_columns"]), np.int64),
        )  # fmt: skip
        writer.add_events(events)
    made = _figures(Recording.open(tmp_path / "a.reel"))
    counted = {name: made["total", name] for name in PAIRS if made["total", name]}
    assert counted == {
        "fragmenting_unmovable_in_movable": 2,
        "fragmenting_reclaimable_in_unmovable": 1,
    }


def test_real_frames_stand_at_the_phases_samples(tmp_path: Path) -> None:
    """Each is its phase's last snapshot without huge pages, on the simulation's clock."""
    folder = write_boot(tmp_path / "grouped")
    with np.load(folder / "requests.npz") as file:
        columns = dict(file) | {
            "snapshot_phase": np.array(["files", "files", "files", "end", "end"])
        }
    np.savez(folder / "requests.npz", **columns)
    with np.load(folder / "snapshots.npz") as file:
        tables = {name: file[name].copy() for name in file.files}
    tables["kclass"][2, 4096:4608] = 6  # huge pages in the last snapshot of "files"
    tables["kclass"][1, 5000] = 5
    tables["kclass"][4, 6000] = 2
    np.savez(folder / "snapshots.npz", **tables)
    stream = load_stream(folder)
    table = {"name": "6.1-list", "title": "real kernel"}
    write_real(folder, stream, tmp_path / "real.reel", table)
    real = Recording.open(tmp_path / "real.reel")
    assert real.ops.tolist() == [p.sample_op for p in stream.phases] == [3, len(stream.ops)]
    assert real.header["source"]["kind"] == "real"
    names = real.header["page_classes"]
    assert [names[real.grid(0)[5000]], names[real.grid(1)[5000]]] == ["unmovable", "free"]
    assert [names[real.grid(0)[6000]], names[real.grid(1)[6000]]] == ["free", "movable"]
    assert HUGETLB not in real.grid(0)
    free = real.column("free_pages:DMA32").tolist()
    assert free == [int((real.grid(n)[4096:] == FREE).sum()) for n in (0, 1)]
    simulate(stream, load_mechanism("6.1-list"), tmp_path / "s.reel", stops=sample_ops(stream))
    made = Recording.open(tmp_path / "s.reel")
    for column in ("ops", "times_us", "phases"):
        assert getattr(real, column).tolist() == getattr(made, column).tolist()


@pytest.mark.parametrize("name", ["c_nogroup", "a_group_mig", "b_movable_minfree"])
def test_real_frames_have_the_boot_s_own_figures(tmp_path: Path, name: str) -> None:
    folder = real_folder(name)
    stream, real = load_stream(folder), real_figures(folder)
    table = {"name": stream.start.mechanism, "title": "real kernel"}
    write_real(folder, stream, tmp_path / "real.reel", table)
    recording = Recording.open(tmp_path / "real.reel")
    evidence = Evidence(recording)
    for measure in JUDGED:
        values = METRICS[measure].measure(evidence)
        for phase in ("files", "mixed3", "rest3", "rest4", "end"):
            op = next(p.sample_op for p in stream.phases if p.name == phase)
            frame = recording.ops.tolist().index(op)
            assert values[frame] == pytest.approx(real[phase, measure]), (phase, measure)


@pytest.mark.speed
def test_the_real_boots_are_met(pagereel: Commands, tmp_path: Path) -> None:
    """At the end of the load, and nearer to the kernel than the bare buddy."""
    folder = real_folder("a_group_mig")
    target = tmp_path / "truth"
    assert pagereel("truth", folder, "--starts", 2, "-o", target, "-j", 1).code == 0
    table = pd.read_csv(target / "truth.csv").set_index(["phase", "measure"])
    for measure in JUDGED:
        row = table.loc["mixed3", measure]
        assert row["within"] == "yes"
        assert abs(row["mean"] - row["real"]) < abs(row["bare"] - row["real"])
    assert (target / "a_group_mig.png").stat().st_size < 350_000
