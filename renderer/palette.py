"""Colours of all pictures: page classes, lines of charts, paper and ink.

Mobility is told by hue (unmovable red, reclaimable yellow, movable blue), the class within it by
shade; the same colours differ in luminance, for grey print, and for colour-blind eyes. Free is
nearly the paper, what is no memory recedes into it. tests/renderer/test_palette.py measures this.
"""

from collections.abc import Iterable, Sequence

import numpy as np

# Page classes from worst to best for whoever wants a huge page: the order of the legend, and of
# "the worst class wins" where a cell stands for several pages.
_CLASSES = {
    "unmovable": ("#B01E14", "unmovable"),
    "kernel_unknown": ("#5C1210", "kernel, type unknown"),
    "reclaimable": ("#F4BC1C", "reclaimable"),
    "hugetlb": ("#5B3AA6", "hugetlb"),
    "": ("#D84FB0", ""),  # a class that this list doesn't know: loud, and never hidden by others
    "reserved": ("#AEB1B8", "reserved"),
    "movable": ("#4C9AD8", "movable"),
    "pcp_free": ("#9CD69C", "free, per-CPU list"),
    "free": ("#FCFCFA", "free"),
    "hole": ("#DADDE6", "hole, no memory"),
}
_ORDER = tuple(_CLASSES)

PAPER = "#F0F1F3"
INK = "#16181D"
QUIET_INK = "#565B66"
RULE = "#C3C7CE"  # thin lines, and the gaps between pageblocks
BAND = "#E2E5EA"  # every other phase in a chart
ZONE = "#16181D"  # zone boundaries and the boxes with their names
ON_DARK = "#FFFFFF"

# One for each panel, in order; the letter in it tells which panel it is without any colour.
LINES = (
    "#C2410C",
    "#0B7A5C",
    "#8E2F8F",
    "#1D5FA8",
    "#6B5A10",
    "#3F4450",
    "#0E7C86",
    "#A61E4D",
)


def rgb(colour: str) -> np.ndarray:
    """A colour "#RRGGBB" as u1[3]."""
    return np.frombuffer(bytes.fromhex(colour[1:]), np.uint8)


def class_colours(names: Sequence[str]) -> np.ndarray:
    """Colours of page classes by code, u1[classes, 3]; names as in a recording's header."""
    return np.array([rgb(_CLASSES[_known(name)][0]) for name in names], np.uint8)


def class_ranks(names: Sequence[str]) -> np.ndarray:
    """Place of each class by code in the order of severity, u1[classes]; higher is worse."""
    return np.array([len(_ORDER) - _ORDER.index(_known(name)) for name in names], np.uint8)


def class_label(name: str) -> str:
    """What the legend calls a class."""
    return _CLASSES[_known(name)][1] or name


def legend_order(names: Iterable[str]) -> list[str]:
    """Names of classes, each once, worst first."""
    return sorted(dict.fromkeys(names), key=lambda name: _ORDER.index(_known(name)))


def line_colour(index: int) -> str:
    """The colour of a panel's line and letter."""
    return LINES[index % len(LINES)]


def to_yuv(colours: np.ndarray) -> np.ndarray:
    """RGB u1[..., 3] as Y, U, V of BT.709 in limited range, u1[..., 3].

    What a player shows of it differs from the RGB by rounding alone. Videos are flagged bt709, tv.
    """
    matrix = np.array([[0.2126, 0.7152, 0.0722], [0, 0, 1], [1, 0, 0]], np.float32)
    luma, blue, red = np.moveaxis(np.float32(colours) @ (matrix.T / np.float32(255)), -1, 0)
    planes = (
        16 + 219 * luma,
        128 + 224 * (blue - luma) / 1.8556,
        128 + 224 * (red - luma) / 1.5748,
    )
    return np.rint(np.stack(planes, axis=-1)).astype(np.uint8)


def _known(name: str) -> str:
    return name if name in _CLASSES else ""
