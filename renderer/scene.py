"""The composition of a frame: where panels, legend, clock and chart stand.

Panels stand in a grid, one column beside them holds all the words: title, source, phase and time,
legend, and the chart, which moves to the grid's empty place where there is one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.recording import Recording
from renderer import palette
from renderer.chart import Chart, draw_chart, letter_chip
from renderer.layouts import Extent, fit
from renderer.panel import Panel, check_panels, clock_text, joined, source_text
from renderer.parts import (
    Box,
    Field,
    MapView,
    Sprite,
    legend,
    lines_of,
    zone_label_px,
    zone_sprites,
)
from renderer.text import even_up, fitting_px, line_height_px, text_image, text_width_px, wrapped

# Panels -> columns and rows of the grid, and the frame in units of 1/1440 of its height.
_GRIDS = {1: (1, 1), 2: (1, 2), 3: (2, 2), 4: (2, 2), 5: (3, 2), 6: (3, 2), 7: (4, 2), 8: (4, 2)}
_MARGIN, _GUTTER, _COLUMN_GAP, _TOP, _BETWEEN, _BOTTOM = 24, 28, 36, 16, 16, 16
_HEADER, _COLUMN, _MAP = 78, 464, (992, 614)
TITLE, BODY, FIGURE = 32, 28, 28  # sizes of text


@dataclass(frozen=True)
class _Sizes:
    """Sizes of text in a frame, px."""

    title: int
    body: int
    figure: int

    @classmethod
    def at(cls, scale: float) -> "_Sizes":
        return cls(*(even_up(px * scale) for px in (TITLE, BODY, FIGURE)))


@dataclass(frozen=True)
class Scene:
    """A frame's parts: maps, what never changes, what changes, and the chart at its place."""

    width_px: int
    height_px: int
    layout: str
    views: tuple[MapView, ...]
    sprites: tuple[Sprite, ...]
    fields: tuple[Field, ...]
    chart: Chart
    chart_box: Box

    @property
    def frames(self) -> int:
        """Frames of the recordings, and of their video."""
        return len(self.views[0].panel.recording)


def compose(panels: Sequence[Panel], layout: str = "blocks", cell_px: int | None = None) -> Scene:
    """Compose panels on one clock.

    2560 x 1440 px for one, three or four panels, 1540 x 1440 for two, 3840 x 2160 for more. Raises
    ValueError where they don't share a clock, LayoutError for a layout that doesn't exist or cells
    that don't fit.
    """
    check_panels(panels)
    columns, rows = _GRIDS[len(panels)]
    scale = 1.5 if len(panels) > 4 else 1.0
    sizes = _Sizes.at(scale)
    width, map_px = _widths(len(panels), columns, rows, scale)
    height = even_up(1440 * scale)
    slots = _slots(columns, rows, map_px, scale)
    extents = [Extent.of(panel.recording.header) for panel in panels]
    # Names of zones aren't scaled: in larger text they would take the room of pageblocks.
    placed = fit(layout, extents, *map_px, zone_label_px(BODY), cell_px)
    views, sprites, fields = [], [], []
    for number, (panel, placement, slot) in enumerate(zip(panels, placed, slots, strict=False)):
        views.append(MapView(panel, placement, slot.x_px, slot.y_px + even_up(_HEADER * scale)))
        still, moving = _header(panel, number, slot, sizes)
        sprites += zone_sprites(views[-1], BODY) + still
        fields += moving
    x_px, top_px = width - even_up((_MARGIN + _COLUMN) * scale), even_up(_TOP * scale)
    bottom_px = height - even_up(_BOTTOM * scale)
    column = Box(x_px, top_px, even_up(_COLUMN * scale), bottom_px - top_px)
    empty = slots[len(panels)] if len(panels) < len(slots) else None
    still, moving, chart_box = _column(views, column, sizes, empty)
    chart = draw_chart(panels, chart_box.width_px, chart_box.height_px, sizes.body)
    return Scene(
        width, height, layout, tuple(views), tuple(sprites + still), tuple(fields + moving),
        chart, chart_box,
    )  # fmt: skip


