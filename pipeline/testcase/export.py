"""`pagereel testcase export`: a run, or the file of one, as a testcase."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.atomic import replacing
from pipeline.config import (
    MechanismChoice,
    RunConfig,
    UsageError,
    WorkloadChoice,
    check,
    check_output,
    entries_of,
    load_config,
)
from pipeline.metadata import versions
from pipeline.run_folder import RunFolder
from pipeline.scratch import scratch_folder
from pipeline.testcase.conditions import Condition
from pipeline.testcase.folder import ABOUT, CONFIG, About, RecordingHash, TestcaseError, write
from pipeline.testcase.record import Made, figures_of, made_anew, made_of

STREAMS, MECHANISMS = "streams", "mechanisms"


class Source(NamedTuple):
    """What is exported; `paths`: its recordings, none where it wasn't run; made by `versions`.

    `repeats`: further seeds, of which a run has figures only.
    """

    config: RunConfig
    paths: tuple[Path, ...] = ()
    versions: dict[str, str] = {}  # noqa: RUF012
    repeats: int = 0


def export_command(
    source: Path, output: Path, symptom: str, expect: Sequence[str], jobs: int, force: bool
) -> None:
    """Write the testcase and print its folder. Raises as `export`."""
    found = _source(source)
    export(found, output, symptom, expect, jobs=jobs, force=force)
    print(output)
    if found.repeats:
        seeds = ", ".join(map(str, found.config.seeds))
        print(
            f"pagereel: the testcase has the seeds of whole recordings ({seeds}); the run's "
            f"{found.repeats} repeats, which are figures only, stay out",
            file=sys.stderr,
        )


def _source(path: Path) -> Source:
    if not path.is_dir():
        return Source(load_config(path))
    run = RunFolder.open(path)
    repeats = len({recorded.seed for recorded in run.repeats})
    return Source(run.config, run.paths, run.versions, repeats)


def export(
    source: Source,
    folder: Path,
    symptom: str,
    expect: Sequence[str] = (),
    *,
    jobs: int,
    force: bool,
) -> None:
    """Write a testcase. `expect`: conditions that its figures meet with each seed.

    A run's own recordings are taken where its streams go into the folder byte by byte; else all
    are made anew. Raises UsageError; TestcaseError where a condition isn't met; what `record`
    raises; OSError. Nothing is written then.
    """
    conditions = [Condition.parse(text) for text in expect]
    check_output(folder, force, "testcase")
    if not symptom.isprintable():
        raise UsageError("the symptom has characters that can't be printed")
    with scratch_folder() as staged:
        table = _gathered(source.config, staged)
        as_it_was = source.paths and not any(map(_to_pack, source.config.workloads))
        if as_it_was:
            made = [made_of(path) for path in source.paths]
        else:
            made = made_anew(_inside(table, staged), jobs)
        _check_met(conditions, made)
        about = About(
            symptom=symptom,
            conditions=tuple(expect),
            sealed="",
            versions=source.versions if as_it_was else versions(),
            files={},
            recordings=tuple(
                RecordingHash(file=one.file, sha256=one.sha256, stream=one.stream) for one in made
            ),
        )
        write(staged, about, table, figures_of(made))
        _publish(staged, folder)


def _gathered(config: RunConfig, folder: Path) -> dict:
    """The run's table, with all that it names copied into the folder. Raises UsageError."""
    mechanisms = zip(config.mechanisms, check(config), strict=True)
    left_out = {"workloads", "mechanisms", "artefacts", "repeats"}
    entries = config.model_dump(mode="json", exclude=left_out)
    return {
        **{key: value for key, value in entries.items() if value not in ("", None)},
        "repeats": 0,  # seeds are those of whole recordings
        "workloads": [_workload(choice, folder) for choice in config.workloads],
        "mechanisms": [_mechanism(choice, own.name, folder) for choice, own in mechanisms],
    }


def _workload(choice: WorkloadChoice, folder: Path) -> dict:
    if not choice.path:
        return entries_of(choice)
    inside = f"{STREAMS}/{choice.file_name}.npz"
    (folder / STREAMS).mkdir(exist_ok=True)
    if _to_pack(choice):
        from workloads.packed import pack

        pack(choice.load(seed=0), folder / inside)
    else:
        shutil.copyfile(choice.path, folder / inside)
    return entries_of(choice, path=inside)


def _to_pack(choice: WorkloadChoice) -> bool:
    """Whether it is a folder with requests.npz: packed, its ids, and so its digest, are others."""
    path = Path(choice.path)
    return bool(choice.path) and (path.is_dir() or path.name == "requests.npz")


def _mechanism(choice: MechanismChoice, name: str, folder: Path) -> dict:
    if not choice.name.endswith(".toml"):
        return entries_of(choice)
    inside = f"{MECHANISMS}/{name}.toml"
    (folder / MECHANISMS).mkdir(exist_ok=True)
    shutil.copyfile(choice.name, folder / inside)
    return entries_of(choice, name=inside)


def _inside(table: dict, folder: Path) -> RunConfig:
    """The run as it stands in the folder."""
    return RunConfig.model_validate(table).beside(folder / CONFIG)


def _check_met(conditions: Sequence[Condition], made: Sequence[Made]) -> None:
    figures = figures_of(made)
    for condition in conditions:
        condition.check(figures)
        verdict = condition.judge(figures)
        if not verdict.all_hold:
            raise TestcaseError(f"the symptom doesn't show: {verdict.told(condition)}")


def _publish(staged: Path, folder: Path) -> None:
    """Copy the files, that which tells of all others last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ABOUT).unlink(missing_ok=True)
    files = sorted(path.relative_to(staged) for path in staged.rglob("*") if path.is_file())
    for file in sorted(files, key=lambda file: file == Path(ABOUT)):
        (folder / file).parent.mkdir(exist_ok=True)
        with replacing(folder / file) as partial:
            shutil.copyfile(staged / file, partial)
