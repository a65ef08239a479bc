"""The composition of a frame: where panels, legend, clock and chart stand.

Panels stand in a grid, one column beside them holds all the words: title, source, phase and time,
legend, and the chart, which moves to the grid's empty place where there is one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipeline.recording import Recording
from renderer import palette
from renderer.annotations import Annotation, CaptionLine, Marks, caption_lines, strip_px
from renderer.chart import Chart, draw_chart
from renderer.headers import Headers, Sizes
from renderer.layouts import CellSize, Extent, LayoutError, Placement, fit
from renderer.palette import Palette, palette_named
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
from renderer.text import even_up, line_height_px, wrapped

# Panels -> columns and rows of the grid, and the frame in units of 1/1440 of its height.
_GRIDS = {1: (1, 1), 2: (1, 2), 3: (2, 2), 4: (2, 2), 5: (3, 2), 6: (3, 2), 7: (4, 2), 8: (4, 2)}
_WIDE_GRIDS = _GRIDS | {2: (2, 1)}  # in a frame of 16:9
_MARGIN, _GUTTER, _COLUMN_GAP, _TOP, _BETWEEN, _BOTTOM = 24, 28, 36, 16, 16, 16
_COLUMN, _MAP_WIDTH = 464, 992
_ZONE_TEXT_PX = 28  # larger only where the names take no room from pages

SIZES = {
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "1440p": (2560, 1440),
    "2160p": (3840, 2160),
}


def size_named(name: str) -> tuple[int, int]:
    """Width and height in pixels. Raises LayoutError, naming the sizes that exist."""
    if name not in SIZES:
        raise LayoutError(f"no size {name!r}; there are {', '.join(SIZES)}")
    return SIZES[name]


@dataclass(frozen=True)
class Scene:
    """A frame's parts: maps, what never changes, what changes, and the chart at its place.

    `size`: the name it was asked for by, if any.
    """

    width_px: int
    height_px: int
    layout: str
    size: str | None
    views: tuple[MapView, ...]
    sprites: tuple[Sprite, ...]
    fields: tuple[Field | CaptionLine, ...]
    chart: Chart
    chart_box: Box
    marks: Marks

    @property
    def frames(self) -> int:
        """Frames of the recordings, and of their video."""
        return len(self.views[0].panel.recording)

    @property
    def palette(self) -> Palette:
        """The colours of its maps."""
        return self.views[0].palette


def compose(
    panels: Sequence[Panel],
    layout: str = "blocks",
    cell_px: CellSize | None = None,
    *,
    palette: str = "standard",
    size: str | None = None,
    annotations: Sequence[Annotation] = (),
) -> Scene:
    """Compose panels on one clock.

    `size` as of SIZES. Without it 2560 x 1440 px for one, three or four panels, 1540 x 1440 for
    two, 3840 x 2160 for more. With `annotations` there is a strip for captions below the maps, and
    the frame is higher by it where no size was asked for: the maps stay as large.
    Raises ValueError where the panels don't share a clock, LayoutError for a layout or size that
    doesn't exist or cells that don't fit, PaletteError.
    """
    check_panels(panels)
    colours = palette_named(palette)
    frame = _Frame.of(len(panels), size)
    sizes = Sizes.at(frame.scale)
    caption_px = strip_px(frame.strip(0).width_px, sizes.body) if annotations else 0
    if size is None:
        frame = replace(frame, height_px=frame.height_px + caption_px)
    map_width = frame.map_width_px
    headers = Headers(panels, map_width, sizes, narrow=frame.columns > 2)
    head_px = headers.height_px
    slots = frame.slots(head_px, caption_px)
    extents = [Extent.of(panel.recording.header) for panel in panels]
    map_px = (map_width, slots[0].height_px - head_px)
    placed, zone_px = _placed(layout, extents, map_px, sizes.body, cell_px)
    hatch_px = even_up(1.33 * frame.scale)
    views = [
        MapView(panel, placement, slot.x_px, slot.y_px + head_px, colours, hatch_px)
        for panel, placement, slot in zip(panels, placed, slots, strict=False)
    ]
    sprites = [sprite for view in views for sprite in zone_sprites(view, zone_px)]
    fields = []
    for number in range(len(panels)):
        still, moving = headers.of(number, slots[number])
        sprites += still
        fields += moving
    empty = slots[len(panels)] if len(panels) < len(slots) else None
    still, moving, chart_box = _column(views, frame.column(), sizes, empty)
    fields += moving
    if annotations:
        fields += caption_lines(annotations, views, frame.strip(caption_px), sizes.body)
    chart = draw_chart(panels, chart_box.width_px, chart_box.height_px, sizes.body)
    return Scene(
        frame.width_px, frame.height_px, layout, size, tuple(views), tuple(sprites + still),
        tuple(fields), chart, chart_box, Marks(tuple(annotations), tuple(views)),
    )  # fmt: skip


@dataclass(frozen=True)
class _Frame:
    """The frame's size, and its division into a grid for panels and a column for words."""

    width_px: int
    height_px: int
    columns: int
    rows: int
    scale: float  # pixels in a unit of 1/1440 of the height

    @classmethod
    def of(cls, panels: int, size: str | None) -> "_Frame":
        if size is not None:
            width, height = size_named(size)
            return cls(width, height, *_WIDE_GRIDS[panels], height / 1440)
        columns, rows = _GRIDS[panels]
        width, height = (3840, 2160) if panels > 4 else (2560, 1440)
        if panels == 2:
            width = even_up(2 * _MARGIN + _COLUMN_GAP + _COLUMN + _MAP_WIDTH)
        return cls(width, height, columns, rows, height / 1440)

    @property
    def map_width_px(self) -> int:
        """The width of each map, even."""
        outside = 2 * _MARGIN + _COLUMN_GAP + _COLUMN + (self.columns - 1) * _GUTTER
        return int((self.width_px - outside * self.scale) / self.columns) // 2 * 2

    def slots(self, head_px: int, caption_px: int) -> list[Box]:
        """Places of the grid, header and map together."""
        gutter, between = even_up(_GUTTER * self.scale), even_up(_BETWEEN * self.scale)
        left, top = even_up(_MARGIN * self.scale), even_up(_TOP * self.scale)
        used = (_TOP + _BOTTOM + (self.rows - 1) * _BETWEEN) * self.scale + self.rows * head_px
        map_height = int((self.height_px - used - caption_px) / self.rows) // 2 * 2
        width, height = self.map_width_px, head_px + map_height
        return [
            Box(left + x * (width + gutter), top + y * (height + between), width, height)
            for y in range(self.rows)
            for x in range(self.columns)
        ]

    def column(self) -> Box:
        """The place for words."""
        top_px = even_up(_TOP * self.scale)
        bottom_px = self.height_px - even_up(_BOTTOM * self.scale)
        x_px = self.width_px - even_up((_MARGIN + _COLUMN) * self.scale)
        return Box(x_px, top_px, even_up(_COLUMN * self.scale), bottom_px - top_px)

    def strip(self, caption_px: int) -> Box:
        """The place for captions, below the maps."""
        left_px, right_px = even_up(_MARGIN * self.scale), self.column().x_px
        width_px = right_px - even_up(_COLUMN_GAP * self.scale) - left_px
        y_px = self.height_px - even_up(_BOTTOM * self.scale) - caption_px
        return Box(left_px, y_px, width_px, caption_px)


