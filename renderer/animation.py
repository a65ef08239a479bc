"""A small animation: some frames of a video at half its size, exact, for a web page or a chat.

WebP, lossless: page grids are smaller that way, and true. GIF for where nothing else is shown: the
classes of pages have their very colours, other colours (edges of letters) the nearest of its 256;
nothing is dithered.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from renderer.canvas import RgbCanvas
from renderer.frame import Painter
from renderer.output import RenderError, whole_file
from renderer.palette import class_colours, hatch_colours
from renderer.panel import Panel
from renderer.png import to_json
from renderer.scene import Scene, compose
from renderer.still import picture_metadata

FRAMES, LEAST_FRAMES = 60, 12
FRAME_MS, LAST_FRAME_MS = 150, 2000
# Frames that are tried where a limit of size is set, smaller and smaller: by the names of
# scene.SIZES; None is the size that was asked for. Larger cells' worst class wins there.
SMALLER = (None, "1080p", "720p")
_MARGIN = 0.96  # of the limit that an estimate aims at
_COLOURS = 256


@dataclass(frozen=True)
class Chosen:
    """What an animation was made of: its frames, size and bytes."""

    frames: tuple[int, ...]
    of_frames: int
    width_px: int
    height_px: int
    bytes: int


def write_animation(
    panels: Sequence[Panel],
    path: Path,
    *,
    layout: str = "blocks",
    palette: str = "standard",
    size: str | None = None,
    max_bytes: int | None = None,
    metadata: dict | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Chosen:
    """Write an endless WebP or GIF (by the name of `path`) of FRAMES frames, evenly chosen.

    Cells of 2 px become one pixel. With `max_bytes` it has fewer frames if it must, LEAST_FRAMES at
    least, then smaller ones. Raises as write_video, and RenderError where nothing fits.
    """
    path = Path(path)
    with whole_file(path) as partial:
        made = None
        for name in SMALLER if max_bytes else (None,):
            scene = compose(panels, layout, palette=palette, size=name or size)
            if made and scene.height_px // 2 >= made.height_px:
                continue
            made = _fitting(scene, partial, max_bytes, metadata or {}, progress)
            if max_bytes is None or made.bytes <= max_bytes:
                return made
        raise RenderError(
            f"{path}: {len(made.frames)} frames of {made.width_px} x {made.height_px} px take "
            f"{made.bytes:,} bytes; allow more than {max_bytes:,}"
        )


def _fitting(
    scene: Scene,
    partial: Path,
    max_bytes: int | None,
    metadata: dict,
    progress: Callable[[int, int], None] | None,
) -> Chosen:
    """The animation with as many frames as fit, or with the fewest."""
    wanted = min(FRAMES, scene.frames)
    while True:
        chosen = np.unique(np.linspace(0, scene.frames - 1, wanted).round().astype(int)).tolist()
        images = []
        for image in _images(scene, chosen):
            images.append(image)
            if progress:
                progress(len(images), len(chosen) + 1)
        about = metadata | {"picture": picture_metadata(scene, frames=chosen)}
        save = _save_gif if partial.suffix == ".gif" else _save_webp
        save(images, partial, about, scene)
        size = partial.stat().st_size
        if max_bytes is None or size <= max_bytes or wanted <= LEAST_FRAMES:
            return Chosen(tuple(chosen), scene.frames, *images[0].size, size)
        estimate = int(wanted * _MARGIN * max_bytes / size)
        wanted = max(min(estimate, wanted - 1), LEAST_FRAMES)


def _images(scene: Scene, frames: Sequence[int]) -> Iterator[Image.Image]:
    painter = Painter(scene, RgbCanvas)
    return (Image.fromarray(painter.draw(frame).image).reduce(2) for frame in frames)


def _durations_ms(images: Sequence[Image.Image]) -> list[int]:
    return [FRAME_MS] * (len(images) - 1) + [LAST_FRAME_MS]


def _save_webp(images: list[Image.Image], path: Path, about: dict, scene: Scene) -> None:
    exif = Image.Exif()
    exif[0x9286] = to_json(about)  # UserComment
    images[0].save(
        path,
        "WEBP",
        save_all=True,
        append_images=images[1:],
        duration=_durations_ms(images),
        loop=0,
        lossless=True,
        method=4,  # without it five times as large
        quality=60,
        exif=exif,
    )


def _save_gif(images: list[Image.Image], path: Path, about: dict, scene: Scene) -> None:
    names = scene.views[0].panel.recording.header["page_classes"]
    first = np.concatenate([of(names, scene.palette) for of in (class_colours, hatch_colours)])
    colours = _common_colours(images, first)
    indexed = [_indexed(image, colours) for image in images]
    indexed[0].save(
        path,
        "GIF",
        save_all=True,
        append_images=indexed[1:],
        duration=_durations_ms(images),
        loop=0,
        optimize=False,
        comment=to_json(about).encode(),
    )


def _packed(image: Image.Image) -> np.ndarray:
    """Pixels as numbers u4[n]."""
    return (np.asarray(image).reshape(-1, 3).astype(np.uint32) << (16, 8, 0)).sum(1, np.uint32)


def _common_colours(images: Sequence[Image.Image], first: np.ndarray) -> np.ndarray:
    """At most 256 colours u1[n, 3]: `first`, then those of most pixels."""
    counts: Counter[int] = Counter()
    for image in images:
        values, numbers = np.unique(_packed(image), return_counts=True)
        counts.update(dict(zip(values.tolist(), numbers.tolist(), strict=True)))
    wanted = (first.astype(np.uint32) << (16, 8, 0)).sum(1, np.uint32).tolist()
    by_number = sorted(counts, key=lambda colour: (-counts[colour], colour))
    kept = list(dict.fromkeys(wanted + by_number))[:_COLOURS]
    return np.array([(c >> 16, c >> 8 & 255, c & 255) for c in kept], np.uint8)


def _indexed(image: Image.Image, colours: np.ndarray) -> Image.Image:
    """The image in these colours, each pixel in the nearest."""
    values, inverse = np.unique(_packed(image), return_inverse=True)
    rgb = np.stack([values >> 16, values >> 8 & 255, values & 255], axis=1).astype(np.int32)
    distances = ((rgb[:, None] - colours.astype(np.int32)) ** 2).sum(axis=2)
    codes = distances.argmin(axis=1).astype(np.uint8)[inverse.ravel()]
    result = Image.frombytes("P", image.size, codes.tobytes())
    result.putpalette(colours.tobytes())
    return result
