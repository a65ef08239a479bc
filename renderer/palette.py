"""Colours of all pictures: page classes, lines of charts, paper and ink.

In the standard palette mobility is told by hue (unmovable red, reclaimable yellow, movable blue),
the class within it by shade; the same colours differ in luminance, for grey print, and for
colour-blind eyes. Free is nearly the paper, what is no memory recedes into it.
tests/renderer/test_palette.py measures this. A new palette is one entry in PALETTES.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

PAPER = "#F0F1F3"
INK = "#16181D"
QUIET_INK = "#565B66"
RULE = "#C3C7CE"  # thin lines, and the gaps between pageblocks
BAND = "#E2E5EA"  # every other phase in a chart
ZONE = "#16181D"  # zone boundaries and the boxes with their names
ON_DARK = "#FFFFFF"
MARK, PAGE_MARK = "#E000B0", "#16181D"  # around a pageblock that a caption tells of; at its pages

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


class PaletteError(ValueError):
    """No such palette: one line."""


@dataclass(frozen=True)
class Swatch:
    """How a class is shown: its colour, that of the lines across it, its name in the legend.

    Classes next to one another under one label share a line of the legend.
    """

    colour: str
    label: str
    hatch: str = ""


@dataclass(frozen=True)
class Palette:
    """Swatches by class name, worst class first.

    That is the order of the legend, and of "the worst class wins" where a cell stands for several
    pages. The class "" stands for those that the palette doesn't know. `heading` stands above the
    legend, `notes` below it. `of_blocks`: the classes are those of whole pageblocks.
    """

    name: str
    swatches: Mapping[str, Swatch]
    heading: str = ""
    notes: tuple[str, ...] = ()
    of_blocks: bool = False

    def swatch(self, name: str) -> Swatch:
        """The swatch of a class."""
        return self.swatches[self._known(name)]

    def severity(self, name: str) -> int:
        """Place of a class in the order, from 0, the worst, on."""
        return tuple(self.swatches).index(self._known(name))

    def _known(self, name: str) -> str:
        return name if name in self.swatches else ""


_UNKNOWN = Swatch("#D84FB0", "")  # loud, and never hidden by others

STANDARD = Palette(
    "standard",
    {
        "unmovable": Swatch("#B01E14", "unmovable"),
        "kernel_unknown": Swatch("#4A0D0B", "kernel, type unknown"),
        "reclaimable": Swatch("#F4BC1C", "reclaimable"),
        "hugetlb": Swatch("#5B3AA6", "hugetlb"),
        "": _UNKNOWN,
        "reserved": Swatch("#AEB1B8", "reserved"),
        "movable": Swatch("#4C9AD8", "movable"),
        "pcp_free": Swatch("#58BE66", "free, per-CPU list"),
        "free": Swatch("#FCFCFA", "free"),
        "hole": Swatch("#CFD4E0", "hole, no memory"),
    },
)

# What is known of the colours of 2007: movable green, reclaimable blue, zone boundaries black, free
# grey; red for what was pinned (unmovable, or taken at boot) from memory of them. The others are
# ours.
YEAR_2007 = Palette(
    "2007",
    {
        "unmovable": Swatch("#E81414", "pinned: unmovable"),
        "kernel_unknown": Swatch("#AC0A0A", "pinned: kernel, type unknown"),
        "reclaimable": Swatch("#1428D8", "reclaimable"),
        "hugetlb": Swatch("#7A1FA2", "hugetlb"),
        "": _UNKNOWN,
        "reserved": Swatch("#760404", "pinned: reserved at boot"),
        "movable": Swatch("#18B418", "movable"),
        "pcp_free": Swatch("#F0E000", "free, per-CPU list"),
        "free": Swatch("#BEBEBE", "free"),
        "hole": Swatch("#FFFFFF", "hole, no memory"),
    },
    notes=("colours of 2007",),
)

# For a dark screen: free is nearly the paper here too, what cannot move is the brightest.
DARK = Palette(
    "dark",
    {
        "unmovable": Swatch("#FF705C", "unmovable"),
        "kernel_unknown": Swatch("#A8103C", "kernel, type unknown"),
        "reclaimable": Swatch("#FFD34D", "reclaimable"),
        "hugetlb": Swatch("#B79CFF", "hugetlb"),
        "": Swatch("#FF9BE6", ""),
        "reserved": Swatch("#6E747F", "reserved"),
        "movable": Swatch("#2B6FB4", "movable"),
        "pcp_free": Swatch("#1D5F55", "free, per-CPU list"),
        "free": Swatch("#1F2329", "free"),
        "hole": Swatch("#0A0B0D", "hole, no memory"),
    },
)
DARK_PAPER, DARK_INK, DARK_QUIET_INK = "#14161A", "#ECEEF2", "#A6ADBA"
DARK_RULE, DARK_BAND, DARK_ZONE = "#3A404B", "#1E2228", "#ECEEF2"
# Of the same panels as in LINES; the letters on them are dark.
DARK_LINES = (
    "#FF8A5B",
    "#3CCBA0",
    "#D98BE0",
    "#6FB1F5",
    "#CDB64A",
    "#AEB6C6",
    "#4FC7D6",
    "#FF85A8",
)

# A pageblock in one recording against the same one in the first, A (pipeline/views/difference.py).
# Blue and plain: better than in A; orange and hatched: worse. Strong where the difference decides
# over a huge page; dark where it is of many pages.
DIFFERENCE = Palette(
    "difference",
    {
        "spoiled_64": Swatch("#A33B00", "spoiled: some, none in A", hatch="#200A00"),
        "spoiled_8": Swatch("#D9691E", "spoiled: some, none in A", hatch="#4A1A00"),
        "spoiled_1": Swatch("#F0A268", "spoiled: some, none in A", hatch="#742C00"),
        "spared_64": Swatch("#123F7A", "spared: none, some in A"),
        "spared_8": Swatch("#3F7FC0", "spared: none, some in A"),
        "spared_1": Swatch("#86B8E2", "spared: none, some in A"),
        "more_64": Swatch("#C4A68C", "more, some in both", hatch="#7A5C40"),
        "more_8": Swatch("#DAC3AE", "more, some in both", hatch="#927254"),
        "more_1": Swatch("#EBDCCD", "more, some in both", hatch="#AC8C6C"),
        "fewer_64": Swatch("#8E9CC0", "fewer, some in both"),
        "fewer_8": Swatch("#B4C4E0", "fewer, some in both"),
        "fewer_1": Swatch("#D6E6FA", "fewer, some in both"),
        "same": Swatch("#FCFCFA", "as many as in A"),
        "": _UNKNOWN,
        "not_counted": Swatch("#A8AAAE", "not counted"),
    },
    heading="pages that cannot move, against A",
    notes=(
        "from dark to light: 64 and more, 8 to 63, 1 to 7 pages more or fewer",
        "hatched: worse than in A",
    ),
    of_blocks=True,
)

PALETTES = {palette.name: palette for palette in (STANDARD, YEAR_2007, DIFFERENCE)}


def palette_named(name: str) -> Palette:
    """Raises PaletteError, naming those that exist."""
    return _palette_among(name, PALETTES)


def page_palette_named(name: str) -> Palette:
    """One for the classes of pages. Raises PaletteError, naming those that exist."""
    return _palette_among(name, [name for name in PALETTES if name != DIFFERENCE.name])


def _palette_among(name: str, names: Iterable[str]) -> Palette:
    if name not in names:
        raise PaletteError(f"no palette {name!r}; there are {', '.join(names)}")
    return PALETTES[name]


def rgb(colour: str) -> np.ndarray:
    """A colour "#RRGGBB" as u1[3]."""
    return np.frombuffer(bytes.fromhex(colour[1:]), np.uint8)


def class_colours(names: Sequence[str], palette: Palette = STANDARD) -> np.ndarray:
    """Colours of page classes by code, u1[classes, 3]; names as in a recording's header."""
    return np.array([rgb(palette.swatch(name).colour) for name in names], np.uint8)


