"""Parts that pictures are put together from: boxes, fixed pictures, changing lines of text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from renderer import palette
from renderer.layouts import Placement
from renderer.panel import Panel
from renderer.text import even_up, line_height_px, plain_image, text_image, text_width_px, wrapped


@dataclass(frozen=True)
class Box:
    """A rectangle of a picture in pixels, all even."""

    x_px: int
    y_px: int
    width_px: int
    height_px: int


@dataclass(frozen=True)
class Sprite:
    """A picture u1[h, w, 3] at its place."""

    x_px: int
    y_px: int
    image: np.ndarray


@dataclass(frozen=True)
class Field:
    """A line of text that changes from frame to frame."""

    x_px: int
    y_px: int
    width_px: int
    font_px: int
    text: Callable[[int], str]
    bold: bool = False
    colour: str = palette.INK
    align: str = "left"

    def image(self, frame: int) -> np.ndarray:
        """The line at a frame, u1[h, w, 3]; always of the same size."""
        return text_image(
            self.text(frame),
            self.font_px,
            bold=self.bold,
            colour=self.colour,
            width_px=self.width_px,
            align=self.align,
        )


@dataclass(frozen=True)
class MapView:
    """The pages of a panel at their place."""

    panel: Panel
    placement: Placement
    x_px: int
    y_px: int


def lines_of(
    texts: Sequence[str],
    x_px: int,
    y_px: int,
    font_px: int,
    *,
    bold: bool = False,
    colour: str = palette.INK,
) -> tuple[list[Sprite], int]:
    """Lines below one another, and where the next thing may stand."""
    step = line_height_px(font_px)
    sprites = [
        Sprite(x_px, y_px + n * step, text_image(text, font_px, bold=bold, colour=colour))
        for n, text in enumerate(texts)
    ]
    return sprites, y_px + len(texts) * step


def legend_entries(views: Sequence[MapView], font_px: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Colour and name of each class, as pictures, worst first."""
    names = palette.legend_order(
        name for view in views for name in view.panel.recording.header["page_classes"]
    )
    chip_px = even_up(font_px * 0.86)
    entries = []
    for name, colour in zip(names, palette.class_colours(names), strict=True):
        chip = np.empty((chip_px, 2 * chip_px, 3), np.uint8)
        chip[:] = palette.rgb(palette.QUIET_INK)
        chip[2:-2, 2:-2] = colour
        entries.append((chip, text_image(palette.class_label(name), font_px)))
    return entries


def legend(
    views: Sequence[MapView], x_px: int, y_px: int, width_px: int, font_px: int
) -> tuple[list[Sprite], int]:
    """What the colours mean, and what a cell and a tile are; and the place below."""
    sprites: list[Sprite] = []
    for chip, label in legend_entries(views, font_px):
        down = (label.shape[0] - chip.shape[0]) // 4 * 2
        sprites.append(Sprite(x_px, y_px + down, chip))
        sprites.append(Sprite(x_px + chip.shape[1] + 14, y_px, label))
        y_px += even_up(font_px * 1.3)
    y_px += even_up(font_px * 0.2)
    notes = [line for note in scale_notes(views[0]) for line in wrapped(note, font_px, width_px)]
    more, y_px = lines_of(notes, x_px, y_px, font_px, colour=palette.QUIET_INK)
    return sprites + more, y_px


def scale_notes(view: MapView) -> list[str]:
    """What a cell and a tile of a picture stand for."""
    placement, geometry = view.placement, view.panel.recording.header["geometry"]
    block_pages = 1 << geometry["pageblock_order"]
    notes = []
    if placement.tile_pages == block_pages and placement.tile_pages > placement.pages_per_cell:
        notes.append(f"one tile: a pageblock, {block_pages:,} pages")
    if placement.pages_per_cell == 1:
        return [*notes, "one cell: a page"]
    each = f"one cell: {placement.pages_per_cell:,} pages, shown as the worst of them in this order"
    return [*notes, each]


def zone_sprites(view: MapView, font_px: int) -> list[Sprite]:
    """Names of the zones where they start."""
    sprites = []
    for label in view.placement.labels:
        height_px = min(label.height, even_up(font_px * 1.14))
        text = text_image(
            label.name,
            font_px,
            colour=palette.ON_DARK,
            paper=palette.ZONE,
            width_px=max((label.width - 8) // 2 * 2, 2),
        )
        cut = (text.shape[0] - height_px) // 2
        text = text[cut : cut + height_px] if cut > 0 else text
        box = plain_image(label.width, height_px, palette.ZONE).copy()
        box[: text.shape[0], 4 : 4 + text.shape[1]] = text[: box.shape[0], : label.width - 4]
        x_px, y_px = view.x_px + label.x, view.y_px + label.y
        rest_px = label.height - height_px
        sprites.append(Sprite(x_px, y_px, box))
        if rest_px:
            rest = plain_image(label.width, rest_px, palette.PAPER)
            sprites.append(Sprite(x_px, y_px + height_px, rest))
    return sprites


def zone_label_px(font_px: int) -> Callable[[str], tuple[int, int]]:
    """Room that the name of a zone needs, width and height."""
    return lambda name: (text_width_px(name, font_px) + 10, even_up(font_px * 1.14))
