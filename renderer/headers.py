"""What stands above a map: letter, title and name, the figure that matters, counters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from renderer import palette
from renderer.chart import letter_chip
from renderer.panel import Panel
from renderer.parts import Box, Field, Sprite
from renderer.text import even_up, fitting_px, line_height_px, text_image, text_width_px, wrapped

TITLE, BODY, FIGURE = 32, 28, 28  # sizes of text in a frame 1440 px high
_HEIGHT = 78  # of a header of two lines; in the same units
# In grids of three columns or more text is smaller by that: eight panels of 512 MiB keep one page
# to a cell in 2160p.
_NARROW_TITLE, _NARROW_BODY, _NARROW_FIGURE, _LEAST_PX = 0.83, 0.7, 0.8, 12
_SHORTENED = 0.85  # of its size: a figure that had to be smaller is told in fewer words
_FREE, _FAILED = "88,888 MiB free", "88,888 failed"  # the room of counters


@dataclass(frozen=True)
class Sizes:
    """Sizes of text in a frame, px."""

    title: int
    body: int
    figure: int

    @classmethod
    def at(cls, scale: float) -> "Sizes":
        """Those of a frame of 1440 * scale px."""
        return cls(*(even_up(px * scale) for px in (TITLE, BODY, FIGURE)))

    @property
    def narrow(self) -> "Sizes":
        """Those of headers in many columns."""
        shares = (_NARROW_TITLE, _NARROW_BODY, _NARROW_FIGURE)
        sizes = (self.title, self.body, self.figure)
        return Sizes(
            *(max(even_up(px * of), _LEAST_PX) for px, of in zip(sizes, shares, strict=True))
        )


class Headers:
    """The headers of panels that share a picture: all with the same lines, `height_px` high.

    Where a title and its name don't fit side by side, all names have a line of their own.
    """

    def __init__(
        self, panels: Sequence[Panel], width_px: int, sizes: Sizes, *, narrow: bool
    ) -> None:
        self._panels, self._width_px = panels, width_px
        if narrow:
            sizes = sizes.narrow
        self._body_px = sizes.body
        self._chip_px = even_up(sizes.title * 1.15)
        self._indent_px = self._chip_px + even_up(sizes.title * 0.44)
        self._gap_px = even_up(sizes.body * 0.57)
        room_px = width_px - self._indent_px
        self._title_px = min(
            fitting_px(panel.title, sizes.title, room_px, bold=True) for panel in panels
        )
        # The letter is no higher than the line that it stands in.
        self._chip_px = min(self._chip_px, line_height_px(self._title_px))
        self._figure_px = self._figure_size(sizes.figure, short=False)
        self._short = self._figure_px < _SHORTENED * sizes.figure
        if self._short:
            self._figure_px = self._figure_size(sizes.figure, short=True)
        self._free_px = text_width_px(_FREE, self._body_px)
        self._split = not all(self._beside(panel) for panel in panels)
        lines = [self._title_px, self._figure_px, *([self._body_px] if self._split else [])]
        height_px = sum(line_height_px(px) for px in lines)
        self.height_px = max(height_px, 0 if narrow else even_up(_HEIGHT * sizes.body / BODY))

    def _figure_size(self, size_px: int, *, short: bool) -> int:
        texts = [panel.longest_figure(short=short) for panel in self._panels]
        return min(fitting_px(text, size_px, self._width_px, bold=True) for text in texts)

    def of(self, number: int, slot: Box) -> tuple[list[Sprite], list[Field]]:
        """The header of a panel in its slot: what never changes, and what does."""
        panel = self._panels[number]
        second_px = slot.y_px + line_height_px(self._title_px)
        third_px = second_px + (line_height_px(self._body_px) if self._split else 0)
        sprites, left_px = self._headline(panel, number, slot)
        fields = []
        if panel.free_text(0) and left_px >= self._free_px:
            y_px = second_px if self._split else slot.y_px + self._drop_px(self._body_px)
            fields.append(self._counter(slot, y_px, self._free_px, panel.free_text))
        longest = panel.longest_figure(short=self._short)
        width_px = min(text_width_px(longest, self._figure_px, bold=True) + 8, slot.width_px)
        figure = partial(panel.figure, short=self._short)
        fields.append(Field(slot.x_px, third_px, width_px, self._figure_px, figure, bold=True))
        left_px = (slot.width_px - width_px - 10) // 2 * 2

        def failed(frame: int) -> str:
            text = panel.failed_text(frame)
            fits = text_width_px(text, self._body_px) <= left_px
            return text if fits else panel.failed_text(frame, short=True)

        if left_px >= text_width_px(_FAILED, self._body_px):
            fields.append(self._counter(slot, third_px, left_px, failed))
        return sprites, fields

    def _beside(self, panel: Panel) -> int:
        """The size at which the name fits beside the title, 0: none."""
        title_px = text_width_px(panel.title, self._title_px, bold=True)
        room_px = self._width_px - self._indent_px - title_px - self._gap_px
        with_free_px = room_px - self._gap_px - (self._free_px if panel.free_text(0) else 0)
        for left_px in (with_free_px, room_px):  # the counter gives way before the name does
            size_px = fitting_px(panel.name, self._body_px, left_px)
            if text_width_px(panel.name, size_px) <= left_px:
                return size_px
        return 0

    def _headline(self, panel: Panel, number: int, slot: Box) -> tuple[list[Sprite], int]:
        """Letter, title and name, and the room that is left beside the name."""
        x_px, room_px = slot.x_px + self._indent_px, slot.width_px - self._indent_px
        lines = wrapped(panel.title, self._title_px, room_px, bold=True, max_lines=1)
        title = text_image("".join(lines), self._title_px, bold=True)
        sprites = [
            Sprite(slot.x_px, slot.y_px, letter_chip(panel, number, self._chip_px)),
            Sprite(x_px, slot.y_px, title),
        ]
        if self._split:
            room_px = slot.width_px - self._gap_px
            room_px -= self._free_px if panel.free_text(0) else 0
            size_px = fitting_px(panel.name, self._body_px, room_px)
            lines = wrapped(panel.name, size_px, room_px, max_lines=1)
            x_px, y_px = slot.x_px, slot.y_px + title.shape[0]
            name = text_image("".join(lines), size_px, colour=palette.QUIET_INK)
        else:
            size_px = self._beside(panel)
            x_px += title.shape[1] + self._gap_px
            y_px = slot.y_px + self._drop_px(size_px)
            name = text_image(panel.name, size_px, colour=palette.QUIET_INK)
        left_px = slot.x_px + slot.width_px - x_px - name.shape[1] - self._gap_px
        return [*sprites, Sprite(x_px, y_px, name)], left_px

    def _drop_px(self, size_px: int) -> int:
        """How far smaller text stands below the top of a title, so that both share a baseline."""
        return max(even_up(line_height_px(self._title_px) - line_height_px(size_px)) - 2, 0)

    def _counter(self, slot: Box, y_px: int, width_px: int, text: Callable[[int], str]) -> Field:
        """A counter at the right end of a header."""
        x_px = slot.x_px + slot.width_px - width_px
        colour = palette.QUIET_INK
        return Field(x_px, y_px, width_px, self._body_px, text, colour=colour, align="right")
