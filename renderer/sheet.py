"""The sheet: mechanisms from top to bottom, phases from left to right, one scale, one legend."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from renderer.canvas import RgbCanvas
from renderer.frame import MapPainter
from renderer.layouts import Extent, fit
from renderer.palette import PAPER, QUIET_INK, palette_named
from renderer.panel import Panel, check_panels, clock_text, joined, source_text
from renderer.parts import (
    MapView,
    Sprite,
    legend_entries,
    legend_notes,
    lines_of,
)
from renderer.png import write_png
from renderer.still import picture_of
from renderer.text import even_up, fitting_px, line_height_px, text_image, wrapped

Column = tuple[str, str, int]  # name and title of a phase, frame that shows it

_MAP_PX = (1060, 800)
MAX_ROWS = 32
_MAX_SCALE = 3.0
_PARAGRAPH = 0.7  # between parts, in sizes of the text


@dataclass(frozen=True)
class Sheet:
    """A sheet's parts: maps with the frame that each shows, and what stands beside them."""

    width_px: int
    height_px: int
    views: tuple[tuple[MapView, int], ...]
    sprites: tuple[Sprite, ...]


def write_sheet(
    rows: Sequence[Panel],
    columns: Sequence[Column],
    path: Path,
    *,
    layout: str = "blocks",
    palette: str = "standard",
    metadata: dict | None = None,
) -> None:
    """Write a PNG with one map for each panel and phase.

    Raises ValueError for panels that don't share a clock and for no row or column, IndexError for a
    frame that there isn't, LayoutError, RenderError where the file cannot be written.
    """
    sheet = compose_sheet(rows, columns, layout, palette=palette)
    canvas = RgbCanvas(sheet.width_px, sheet.height_px, PAPER)
    for view, frame in sheet.views:
        MapPainter(view, canvas).draw(frame)
    for sprite in sheet.sprites:
        canvas.put(sprite.x_px, sprite.y_px, canvas.ready(sprite.image))
    about = picture_of(sheet.views[0][0], layout) | {
        "panels": [panel.name for panel in rows],
        "phases": [{"name": name, "frame": frame} for name, _, frame in columns],
    }
    write_png(canvas.image, path, (metadata or {}) | {"picture": about})


def compose_sheet(
    rows: Sequence[Panel],
    columns: Sequence[Column],
    layout: str = "blocks",
    *,
    palette: str = "standard",
) -> Sheet:
    """Where everything of a sheet stands. Raises as write_sheet."""
    check_panels(rows, at_most=MAX_ROWS)
    colours = palette_named(palette)
    if not columns:
        raise ValueError("a sheet of no phase")
    for _, _, frame in columns:
        if not 0 <= frame < len(rows[0].recording):
            raise IndexError(f"frame {frame} of {len(rows[0].recording)}")
    # Text is as large as in a video frame once both are shown at one width; on a wide sheet it
    # stays small enough for a map's width.
    scale = min(max(1.0, len(columns) * (_MAP_PX[0] + 40) / 2560), _MAX_SCALE)
    font_px = even_up(28 * scale)
    margin, gutter = even_up(font_px), even_up(font_px)
    extents = [Extent.of(panel.recording.header) for panel in rows]
    placed = fit(layout, extents, *_MAP_PX, label_px=None)
    pitch = max(placement.width_px for placement in placed) + gutter
    width = 2 * margin + len(columns) * pitch - gutter
    sprites, y_px = _head(rows, margin, width - 2 * margin, font_px)
    more, y_px = _column_heads(rows[0], columns, margin, y_px, pitch, gutter, font_px)
    sprites += more
    views: list[tuple[MapView, int]] = []
    for panel, placement in zip(rows, placed, strict=True):
        view = MapView(panel, placement, margin, y_px, colours, even_up(1.33 * scale))
        row, more, y_px = _row(view, columns, pitch, gutter, font_px)
        views += row
        sprites += more
    more, y_px = _legend_line([view for view, _ in views], margin, y_px, width - margin, font_px)
    return Sheet(width, even_up(y_px + margin), tuple(views), tuple(sprites + more))


def _head(
    rows: Sequence[Panel], x_px: int, width_px: int, font_px: int
) -> tuple[list[Sprite], int]:
    recordings = [panel.recording for panel in rows]
    title_px = even_up(font_px * 1.4)
    titles = wrapped(joined([r.header["title"] for r in recordings]), title_px, width_px, bold=True)
    sprites, y_px = lines_of(titles, x_px, even_up(font_px * _PARAGRAPH), title_px, bold=True)
    source = wrapped(joined([source_text(r) for r in recordings]), font_px, width_px)
    more, y_px = lines_of(source, x_px, y_px, font_px, colour=QUIET_INK)
    return sprites + more, y_px + even_up(font_px * _PARAGRAPH)