def hatch_colours(names: Sequence[str], palette: Palette) -> np.ndarray:
    """Colours of the lines across page classes, u1[classes, 3]: their own where there are none."""
    swatches = [palette.swatch(name) for name in names]
    return np.array([rgb(swatch.hatch or swatch.colour) for swatch in swatches], np.uint8)


def class_ranks(names: Sequence[str], palette: Palette = STANDARD) -> np.ndarray:
    """Place of each class by code in the order of severity, u1[classes]; higher is worse."""
    most = len(palette.swatches)
    return np.array([most - palette.severity(name) for name in names], np.uint8)


def class_label(name: str, palette: Palette = STANDARD) -> str:
    """What the legend calls a class."""
    return palette.swatch(name).label or name


def legend_order(names: Iterable[str], palette: Palette = STANDARD) -> list[str]:
    """Names of classes, each once, worst first."""
    return sorted(dict.fromkeys(names), key=palette.severity)


def legend_lines(names: Iterable[str], palette: Palette) -> list[tuple[str, list[str]]]:
    """Lines of a legend: a label, and the classes that share it, worst first."""
    ordered = legend_order(names, palette)
    grouped = groupby(ordered, key=lambda name: class_label(name, palette))
    return [(label, list(classes)) for label, classes in grouped]


def line_colour(index: int) -> str:
    """The colour of a panel's line and letter."""
    return LINES[index % len(LINES)]


_LUMA = np.array([0.2126, 0.7152, 0.0722])
_BLUE, _RED = (np.array(unit) - _LUMA for unit in ([0, 0, 1], [1, 0, 0]))
_PER_UNIT = np.stack((219 * _LUMA, 224 / 1.8556 * _BLUE, 224 / 1.5748 * _RED), axis=1)
_TO_YUV = np.float32(_PER_UNIT / 255)
_YUV_AT_BLACK = np.float32([16, 128, 128])


def to_yuv(colours: np.ndarray) -> np.ndarray:
    """RGB u1[..., 3] as Y, U, V of BT.709 in limited range, u1[..., 3].

    What a player shows of it differs from the RGB by rounding alone. Videos are flagged bt709, tv.
    """
    flat = np.float32(colours).reshape(-1, 3) @ _TO_YUV
    flat += _YUV_AT_BLACK
    return np.rint(flat, out=flat).astype(np.uint8).reshape(np.shape(colours))
