"""Parts that pictures are put together from: boxes, fixed pictures, changing lines of text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from renderer import palette
from renderer.layouts import Placement
from renderer.palette import Palette
from renderer.panel import Panel
from renderer.text import (
    even_up,
    fitting_px,
    line_height_px,
    plain_image,
    text_image,
    text_width_px,
    wrapped,
)


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
        """The line at a frame, u1[h, w, 3]: always of one size, with smaller letters if need be."""
        text = self.text(frame)
        font_px = fitting_px(text, self.font_px, self.width_px, bold=self.bold)
        line = text_image(
            text,
            font_px,
            bold=self.bold,
            colour=self.colour,
            width_px=self.width_px,
            align=self.align,
        )
        if font_px == self.font_px:
            return line
        image = plain_image(self.width_px, line_height_px(self.font_px), palette.PAPER).copy()
        down_px = (image.shape[0] - line.shape[0]) // 2
        image[down_px : down_px + line.shape[0]] = line
        return image


@dataclass(frozen=True)
class MapView:
    """The pages of a panel at their place, in the colours of a palette.

    `hatch_px`: thickness of the lines across hatched classes, even.
    """

    panel: Panel
    placement: Placement
    x_px: int
    y_px: int
    palette: Palette = palette.STANDARD
    hatch_px: int = 2


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


def legend_entries(
    views: Sequence[MapView], font_px: int, width_px: int | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Colours and name of each line of the legend, as pictures, worst first.

    Names are smaller where they would not fit into `width_px` beside the colours.
    """
    colours = views[0].palette
    lines = palette.legend_lines(_classes_shown(views), colours)
    chips = [_chips(names, colours, even_up(font_px * 0.86)) for _, names in lines]
    if width_px is not None:
        room_px = width_px - max((chip.shape[1] for chip in chips), default=0) - 14
        font_px = min([font_px, *(fitting_px(label, font_px, room_px) for label, _ in lines)])
    labels = [text_image(label, font_px) for label, _ in lines]
    return list(zip(chips, labels, strict=True))


def _classes_shown(views: Sequence[MapView]) -> list[str]:
    """Classes that occur in a panel; all that its header names where that isn't known."""
    names: dict[str, None] = {}
    for view in views:
        present = view.panel.classes_present
        names |= dict.fromkeys(
            view.panel.recording.header["page_classes"] if present is None else present
        )
    return list(names)


