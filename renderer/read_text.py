"""Reading the words of a picture back, by drawing them again: no recognition of characters.

A line of text is drawn as it has to be. What the picture shows must, letter by letter, be less than
half as far from that as any other text that it might say: one with another digit, a digit less,
that of another frame. So it is nearer to the right one than to all of those, and to any other that
differs as much.
"""

from functools import lru_cache
from itertools import combinations

import numpy as np

from renderer.annotations import CaptionLine
from renderer.palette import INK, PAPER, to_yuv
from renderer.parts import Field
from renderer.text import text_image

_OTHERS = 4  # frames evenly chosen whose text is tried
_CHARACTERS = "0123456789 "


class TextReader:
    """Compares one line of text of a scene with what frames show."""

    def __init__(self, field: Field | CaptionLine, frames: int) -> None:
        self._field = field
        self._text: str | None = None
        self._right = np.empty((0, 0), np.uint8)
        self._letter_px, self._bound = self._glyphs()[0], 0.0
        some = np.linspace(0, frames - 1, _OTHERS).astype(int).tolist()
        self._others = [_luma(field.image(frame)) for frame in some]
        self.checked = self.right = 0
        self.first_wrong: tuple[int, str] | None = None

    def compare(self, luma: np.ndarray, frame: int) -> None:
        """Count the line as right or wrong in a decoded frame's luma u1[h, w]."""
        if self._field.text(frame) != self._text:
            self._draw(frame)
        height_px, width_px = self._right.shape
        x_px, y_px = self._field.x_px, self._field.y_px
        shown = luma[y_px : y_px + height_px, x_px : x_px + width_px]
        self.checked += 1
        if _distance(shown, self._right, self._letter_px) < self._bound:
            self.right += 1
        elif self.first_wrong is None:
            self.first_wrong = (frame, self._text)

    def _draw(self, frame: int) -> None:
        """The line as it has to be, and how far from it the picture may be."""
        before, self._right = self._right, _luma(self._field.image(frame))
        self._text = self._field.text(frame)
        candidates = [*self._others, *([before] if before.size else [])]
        distances = [_distance(self._right, other, self._letter_px) for other in candidates]
        # Squares of distances: a quarter is half as far.
        least = min([d for d in distances if d] + [_least_difference(*self._glyphs())])
        self._bound = least / 4

    def _glyphs(self) -> tuple[int, bool, str, str]:
        """Size, weight and colours of the smallest letters that the line may have."""
        field = self._field
        if isinstance(field, CaptionLine):
            return field.font_px * 2 // 3, False, INK, PAPER
        return field.font_px, field.bold, field.colour, PAPER


@lru_cache(maxsize=64)
def _least_difference(font_px: int, bold: bool, colour: str, paper: str) -> int:
    """The least distance between two digits, or between a digit and none."""
    drawn = [
        _luma(text_image(c, font_px, bold=bold, colour=colour, paper=paper, width_px=2 * font_px))
        for c in _CHARACTERS
    ]
    return min(_distance(one, other, font_px) for one, other in combinations(drawn, 2))


def _luma(image: np.ndarray) -> np.ndarray:
    return to_yuv(image)[..., 0]


def _distance(one: np.ndarray, other: np.ndarray, letter_px: int) -> int:
    """Between samples u1[h, w]: squares of differences, summed over the letter where most are."""
    difference = one.astype(np.int32) - other
    columns = np.cumsum((difference * difference).sum(axis=0))
    return int((columns[letter_px:] - columns[:-letter_px]).max(initial=columns[letter_px - 1]))
