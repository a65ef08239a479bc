"""Reading a picture back: does it show the pages that were recorded, and the right words?

Each cell's colour is taken for the nearest class colour, and compared with the class that the cell
had to show; each changing line of text is compared with what else it might say. One pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from renderer.annotations import Annotation
from renderer.canvas import Ready, YuvCanvas, planes_of
from renderer.ffmpeg import decoded, read_comment
from renderer.frame import cell_classes
from renderer.layouts import CellSize
from renderer.palette import class_colours, class_ranks, hatch_colours, to_yuv
from renderer.panel import Panel
from renderer.parts import MapView
from renderer.read_text import TextReader
from renderer.scene import Scene, compose

# Of cells that follow each other the encoder spoils lone ones: never more than 3 where it was
# measured. Where whole pageblocks are of one colour, some of them hatched, up to 11: there it is
# the pageblock that must be right. More than these are of something else.
RUN_CELLS, MOST_TOGETHER, MOST_OF_BLOCKS = 64, 6, 32
_BITS = 7  # of each of Y, U, V in the table of nearest classes


@dataclass(frozen=True)
class ReadBack:
    """What a video was found to hold.

    `pages` are counted once for each frame that was compared; where a cell stands for several
    pages, they are right together. `by_class` gives for each class name the pages that were to be
    shown and those that were. `cells_even`: the frame and all cells have even sides and places.
    `texts`: changing lines of text, counted once a frame; `wrong_text`: frame and text of the first
    that is nearer to another. `worst_place`: the most wrong cells among RUN_CELLS that follow each
    other in a frame, that frame, and the pfn where they begin; `most_together` are an encoder's.
    """

    frames: int
    frames_expected: int
    width_px: int
    height_px: int
    size_expected_px: tuple[int, int]
    frames_checked: int
    pages_checked: int
    pages_right: int
    cells_even: bool
    by_class: dict[str, tuple[int, int]] = field(default_factory=dict)
    texts_checked: int = 0
    texts_right: int = 0
    wrong_text: tuple[int, str] | None = None
    worst_place: tuple[int, int, int] = (0, 0, 0)
    most_together: int = MOST_TOGETHER

    @property
    def share_right(self) -> float:
        """Pages shown in their class's colour, 0 to 1; 0 where none could be compared."""
        return self.pages_right / self.pages_checked if self.pages_checked else 0.0

    @property
    def together(self) -> str:
        """Where wrong cells lie together, in words; empty where they don't."""
        most, frame, pfn = self.worst_place
        if most <= self.most_together:
            return ""
        return f"frame {frame}, from pfn {pfn}: {most} of {RUN_CELLS} cells wrong"

    def share_of(self, *names: str) -> float:
        """The same of the pages of some classes; 1 where there was none of them."""
        pairs = [self.by_class[name] for name in names if name in self.by_class]
        shown, right = (sum(column) for column in zip(*pairs, strict=True)) if pairs else (0, 0)
        return right / shown if shown else 1.0

    @property
    def whole(self) -> bool:
        """The right number of frames, of the right size, with even cells."""
        size = (self.width_px, self.height_px)
        return (
            self.cells_even
            and size == self.size_expected_px
            and self.frames == self.frames_expected
        )