def _column_heads(
    panel: Panel,
    columns: Sequence[Column],
    x_px: int,
    y_px: int,
    pitch: int,
    gutter: int,
    font_px: int,
) -> tuple[list[Sprite], int]:
    """Titles of the phases, standing on one line, with their names and times below."""
    titles = [wrapped(title, font_px, pitch - gutter, bold=True) for _, title, _ in columns]
    most, step = max(map(len, titles)), line_height_px(font_px)
    sprites: list[Sprite] = []
    for number, ((name, _, frame), lines) in enumerate(zip(columns, titles, strict=True)):
        x = x_px + number * pitch
        sprites += lines_of(lines, x, y_px + (most - len(lines)) * step, font_px, bold=True)[0]
        about = f"{name} at {clock_text(panel.recording.times_us[frame])}"
        sprites += lines_of([about], x, y_px + most * step, font_px, colour=QUIET_INK)[0]
    return sprites, y_px + (most + 1) * step + even_up(font_px * _PARAGRAPH)


def _row(
    first: MapView, columns: Sequence[Column], pitch: int, gutter: int, font_px: int
) -> tuple[list[tuple[MapView, int]], list[Sprite], int]:
    """Title and name of a panel, its maps below with their figures, and where they end.

    `first`: the panel's view at the corner of the row.
    """
    panel, placement, left_px, y_px = first.panel, first.placement, first.x_px, first.y_px
    width_px = len(columns) * pitch - gutter
    name = text_image(panel.name, font_px, colour=QUIET_INK)
    title_px = even_up(font_px * 1.15)
    room_px = max(width_px - name.shape[1] - font_px, width_px // 2)
    titles = wrapped(panel.title, title_px, room_px, bold=True, max_lines=1) or [""]
    sprites, below_px = lines_of(titles, left_px, y_px, title_px, bold=True)
    title = sprites[0].image
    drop_px = (title.shape[0] - name.shape[0]) // 2 * 2
    if title.shape[1] + font_px + name.shape[1] <= width_px:
        sprites.append(Sprite(left_px + title.shape[1] + font_px, y_px + drop_px, name))
    longest = max((panel.figure(frame) for _, _, frame in columns), key=len)
    figure_px = fitting_px(longest, font_px, pitch - gutter)
    views = []
    for number, (_, _, frame) in enumerate(columns):
        x_px = left_px + number * pitch
        figure = text_image(panel.figure(frame), figure_px)
        view = replace(first, x_px=x_px, y_px=below_px + figure.shape[0] + 4)
        views.append((view, frame))
        sprites.append(Sprite(x_px, below_px, figure))
    return views, sprites, views[0][0].y_px + even_up(placement.height_px + font_px)


def _legend_line(
    views: Sequence[MapView], x_px: int, y_px: int, right_px: int, font_px: int
) -> tuple[list[Sprite], int]:
    """Colours one beside the other, the notes on scale below."""
    heading = [views[0].palette.heading] if views[0].palette.heading else []
    sprites, y_px = lines_of(heading, x_px, y_px, font_px, bold=True)
    x, step = x_px, even_up(font_px * 1.4)
    for chip, label in legend_entries(views, font_px):
        gap_px = even_up(font_px / 2)
        width_px = chip.shape[1] + gap_px + label.shape[1]
        if x > x_px and x + width_px > right_px:
            x, y_px = x_px, y_px + step
        down = (label.shape[0] - chip.shape[0]) // 4 * 2
        sprites += [
            Sprite(x, y_px + down, chip),
            Sprite(x + chip.shape[1] + gap_px, y_px, label),
        ]
        x += even_up(width_px + 1.5 * font_px)
    texts = [*legend_notes(views), _zone_note(views)]
    notes = wrapped("; ".join(filter(None, texts)), font_px, right_px - x_px)
    more, y_px = lines_of(notes, x_px, y_px + step, font_px, colour=QUIET_INK)
    return sprites + more, y_px


def _zone_note(views: Sequence[MapView]) -> str:
    """Which zones the dark lines part; the maps are too small for their names."""
    zones = [view.panel.recording.header["geometry"]["zones"] for view in views]
    shown = (zone for row in zones for zone in row if zone["start_pfn"] < zone["end_pfn"])
    names = dict.fromkeys(zone["name"] for zone in shown)
    return f"dark line: the next zone begins ({', '.join(names)})" if len(names) > 1 else ""
