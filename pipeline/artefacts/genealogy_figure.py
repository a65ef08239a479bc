"""figures/genealogy: survival of polluted pageblocks, each pageblock over time, and their data."""

from pathlib import Path

import numpy as np
import pandas as pd

from allocator.terms import EVENT_CLAIM, MIGRATETYPES, MOVABLE
from pipeline.artefacts import Progress
from pipeline.artefacts.panels import opened
from pipeline.artefacts.tables import is_key, write_csv
from pipeline.genealogy.changes import touches
from pipeline.genealogy.episodes import episodes
from pipeline.genealogy.history import History
from pipeline.genealogy.lifetimes import lifetimes
from pipeline.metadata import labels_of, of_recording
from pipeline.metrics.evidence import HUGE_PAGES, KERNEL_PAGES, LOST_PAGES, MOVABLE_PAGES
from pipeline.stretches import equal_stretches
from renderer.genealogy_figure import GenealogyFigure, SurvivalCurve, write_genealogy
from renderer.genealogy_map import STATES, BlockMap


def write_picture(paths: list[Path], base: Path, progress: Progress) -> None:
    """`base`.png, .svg, .pdf; .csv has the curves, _map.csv the map.

    Raises RecordingError, RenderError, OSError.
    """
    histories = []
    for number, path in enumerate(paths):
        histories.append(History(opened(path)))
        progress(number + 1, len(paths) + 1)
    figure = figure_of(histories)
    base.parent.mkdir(exist_ok=True)  # none for a recording that cannot be read
    write_genealogy(figure, base)
    write_csv(curve_rows(figure), base.with_name(f"{base.name}.csv"))
    write_csv(map_rows(figure), base.with_name(f"{base.name}_map.csv"))
    progress(len(paths) + 1, len(paths) + 1)


def figure_of(histories: list[History]) -> GenealogyFigure:
    """The figure of several recordings of one workload, on one clock."""
    header, recording = histories[0].header, histories[0].recording
    names = labels_of([history.header for history in histories])
    return GenealogyFigure(
        title=f"How long pageblocks stay polluted: {header['title']}",
        source=header["source"]["text"],
        phases=[(phase["name"], phase["start_op"], is_key(phase)) for phase in header["phases"]],
        ops=recording.ops,
        times_us=recording.times_us,
        curves=[_curve(*named) for named in zip(names, histories, strict=True)],
        maps=[_map(*named) for named in zip(names, histories, strict=True)],
        metadata={"recordings": [of_recording(history.header) for history in histories]},
    )


def _curve(name: str, history: History) -> SurvivalCurve:
    of = lifetimes(episodes(history))
    return SurvivalCurve(
        name=name,
        times_us=of.over_us.times,
        at_risk=of.over_us.at_risk,
        ended=of.over_us.ended,
        surviving=of.over_us.surviving,
        low=of.over_us.low,
        high=of.over_us.high,
        observed_us=of.observed_us,
        episodes=of.episodes,
        recovered=of.recovered,
        at_start=of.at_start,
        half_life_s=of.over_us.median()[0] / 1e6,
        half_life_texts=of.half_life_texts(),
    )


def _map(name: str, history: History) -> BlockMap:
    at = touches(history, (EVENT_CLAIM,))
    shown = at.frame < len(history)
    types = history.recording.events["migratetype"][at.event[shown]]
    return BlockMap(
        name=name,
        states=block_states(history),
        claim_frames=at.frame[shown],
        claim_blocks=at.block[shown],
        claim_types=types,
        claim_back=types == MOVABLE,
        zones=[(zone["name"], zone["start_pfn"] >> history.block_order) for zone in history.zones],
    )


def block_states(history: History) -> np.ndarray:
    """What each pageblock holds, as an index into STATES, u1[frames, blocks]."""
    held = history.block_kinds
    kernel, movable = held & KERNEL_PAGES > 0, held & MOVABLE_PAGES > 0
    result = np.full(held.shape, STATES.index("free"), np.uint8)
    result[movable] = STATES.index("movable only")
    result[kernel] = STATES.index("cannot move only")
    result[kernel & movable] = STATES.index("mixed")
    result[held & HUGE_PAGES > 0] = STATES.index("huge page")
    result[(held & LOST_PAGES > 0) | ~history.eligible] = STATES.index("not counted")
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
        block, first, end = equal_stretches(states)
        rows.append(
            _rows(drawn.name, block, first, end - 1, np.array(STATES)[states[block, first]])
        )
        kinds = np.array([f"claim for {name}" for name in MIGRATETYPES])[drawn.claim_types]
        frames = drawn.claim_frames
        rows.append(_rows(drawn.name, drawn.claim_blocks, frames, frames, kinds))
    return pd.concat(rows, ignore_index=True)


def _rows(name: str, block, first, last, what) -> pd.DataFrame:
    columns = {"block": block, "first_frame": first, "last_frame": last, "state": what}
    return pd.DataFrame({"mechanism": name, **columns})