class PictureReader:
    """Compares decoded frames with what a scene has to show."""

    def __init__(self, scene: Scene, *, texts: bool = True) -> None:
        self.scene = scene
        self.size_px = (scene.width_px, scene.height_px)
        self._maps = [_MapReader(view) for view in scene.views]
        self._texts = [TextReader(line, scene.frames) for line in scene.fields] if texts else []
        self._checked = 0

    def compare(self, planes: Ready, frame: int) -> None:
        """Count what the planes of a frame, of the scene's size, show right."""
        for reader in self._maps:
            reader.compare(planes, frame)
        for reader in self._texts:
            reader.compare(planes[0], frame)
        self._checked += 1

    def classes(self, planes: Ready) -> list[np.ndarray]:
        """The classes that the cells of each map show, u1[cells] each."""
        return [reader.classes(planes) for reader in self._maps]

    def result(self, frames: int, size_px: tuple[int, int]) -> ReadBack:
        """What was counted, of a video of so many frames of that size."""
        by_class: dict[str, tuple[int, int]] = {}
        for reader in self._maps:
            for name, shown, right in reader.counts():
                before = by_class.get(name, (0, 0))
                by_class[name] = (before[0] + shown, before[1] + right)
        even = all(reader.even for reader in self._maps)
        wrong = [reader.first_wrong for reader in self._texts if reader.first_wrong]
        return ReadBack(
            frames=frames,
            frames_expected=self.scene.frames,
            width_px=size_px[0],
            height_px=size_px[1],
            size_expected_px=self.size_px,
            frames_checked=self._checked,
            pages_checked=sum(shown for shown, _ in by_class.values()),
            pages_right=sum(right for _, right in by_class.values()),
            cells_even=even and not any(side % 2 for side in size_px),
            by_class=by_class,
            texts_checked=sum(reader.checked for reader in self._texts),
            texts_right=sum(reader.right for reader in self._texts),
            wrong_text=min(wrong, default=None),
            worst_place=max(reader.worst_place for reader in self._maps),
            most_together=max(reader.most_together for reader in self._maps),
        )


def read_back(
    path: Path,
    panels: Sequence[Panel],
    *,
    layout: str | None = None,
    cell_px: CellSize | None = None,
    annotations: Sequence[Annotation] = (),
    texts: bool = True,
    every: int = 1,
    first: int = 0,
) -> ReadBack:
    """Compare each `every`th frame of a video with the recordings it is said to show.

    The video's first frame is frame `first` of them. Layout, cells, palette and size are those that
    the video's comment tells, unless they are given. Raises RenderError for a file that cannot be
    decoded, ValueError as write_video does.
    """
    path = Path(path)
    told = read_comment(path).get("picture", {})
    told = told | ({"layout": layout} if layout else {}) | ({"cell_px": cell_px} if cell_px else {})
    reader = PictureReader(composed_as(told, panels, annotations), texts=texts)
    frames = 0
    with decoded(path) as (size_px, pictures):
        for picture in pictures:
            frame = first + frames
            if frames % every == 0 and frame < reader.scene.frames and size_px == reader.size_px:
                reader.compare(planes_of(picture, *size_px), frame)
            frames += 1
    return reader.result(frames, size_px)


def composed_as(
    told: dict, panels: Sequence[Panel], annotations: Sequence[Annotation] = ()
) -> Scene:
    """The scene of a picture whose metadata tell `told` under "picture". Raises as compose."""
    return compose(
        panels,
        told.get("layout", "blocks"),
        told.get("cell_px"),
        palette=told.get("palette", "standard"),
        size=told.get("size"),
        annotations=annotations,
    )


def planes_of_image(image: np.ndarray) -> Ready:
    """The planes of a video frame that shows an RGB image u1[h, w, 3], even sides."""
    return YuvCanvas.ready(image)


