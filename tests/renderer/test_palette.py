"""The colours can be told apart: in grey print, by colour-blind eyes, after a video."""

from itertools import combinations

import numpy as np
import pytest

from allocator.terms import PAGE_CLASSES
from renderer.palette import (
    DIFFERENCE,
    STANDARD,
    YEAR_2007,
    Palette,
    PaletteError,
    class_colours,
    class_label,
    class_ranks,
    hatch_colours,
    legend_lines,
    legend_order,
    page_palette_named,
    palette_named,
    rgb,
    to_yuv,
)

MOBILITIES = ("movable", "unmovable", "reclaimable", "free")

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
DICHROMACY = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]


def lab(names, matrix=None, palette: Palette = STANDARD) -> np.ndarray:
    """CIE L*a*b* of classes, maybe as a dichromat sees them, f8[n, 3]."""
    value = class_colours(names, palette) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    if matrix is not None:
        linear = np.clip(linear @ np.array(matrix).T, 0, 1)
    xyz = linear @ np.array(TO_XYZ).T / (0.95047, 1, 1.08883)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack(
        (116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])), axis=1
    )


def nearest_pair(colours: np.ndarray) -> float:
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(colours.astype(float), 2))


def test_grey_print_tells_the_mobilities_apart() -> None:
    assert nearest_pair(lab(MOBILITIES)[:, :1]) > 17


@pytest.mark.parametrize("kind", DICHROMACY)
def test_colour_blind_eyes_tell_the_mobilities_apart(kind: str) -> None:
    assert nearest_pair(lab(MOBILITIES, DICHROMACY[kind])) > 38


@pytest.mark.parametrize("kind", DICHROMACY)
def test_colour_blind_eyes_tell_all_classes_apart(kind: str) -> None:
    assert nearest_pair(lab(PAGE_CLASSES, DICHROMACY[kind])) > 10


def test_free_is_the_lightest() -> None:
    lightness = dict(zip(PAGE_CLASSES, lab(PAGE_CLASSES)[:, 0], strict=True))
    assert max(lightness, key=lightness.get) == "free"


def test_a_video_keeps_classes_far_apart() -> None:
    assert nearest_pair(to_yuv(class_colours(PAGE_CLASSES))) > 24


def test_yuv_is_bt709_in_limited_range() -> None:
    colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]], np.uint8)
    expected = [[16, 128, 128], [235, 128, 128], [63, 102, 240], [32, 240, 118]]
    assert to_yuv(colours).tolist() == expected


def test_yuv_and_back_is_the_colour() -> None:
    colours = class_colours(PAGE_CLASSES).astype(float)
    y, u, v = to_yuv(class_colours(PAGE_CLASSES)).astype(float).T
    luma, blue, red = (y - 16) / 219, (u - 128) / 224 * 1.8556, (v - 128) / 224 * 1.5748
    r, b = luma + red, luma + blue
    back = np.stack((r, (luma - 0.2126 * r - 0.0722 * b) / 0.7152, b), axis=1) * 255
    assert np.abs(back - colours).max() < 2.5


def test_an_unknown_class_is_loud_and_named() -> None:
    names = ["free", "movable", "reserved", "zram"]
    assert class_label("zram") == "zram"
    assert class_ranks(names).argmax() == 3
    assert nearest_pair(to_yuv(class_colours([*PAGE_CLASSES, "zram"]))) > 24


def test_the_worst_come_first() -> None:
    order = legend_order(PAGE_CLASSES)
    assert order == sorted(order, key=lambda n: -int(class_ranks([n])[0]))
    assert order[:3] == ["unmovable", "kernel_unknown", "reclaimable"]
    assert order[-3:] == ["pcp_free", "free", "hole"]


def test_a_colour_is_read() -> None:
    assert rgb("#01FF10").tolist() == [1, 255, 16]


def test_an_unknown_palette_names_those_that_exist() -> None:
    with pytest.raises(PaletteError, match="'sepia'; there are standard, 2007, difference"):
        palette_named("sepia")
    with pytest.raises(PaletteError, match=r"'difference'; there are standard, 2007$"):
        page_palette_named("difference")


def test_the_colours_of_2007() -> None:
    red, green, blue, grey = class_colours(
        ["unmovable", "movable", "reclaimable", "free"], YEAR_2007
    ).astype(int)
    assert red.argmax() == 0
    assert green.argmax() == 1
    assert blue.argmax() == 2
    assert np.ptp(grey) == 0
    assert nearest_pair(to_yuv(class_colours([*PAGE_CLASSES, "zram"], YEAR_2007))) > 24


@pytest.mark.parametrize("palette", [YEAR_2007, DIFFERENCE])
def test_every_palette_knows_its_classes(palette: Palette) -> None:
    names = [name for name in palette.swatches if name]
    assert all(class_label(name, palette) for name in names)
    assert set(class_ranks(names, palette).tolist()) <= set(range(1, 256))
    assert class_label("zram", palette) == "zram"


STEPS = ("1", "8", "64")


@pytest.mark.parametrize("kind", ["spoiled", "spared", "more", "fewer"])
def test_a_greater_difference_is_darker(kind: str) -> None:
    names = ["same", *(f"{kind}_{step}" for step in STEPS)]
    lightness = lab(names, palette=DIFFERENCE)[:, 0]
    assert (np.diff(lightness) < -4).all()


@pytest.mark.parametrize("eyes", [None, *DICHROMACY])
def test_better_and_worse_differ_for_all_eyes(eyes: str | None) -> None:
    matrix = DICHROMACY.get(eyes)
    for step in STEPS:
        sides = lab([f"spoiled_{step}", f"spared_{step}"], matrix, DIFFERENCE)
        assert nearest_pair(sides) > 35
    strong = lab([f"{kind}_1" for kind in ("spoiled", "spared")], matrix, DIFFERENCE)
    weak = lab([f"{kind}_1" for kind in ("more", "fewer")], matrix, DIFFERENCE)
    white = lab(["same"], matrix, DIFFERENCE)
    distance = [np.linalg.norm(colours - white, axis=1) for colours in (strong, weak)]
    assert distance[0].min() > 1.5 * distance[1].max()


def test_worse_is_hatched_and_better_is_not() -> None:
    for kind, hatched in (("spoiled", True), ("more", True), ("spared", False), ("fewer", False)):
        names = [f"{kind}_{step}" for step in STEPS]
        plain, lines = class_colours(names, DIFFERENCE), hatch_colours(names, DIFFERENCE)
        assert (plain != lines).any(axis=1).all() == hatched
        if hatched:  # seen in grey too
            assert (to_yuv(plain)[:, 0].astype(int) - to_yuv(lines)[:, 0] > 25).all()


def test_classes_of_one_label_share_a_line_of_the_legend() -> None:
    told = legend_lines([*DIFFERENCE.swatches][:6], DIFFERENCE)
    assert [classes for _, classes in told] == [
        ["spoiled_64", "spoiled_8", "spoiled_1"],
        ["spared_64", "spared_8", "spared_1"],
    ]


def test_a_video_keeps_differences_apart_lines_and_all() -> None:
    names = [name for name in DIFFERENCE.swatches if name]
    plain, lines = (
        to_yuv(of(names, DIFFERENCE)).astype(float) for of in (class_colours, hatch_colours)
    )
    for one, other in combinations(range(len(names)), 2):
        for here in (plain[one], lines[one]):
            for there in (plain[other], lines[other]):
                assert np.linalg.norm(here - there) > 10
