"""What blocks huge pages, as bars: their lengths are those given, nothing lies over another."""

from pathlib import Path

import pytest

from renderer.blocks_figure import (
    NOTHING,
    BlockBar,
    BlockPanel,
    BlocksFigure,
    Part,
    draw,
    write_blocks,
)
from renderer.figure_style import FORMATS, SIZES
from tests.renderer.test_figures import boxes, over_one_another

HOSTILE = "$x^2$ & <b> under_scores"
AGES = ["< 1 s", "1-10 s", "before the recording"]


def figure(panels: int = 2) -> BlocksFigure:
    first = [
        BlockBar("unmovable", "in a pageblock of its own type", [Part(0, 1.5), Part(2, 2.25)]),
        BlockBar("movable", HOSTILE, [Part(1, 40)]),
        BlockBar("", "class, age and cause not kept", [Part(None, 12)]),
    ]
    other = [BlockBar(bar.page_class, bar.cause, []) for bar in first]
    made = [BlockPanel(f"m{n}: 3 of 4", other if n % 2 else first) for n in range(panels)]
    return BlocksFigure(HOSTILE, "pages", AGES, made, ["a note " * 40], {"seed": 7})


def test_bars_have_the_lengths_given() -> None:
    axis, empty = draw(figure()).axes
    assert [[bar.get_width() for bar in bars] for bars in axis.containers] == [
        [1.5], [2.25], [40], [12],
    ]  # fmt: skip
    assert [bars[0].get_x() for bars in axis.containers] == [0, 1.5, 0, 0]
    numbers = [text.get_text() for text in axis.texts if text.get_text()[0].isdigit()]
    assert numbers == ["3.8", "1-10 s", "40", "12"]
    assert not empty.containers
    assert [text.get_text() for text in empty.texts] == ["0", "0", "0"]
    assert axis.get_xlim() == empty.get_xlim()


def test_the_older_the_darker_and_what_is_not_told_is_hatched() -> None:
    axis = draw(figure()).axes[0]
    new, old, _, untold = (bars[0] for bars in axis.containers)
    assert sum(new.get_facecolor()[:3]) > sum(old.get_facecolor()[:3])
    assert untold.get_hatch()
    assert not new.get_hatch()


def test_rows_without_a_bar_are_left_out_in_one_column() -> None:
    with_bars, without = draw(figure(), SIZES["one"]).axes
    assert len(with_bars.get_yticks()) == 3
    assert len(without.get_yticks()) == 0
    assert [text.get_text() for text in without.texts] == [NOTHING]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("panels", [1, 3, 4])
def test_the_paper_has_its_size_and_holds_all(size: str, panels: int) -> None:
    canvas = draw(figure(panels), SIZES[size])
    width, height = canvas.get_size_inches()
    assert width == SIZES[size].width_inches
    assert height >= SIZES[size].least_inches
    placed = boxes(canvas)
    assert min(min(box[:2]) for box in placed.values()) >= 0
    assert max(box[2] for box in placed.values()) <= width
    assert max(box[3] for box in placed.values()) <= height
    assert over_one_another(placed) == []


def test_the_same_files_each_time(tmp_path: Path) -> None:
    for name in "ab":
        write_blocks(figure(), tmp_path / name)
    for kind in FORMATS:
        first, second = ((tmp_path / f"{name}.{kind}").read_bytes() for name in "ab")
        assert first == second
    assert (
        HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        in (tmp_path / "a.svg").read_text()
    )