class _MapReader:
    """Compares the cells of one panel."""

    def __init__(self, view: MapView) -> None:
        self._view, placement = view, view.placement
        self._names = view.panel.recording.header["page_classes"]
        self._ranks = class_ranks(self._names, view.palette)
        plain = class_colours(self._names, view.palette)
        hatch = hatch_colours(self._names, view.palette)
        # Lines across cells would mix with what is between them: there one 2x2 px is looked at.
        self._hatched = not np.array_equal(plain, hatch)
        colours = np.concatenate((plain, hatch)) if self._hatched else plain
        self._nearest = nearest_class(to_yuv(colours)) % np.uint8(len(self._names))
        self._shown = np.zeros(len(self._names), np.int64)
        self._right = np.zeros(len(self._names), np.int64)
        self._pages = np.full(placement.cells, placement.pages_per_cell, np.int64)
        self._pages[-1] -= placement.cells * placement.pages_per_cell - placement.pages
        self._x = (view.x_px + placement.x_px) // 2
        self._y = (view.y_px + placement.y_px) // 2
        self.worst_place = (0, 0, 0)
        self.most_together = MOST_OF_BLOCKS if view.palette.of_blocks else MOST_TOGETHER
        corners = (view.x_px, view.y_px, placement.cell_width_px, placement.cell_height_px)
        self.even = (
            not any(value % 2 for value in corners)
            and not ((placement.x_px | placement.y_px) & 1).any()
        )

    def compare(self, planes: Ready, frame: int) -> None:
        """Count the cells that a decoded frame shows right."""
        grid = self._view.panel.recording.grid(frame)
        wanted = cell_classes(grid, self._view.placement, self._ranks)
        found = self.classes(planes)
        classes = len(self._names)
        self._shown += np.bincount(wanted, self._pages, classes).astype(np.int64)
        right = wanted == found
        self._note_worst(np.flatnonzero(~right), frame)
        self._right += np.bincount(wanted[right], self._pages[right], classes).astype(np.int64)

    def _note_worst(self, wrong: np.ndarray, frame: int) -> None:
        """Where most wrong cells lie together: an encoder's faults are lone ones."""
        if len(wrong):
            runs = np.bincount(wrong // RUN_CELLS)
            worst = int(runs.argmax())
            pfn = worst * RUN_CELLS * self._view.placement.pages_per_cell
            self.worst_place = max(self.worst_place, (int(runs[worst]), frame, pfn))

    def counts(self) -> list[tuple[str, int, int]]:
        """Name of each class, its pages, those that were right."""
        return list(zip(self._names, self._shown.tolist(), self._right.tolist(), strict=True))

    def classes(self, planes: Ready) -> np.ndarray:
        """The class nearest to the mean colour of each cell, u1[cells]."""
        luma, blue, red = planes
        across = 1 if self._hatched else self._view.placement.cell_px // 2
        left, width = 2 * self._x.min(), 2 * (self._x.max() + across)
        top, height = 2 * self._y.min(), 2 * (self._y.max() + across)
        part = luma[top:height, left:width]
        mean = part[0::2, 0::2].astype(np.uint16) + part[1::2, 0::2]
        mean += part[0::2, 1::2]
        mean += part[1::2, 1::2]
        sums = [np.zeros(len(self._x), np.uint32) for _ in range(3)]
        for down in range(across):
            for right in range(across):
                y, x = self._y + down, self._x + right
                sums[0] += mean[y - top // 2, x - left // 2]
                sums[1] += blue[y, x]
                sums[2] += red[y, x]
        count = across**2
        sums[0] //= 4
        keys = [(total // count) >> (8 - _BITS) for total in sums]
        return self._nearest[keys[0] << 2 * _BITS | keys[1] << _BITS | keys[2]]


def nearest_class(colours: np.ndarray) -> np.ndarray:
    """For every colour, in 7 bits of Y, U and V, the nearest of the class colours, u1[2^21].

    `colours` u1[classes, 3] in YUV.
    """
    centres = np.arange(1 << _BITS, dtype=np.int32) * 2 + 1
    best = np.full((1 << _BITS,) * 3, np.iinfo(np.int32).max, np.int32)
    nearest = np.zeros(best.shape, np.uint8)
    for code, (luma, blue, red) in enumerate(colours.astype(np.int32)):
        distance = (
            ((centres - luma) ** 2)[:, None, None]
            + ((centres - blue) ** 2)[:, None]
            + (centres - red) ** 2
        )
        closer = distance < best
        best[closer] = distance[closer]
        nearest[closer] = code
    return nearest.ravel()
