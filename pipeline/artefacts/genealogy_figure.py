"""figures/genealogy: survival of polluted pageblocks, each pageblock over time, and their data."""

from pathlib import Path

import numpy as np
import pandas as pd

from allocator.terms import EVENT_CLAIM, MIGRATETYPES
from allocator.terms import MOVABLE as MOVABLE_TYPE
from pipeline.artefacts import Progress
from pipeline.artefacts.panels import opened
from pipeline.artefacts.tables import write_csv
from pipeline.genealogy.changes import touches
from pipeline.genealogy.episodes import episodes, survival_of
from pipeline.genealogy.history import HUGE, KERNEL, LOST, History
from pipeline.genealogy.history import MOVABLE as MOVABLE_PAGES
from pipeline.genealogy.survival import Survival
from pipeline.metadata import of_recording
from renderer.genealogy_figure import (
    GenealogyFigure,
    HalfLife,
    SurvivalCurve,
    write_genealogy,
)  # fmt: skip
from renderer.genealogy_map import STATES, BlockMap


def write_picture(paths: list[Path], base: Path, progress: Progress) -> None:
    """`base`.png, .svg, .pdf; .csv has the curves, _map.csv the map.

    Raises RecordingError, RenderError, OSError.
    """
    base.parent.mkdir(exist_ok=True)
    histories = []
    for number, path in enumerate(paths):
        histories.append(History(opened(path)))
        progress(number + 1, len(paths) + 1)
    figure = figure_of(histories)
    write_genealogy(figure, base)
    write_csv(curve_rows(figure), base.with_name(f"{base.name}.csv"))
    write_csv(map_rows(figure), base.with_name(f"{base.name}_map.csv"))
    progress(len(paths) + 1, len(paths) + 1)


def figure_of(histories: list[History]) -> GenealogyFigure:
    """The figure of several recordings of one workload, on one clock."""
    header, recording = histories[0].header, histories[0].recording
    return GenealogyFigure(
        title=f"How long pageblocks stay polluted: {header['title']}",
        source=header["source"]["text"],
        phases=[
            (phase["name"], phase["start_op"], phase.get("key", True)) for phase in header["phases"]
        ],
        ops=recording.ops,
        times_us=recording.times_us,
        curves=[_curve(history) for history in histories],
        maps=[_map(history) for history in histories],
        metadata={"recordings": [of_recording(history.header) for history in histories]},
    )


def _curve(history: History) -> SurvivalCurve:
    found = episodes(history)
    over_us, over_ops = survival_of(found, "time_us"), survival_of(found, "ops")
    begun = found[~found["at_start"]]
    return SurvivalCurve(
        name=history.header["mechanism"]["name"],
        times_us=over_us.times,
        at_risk=over_us.at_risk,
        ended=over_us.ended,
        surviving=over_us.surviving,
        low=over_us.low,
        high=over_us.high,
        observed_us=int(begun["time_us"].max()) if len(begun) else 0,
        episodes=len(begun),
        recovered=int((~begun["censored"]).sum()),
        at_start=len(found) - len(begun),
        half_life_s=_half_life(over_us, 1e-6),
        half_life_ops=_half_life(over_ops, 1),
    )


def _half_life(curve: Survival, unit: float) -> HalfLife:
    return HalfLife(*(value * unit for value in curve.median()))


def _map(history: History) -> BlockMap:
    at = touches(history, (EVENT_CLAIM,))
    shown = at.frame < len(history)
    types = history.recording.events["migratetype"][at.event[shown]]
    return BlockMap(
        name=history.header["mechanism"]["name"],
        states=block_states(history),
        claim_frames=at.frame[shown],
        claim_blocks=at.block[shown],
        claim_types=types,
        claim_back=types == MOVABLE_TYPE,
        zones=[(zone["name"], zone["start_pfn"] >> history.block_order) for zone in history.zones],
    )


def block_states(history: History) -> np.ndarray:
    """What each pageblock holds, as an index into STATES, u1[frames, blocks]."""
    held = history.held
    kernel, movable = held & KERNEL > 0, held & MOVABLE_PAGES > 0
    result = np.full(held.shape, STATES.index("free"), np.uint8)
    result[movable] = STATES.index("movable only")
    result[kernel] = STATES.index("cannot move only")
    result[kernel & movable] = STATES.index("mixed")
    result[held & HUGE > 0] = STATES.index("huge page")
    result[(held & LOST > 0) | ~history.eligible] = STATES.index("not counted")
    return result


def curve_rows(figure: GenealogyFigure) -> pd.DataFrame:
    """The steps of the curves: one row a time at which an episode ended."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "mechanism": curve.name,
                    "time_s": curve.times_us / 1e6,
                    "at_risk": curve.at_risk,
                    "recovered": curve.ended,
                    "surviving": curve.surviving,
                    "low": curve.low,
                    "high": curve.high,
                }
            )
            for curve in figure.curves
        ],
        ignore_index=True,
    )


def map_rows(figure: GenealogyFigure) -> pd.DataFrame:
    """The map: one row a stretch of frames with a pageblock in one state, and one a claim."""
    rows = []
    for drawn in figure.maps:
        states = drawn.states.T
        new = np.ones(states.shape, bool)
        new[:, 1:] = states[:, 1:] != states[:, :-1]
        starts = np.flatnonzero(new)
        ends = np.append(starts[1:], states.size)
        block, first = np.divmod(starts, states.shape[1])
        what = np.array(STATES)[states.ravel()[starts]]
        last = first + ends - starts - 1
        rows.append(_rows(drawn.name, block, first, last, what))
        kinds = np.array([f"claim for {name}" for name in MIGRATETYPES])[drawn.claim_types]
        frames = drawn.claim_frames
        rows.append(_rows(drawn.name, drawn.claim_blocks, frames, frames, kinds))
    return pd.concat(rows, ignore_index=True)


def _rows(name: str, block, first, last, what) -> pd.DataFrame:
    columns = {"block": block, "first_frame": first, "last_frame": last, "state": what}
    return pd.DataFrame({"mechanism": name, **columns})