def _widths(count: int, columns: int, rows: int, scale: float) -> tuple[int, tuple[int, int]]:
    """The frame's width, and the room of each map."""
    outside = (2 * _MARGIN + _COLUMN_GAP + _COLUMN) * scale
    width = even_up(1440 * scale * 16 / 9)
    if count == 2:
        width = even_up(outside + _MAP[0] * scale)
    map_width = (width - outside - (columns - 1) * _GUTTER * scale) / columns
    used = (_TOP + _BOTTOM + (rows - 1) * _BETWEEN + rows * _HEADER) * scale
    map_height = (1440 * scale - used) / rows
    return width, (int(map_width) // 2 * 2, int(map_height) // 2 * 2)


def _slots(columns: int, rows: int, map_px: tuple[int, int], scale: float) -> list[Box]:
    """Places of the grid, header and map together."""
    header, gutter, between = (even_up(v * scale) for v in (_HEADER, _GUTTER, _BETWEEN))
    left, top = even_up(_MARGIN * scale), even_up(_TOP * scale)
    height = header + map_px[1]
    return [
        Box(left + x * (map_px[0] + gutter), top + y * (height + between), map_px[0], height)
        for y in range(rows)
        for x in range(columns)
    ]


def _header(
    panel: Panel, number: int, slot: Box, sizes: _Sizes
) -> tuple[list[Sprite], list[Field]]:
    """Above a map: letter, title and name; the figure that matters; counters at the right."""
    sprites, room_px = _headline(panel, number, slot, sizes)
    second_px = slot.y_px + line_height_px(sizes.title)
    longest = panel.text.format(value=panel.maximum, maximum=panel.maximum)
    figure_px = fitting_px(longest, sizes.figure, slot.width_px, bold=True)
    width_px = min(text_width_px(longest, figure_px, bold=True) + 8, slot.width_px)
    fields = [Field(slot.x_px, second_px, width_px, figure_px, panel.figure, bold=True)]
    left_px = slot.width_px - width_px - 10

    def failed(frame: int) -> str:
        text = panel.failed_text(frame)
        fits = text_width_px(text, sizes.body) <= left_px
        return text if fits else panel.failed_text(frame, short=True)

    free_px = text_width_px("88,888 MiB free", sizes.body)
    first_px = slot.y_px + _drop_px(sizes)
    if room_px >= free_px + 20:
        fields.append(_counter(slot, first_px, free_px, sizes, panel.free_text))
    if left_px >= text_width_px("88,888 failed", sizes.body):
        fields.append(_counter(slot, second_px, left_px, sizes, failed))
    return sprites, fields


def _headline(panel: Panel, number: int, slot: Box, sizes: _Sizes) -> tuple[list[Sprite], int]:
    """Letter, title and name, and the room left beside them; no name where there is none."""
    chip_px = even_up(sizes.title * 1.15)
    x_px, room_px = slot.x_px + chip_px + 14, slot.width_px - chip_px - 14
    lines = wrapped(panel.title, sizes.title, room_px, bold=True, max_lines=1)
    title = text_image("".join(lines), sizes.title, bold=True)
    name = text_image(panel.name, sizes.body, colour=palette.QUIET_INK)
    sprites = [
        Sprite(slot.x_px, slot.y_px, letter_chip(number, chip_px)),
        Sprite(x_px, slot.y_px, title),
    ]
    room_px -= title.shape[1] + 16
    if room_px >= name.shape[1]:
        beside_px = x_px + title.shape[1] + 16
        sprites.append(Sprite(beside_px, slot.y_px + _drop_px(sizes), name))
        room_px -= name.shape[1]
    return sprites, room_px


def _counter(
    slot: Box, y_px: int, width_px: int, sizes: _Sizes, text: Callable[[int], str]
) -> Field:
    """A counter at the right end of a panel's header."""
    x_px = slot.x_px + slot.width_px - width_px
    colour = palette.QUIET_INK
    return Field(x_px, y_px, width_px, sizes.body, text, colour=colour, align="right")


def _drop_px(sizes: _Sizes) -> int:
    """How far small text stands below the top of a title, so that both share a baseline."""
    return even_up(line_height_px(sizes.title) - line_height_px(sizes.body)) - 2


def _column(
    views: Sequence[MapView], box: Box, sizes: _Sizes, empty: Box | None
) -> tuple[list[Sprite], list[Field], Box]:
    """The words beside the panels, and the place of the chart: below them, or `empty`."""
    least_px = 9 * sizes.body
    for source_lines in range(7, 0, -1):  # a long source gives way to the chart
        sprites, fields, y_px = _words(views, box, sizes, source_lines)
        rest = Box(box.x_px, y_px, box.width_px, box.y_px + box.height_px - y_px)
        if empty or rest.height_px >= least_px:
            break
    return sprites, fields, empty or rest


def _words(
    views: Sequence[MapView], box: Box, sizes: _Sizes, source_lines: int
) -> tuple[list[Sprite], list[Field], int]:
    """Title, source, clock and legend, and where they end."""
    recordings = [view.panel.recording for view in views]
    x_px, width_px, gap_px = box.x_px, box.width_px, even_up(sizes.body * 0.6)
    text = joined([recording.header["title"] for recording in recordings])
    title = wrapped(text, sizes.title, width_px, bold=True, max_lines=3)
    sprites, y_px = lines_of(title, x_px, box.y_px, sizes.title, bold=True)
    text = joined([source_text(recording) for recording in recordings])
    source = wrapped(text, sizes.body, width_px, max_lines=source_lines)
    more, y_px = lines_of(source, x_px, y_px + 4, sizes.body, colour=palette.QUIET_INK)
    fields, y_px = _clock(recordings[0], x_px, y_px + gap_px, width_px, sizes)
    entries, y_px = legend(views, x_px, y_px + gap_px, width_px, sizes.body)
    return sprites + more + entries, fields, y_px + gap_px


def _clock(
    recording: Recording, x_px: int, y_px: int, width_px: int, sizes: _Sizes
) -> tuple[list[Field], int]:
    """Phase, time and requests."""
    phases, times = recording.header["phases"], recording.times_us

    def phase_line(number: int) -> Callable[[int], str]:
        def text(frame: int) -> str:
            title = phases[int(recording.phases[frame])]["title"]
            lines = wrapped(title, sizes.title, width_px, bold=True, max_lines=2)
            # A title of one line stands on the second, next to what belongs to it.
            return ["", "", *lines][number + len(lines)]

        return text

    def name(frame: int) -> str:
        place = int(recording.phases[frame])
        return f"{phases[place]['name']}: phase {place + 1} of {len(phases)}"

    def clock(frame: int) -> str:
        return f"time {clock_text(times[frame])} of {clock_text(times[-1])}"

    def requests(frame: int) -> str:
        return f"{int(recording.ops[frame]):,} requests and frees"

    fields = []
    for number in (0, 1):
        fields.append(Field(x_px, y_px, width_px, sizes.title, phase_line(number), bold=True))
        y_px += line_height_px(sizes.title)
    for text in (name, clock, requests):
        fields.append(Field(x_px, y_px, width_px, sizes.body, text))
        y_px += line_height_px(sizes.body)
    return fields, y_px
