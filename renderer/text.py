"""Text as small images, in the font that matplotlib brings, so that bytes are the same everywhere.

Every image has even sides, and a height that depends on the font's size alone: lines of one size
share their baseline.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from renderer.palette import INK, PAPER, rgb


@lru_cache(maxsize=64)
def font(size_px: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans. Found without importing matplotlib, which takes a second."""
    folder = Path(find_spec("matplotlib").origin).parent / "mpl-data" / "fonts" / "ttf"
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(folder / name, size_px, layout_engine=ImageFont.Layout.BASIC)


def line_height_px(size_px: int) -> int:
    """Height of a line of text, even."""
    return even_up(sum(font(size_px).getmetrics()))


@lru_cache(maxsize=4096)
def text_width_px(text: str, size_px: int, *, bold: bool = False) -> int:
    """Width of a line of text, even."""
    return even_up(font(size_px, bold).getlength(text))


@lru_cache(maxsize=256)  # 60 KB each
def text_image(
    text: str,
    size_px: int,
    *,
    bold: bool = False,
    colour: str = INK,
    paper: str = PAPER,
    width_px: int | None = None,
    align: str = "left",
) -> np.ndarray:
    """One line of text, u1[h, w, 3], read-only; cut with an ellipsis where it doesn't fit.

    `width_px` even; without it the width is the text's own. `align` is left, center or right.
    """
    if width_px is not None:
        text = _shortened(text, size_px, bold, width_px)
    own_px = text_width_px(text, size_px, bold=bold)
    width_px = own_px if width_px is None else width_px
    x_px = {"left": 0, "center": (width_px - own_px) // 2, "right": width_px - own_px}[align]
    image = Image.new("RGB", (max(width_px, 2), line_height_px(size_px)), paper)
    ImageDraw.Draw(image).text((x_px, 0), text, fill=colour, font=font(size_px, bold))
    return _frozen(np.array(image))


@lru_cache(maxsize=256)
def chip_image(
    text: str, size_px: int, colour: str, *, width_px: int, height_px: int
) -> np.ndarray:
    """Bold white text in the middle of a filled box, u1[h, w, 3], read-only; even sides."""
    image = Image.new("RGB", (width_px, height_px), colour)
    middle = (width_px / 2, height_px / 2)
    draw = ImageDraw.Draw(image)
    # The middle of capitals and digits: names have few descenders.
    top, bottom = draw.textbbox((0, 0), "H", font=font(size_px, True), anchor="ls")[1::2]
    baseline = round(middle[1] - (top + bottom) / 2)
    draw.text((middle[0], baseline), text, fill="#FFFFFF", font=font(size_px, True), anchor="ms")
    return _frozen(np.array(image))


def plain_image(width_px: int, height_px: int, colour: str) -> np.ndarray:
    """A filled box, u1[h, w, 3]."""
    return np.broadcast_to(rgb(colour), (height_px, width_px, 3))


def wrapped(
    text: str, size_px: int, width_px: int, *, bold: bool = False, max_lines: int = 99
) -> list[str]:
    """The lines of a text that is broken at spaces; what doesn't fit ends with an ellipsis."""
    lines, rest = [], text.split()
    while rest and len(lines) < max_lines:
        taken = 1
        while taken < len(rest) and (
            text_width_px(" ".join(rest[: taken + 1]), size_px, bold=bold) <= width_px
        ):
            taken += 1
        if len(lines) + 1 == max_lines:
            taken = len(rest)
        lines.append(_shortened(" ".join(rest[:taken]), size_px, bold, width_px))
        rest = rest[taken:]
    return lines


def fitting_px(text: str, size_px: int, width_px: int, *, bold: bool = False) -> int:
    """The largest size of text, from `size_px` down to two thirds of it, at which a line fits."""
    least_px = max(size_px * 2 // 3, 8)
    while size_px > least_px and text_width_px(text, size_px, bold=bold) > width_px:
        size_px -= 2
    return size_px


def even_up(value: float) -> int:
    """The next even number."""
    return 2 * int(-(-value // 2))


def _shortened(text: str, size_px: int, bold: bool, width_px: int) -> str:
    if text_width_px(text, size_px, bold=bold) <= width_px:
        return text
    while text and text_width_px(text + "…", size_px, bold=bold) > width_px:
        text = text[:-1].rstrip()
    return text + "…"


def _frozen(image: np.ndarray) -> np.ndarray:
    image.flags.writeable = False
    return image