def _chips(names: Sequence[str], colours: Palette, chip_px: int) -> np.ndarray:
    """Boxes side by side in the colours of classes, as wide as two for one class."""
    width_px = max(2, len(names)) * chip_px
    image = np.empty((chip_px, width_px, 3), np.uint8)
    image[:] = palette.rgb(palette.QUIET_INK)
    inner = image[2:-2, 2:-2]
    edges = np.linspace(0, inner.shape[1], len(names) + 1).round().astype(int).tolist()
    lines = hatched(inner.shape[0] // 2 + 1, inner.shape[1] // 2 + 1, max(chip_px // 24 * 2, 2))
    lines = lines.repeat(2, axis=0).repeat(2, axis=1)
    lines = lines[: inner.shape[0], : inner.shape[1]]
    plain, hatch = palette.class_colours(names, colours), palette.hatch_colours(names, colours)
    for number, (start, end) in enumerate(pairwise(edges)):
        part, on = inner[:, start:end], lines[:, start:end, None]
        part[:] = np.where(on, hatch[number], plain[number])
    return image


def hatched(height: int, width: int, thick_px: int) -> np.ndarray:
    """Which 2x2 px of a picture lie on the lines of a hatch, bool[height, width].

    `thick_px`: of a line, even; three times as much lies between two lines.
    """
    return (np.arange(height)[:, None] + np.arange(width)) // (thick_px // 2) % 4 == 0


def legend(
    views: Sequence[MapView], x_px: int, y_px: int, width_px: int, font_px: int
) -> tuple[list[Sprite], int]:
    """What the colours mean, and what a cell and a tile are; and the place below."""
    sprites: list[Sprite] = []
    heading = wrapped(views[0].palette.heading, font_px, width_px, bold=True)
    sprites, y_px = lines_of(heading, x_px, y_px, font_px, bold=True)
    entries = legend_entries(views, font_px, width_px)
    indent_px = max((chip.shape[1] for chip, _ in entries), default=0) + 14
    for chip, label in entries:
        middle_px = y_px + line_height_px(font_px) // 4 * 2
        for image, x in ((chip, x_px), (label, x_px + indent_px)):
            sprites.append(Sprite(x, middle_px - image.shape[0] // 4 * 2, image))
        y_px += even_up(font_px * 1.3)
    y_px += even_up(font_px * 0.2)
    notes = [line for note in legend_notes(views) for line in wrapped(note, font_px, width_px)]
    more, y_px = lines_of(notes, x_px, y_px, font_px, colour=palette.QUIET_INK)
    return sprites + more, y_px


def legend_notes(views: Sequence[MapView]) -> list[str]:
    """What stands below the colours: on the palette, on scale, on the panels."""
    of_panels = dict.fromkeys(note for view in views for note in view.panel.notes)
    return [*views[0].palette.notes, *scale_notes(views[0]), *of_panels]


def scale_notes(view: MapView) -> list[str]:
    """What a cell and a tile of a picture stand for."""
    placement, geometry = view.placement, view.panel.recording.header["geometry"]
    block_pages, each = 1 << geometry["pageblock_order"], placement.pages_per_cell
    notes = []
    if placement.tiles_shown and placement.tile_pages % block_pages == 0:
        blocks = placement.tile_pages // block_pages
        about = "a pageblock" if blocks == 1 else f"{blocks} pageblocks"
        notes.append(f"one tile: {about}, {placement.tile_pages:,} pages")
    if view.palette.of_blocks and each <= block_pages:
        return notes or [f"a pageblock: {block_pages // each:,} cells"]
    if each == 1:
        return [*notes, "one cell: a page"]
    about = f"{each:,} pages"
    if each >= block_pages and each % block_pages == 0:
        blocks = each // block_pages
        about += f", {'a pageblock' if blocks == 1 else f'{blocks:,} pageblocks'}"
    elif not placement.tiles_shown and block_pages % each == 0:
        about += f", {block_pages // each:,} cells a pageblock"
    return [*notes, f"one cell: {about}; it shows the worst of them, in this order"]


def zone_sprites(view: MapView, font_px: int) -> list[Sprite]:
    """Names of the zones where they start, and what else stands above tiles."""
    sprites = []
    for label in view.placement.labels:
        # A zone's box is filled: its rest would look like a free pageblock.
        name_px = even_up(font_px * 1.14)
        height_px = name_px if label.quiet and label.height >= 2 * name_px else label.height
        room_px = max((label.width - 8) // 2 * 2, 2)
        colours = {"colour": palette.ON_DARK, "paper": palette.ZONE}
        if label.quiet:
            colours = {"colour": palette.QUIET_INK, "paper": palette.PAPER}
        text = text_image(label.name, font_px, width_px=room_px, **colours)
        cut_px = max(text.shape[0] - height_px, 0) // 2
        text = text[cut_px : cut_px + height_px]
        box = plain_image(label.width, label.height, palette.PAPER).copy()
        box[:height_px] = palette.rgb(colours["paper"])
        down_px = (height_px - text.shape[0]) // 2
        box[down_px : down_px + text.shape[0], 4 : 4 + room_px] = text[:, : label.width - 4]
        sprites.append(Sprite(view.x_px + label.x, view.y_px + label.y, box))
    return sprites


def zone_label_px(font_px: int) -> Callable[[str], tuple[int, int]]:
    """Room that the name of a zone needs, width and height."""
    return lambda name: (text_width_px(name, font_px) + 10, even_up(font_px * 1.14))