def _placed(
    layout: str,
    extents: Sequence[Extent],
    map_px: tuple[int, int],
    font_px: int,
    cell_px: CellSize | None,
) -> tuple[list[Placement], int]:
    """Placements, and the size of the zones' names in them."""
    least_px = min(_ZONE_TEXT_PX, font_px)
    placed = fit(layout, extents, *map_px, zone_label_px(least_px), cell_px)
    if font_px > least_px:
        # With the same cells, so that what is told of a picture leads to the same place again.
        cells = placed[0].cell_size
        larger = fit(layout, extents, *map_px, zone_label_px(font_px), cells)
        if larger[0].pages_per_cell == placed[0].pages_per_cell:
            return larger, font_px
    return placed, least_px


def _column(
    views: Sequence[MapView], box: Box, sizes: Sizes, empty: Box | None
) -> tuple[list[Sprite], list[Field], Box]:
    """The words beside the panels, and the place of the chart: below them, or `empty`."""
    least_px = max(9.0, 5 + 1.3 * len(views)) * sizes.body  # letters pile up beside its lines
    for source_lines in range(7, 0, -1):  # a long source gives way to the chart
        sprites, fields, y_px = _words(views, box, sizes, source_lines)
        rest = Box(box.x_px, y_px, box.width_px, box.y_px + box.height_px - y_px)
        if empty or rest.height_px >= least_px:
            break
    return sprites, fields, empty or rest


def _words(
    views: Sequence[MapView], box: Box, sizes: Sizes, source_lines: int
) -> tuple[list[Sprite], list[Field], int]:
    """Title, source, clock and legend, and where they end."""
    recordings = [view.panel.recording for view in views]
    x_px, width_px, gap_px = box.x_px, box.width_px, even_up(sizes.body * 0.6)
    text = joined([recording.header["title"] for recording in recordings])
    title = wrapped(text, sizes.title, width_px, bold=True, max_lines=4)
    sprites, y_px = lines_of(title, x_px, box.y_px, sizes.title, bold=True)
    text = joined([source_text(recording) for recording in recordings])
    source = wrapped(text, sizes.body, width_px, max_lines=source_lines)
    more, y_px = lines_of(source, x_px, y_px + 4, sizes.body, colour=palette.QUIET_INK)
    fields, y_px = _clock(recordings[0], x_px, y_px + gap_px, width_px, sizes)
    entries, y_px = legend(views, x_px, y_px + gap_px, width_px, sizes.body)
    return sprites + more + entries, fields, y_px + gap_px


def _clock(
    recording: Recording, x_px: int, y_px: int, width_px: int, sizes: Sizes
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
