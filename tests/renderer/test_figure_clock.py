"""The clock of a figure: its ticks stand where their values do; phases that are named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderer.figure_clock import Clock, Phase, name_phases, scales
from renderer.figure_style import SIZES, text_inches

TWO = SIZES["two"]


def clock(ops: list[int], times_us: list[int] | None = None, phases: int = 1) -> Clock:
    starts = np.linspace(0, ops[-1], phases, endpoint=False).astype(int).tolist()
    names = [Phase(f"phase{n}", start, n % 4 == 0) for n, start in enumerate(starts)]
    return Clock(np.array(ops), np.array(times_us or [0] * len(ops)), names)


STEPS = st.lists(st.integers(0, 10**6), min_size=1, max_size=40)


@given(STEPS, STEPS, st.floats(1, 12))
@settings(deadline=None, max_examples=60)
def test_ticks_stand_at_their_values_and_apart(
    steps: list[int], more: list[int], width: float
) -> None:
    frames = min(len(steps), len(more))
    ops = np.cumsum([0, *steps[:frames]])
    times = np.cumsum([0, *more[:frames]]) * 100
    shown = scales(clock(ops.tolist(), times.tolist()), width, 8)
    units = {"million": 1e6, "thousand": 1e3, "requests": 1, "seconds": 1e6, "minutes": 60e6}
    for scale, values in zip(shown, (ops, times), strict=False):
        unit = units[scale.title.split()[0]]
        told = [float(label.replace(",", "")) * unit for label in scale.labels]
        there = np.interp(scale.frames, np.arange(frames + 1), values)
        assert told == pytest.approx(there.tolist(), rel=1e-6, abs=1e-6 * max(values[-1], 1))
        edges = []
        for frame, label in zip(scale.frames, scale.labels, strict=True):
            middle, half = frame / frames * width, text_inches(label, 8) / 2
            edges += [middle - half, middle + half]
        assert edges == sorted(edges)


def test_large_counts_are_in_thousands_or_millions() -> None:
    titles = [scales(clock([0, ops]), 5, 8)[0].title for ops in (900, 9_000, 9_000_000)]
    assert titles == [
        "requests and frees", "thousand requests and frees", "million requests and frees",
    ]  # fmt: skip


def test_time_is_in_seconds_or_minutes_and_left_out_where_there_is_none() -> None:
    assert [s.title for s in scales(clock([0, 9], [0, 5_000_000]), 5, 8)][1:] == ["seconds"]
    assert [s.title for s in scales(clock([0, 9], [0, 9_000_000_000]), 5, 8)][1:] == ["minutes"]
    assert len(scales(clock([0, 9]), 5, 8)) == 1


@pytest.mark.parametrize(
    ("phases", "width", "named", "angle"),
    [(3, 5, 3, 45), (12, 1.9, 12, 90), (40, 2.1, 10, 45), (400, 2.1, 17, 90)],
)
def test_phases_are_named_as_far_as_there_is_room(
    phases: int, width: float, named: int, angle: int
) -> None:
    names = name_phases(clock([0, 100_000], phases=phases), width, TWO)
    assert (len(names.phases), names.angle) == (named, angle)
    pitch = np.diff(names.middles).min(initial=9) * np.sin(np.radians(names.angle)) * 72
    assert pitch > TWO.small_points


def test_slides_name_the_key_phases_only() -> None:
    names = name_phases(clock([0, 100_000], phases=8), 9, SIZES["slide"])
    assert names.phases == [0, 4]
