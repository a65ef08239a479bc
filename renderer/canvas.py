"""Canvases that a frame is drawn on: the planes of a video frame, or an RGB image.

Positions and sizes are even pixels throughout, so that both canvases show the same picture. A
picture to be drawn is made `ready` once and `put` as often as wanted; the page grid comes as codes,
one for each 2x2 px, and goes through a table of colours.
"""

import numpy as np

from renderer.palette import rgb, to_yuv

Ready = tuple[np.ndarray, ...]


class RgbCanvas:
    """An RGB image, `image` u1[height_px, width_px, 3]; `buffer` u1[...] holds the same bytes."""

    def __init__(self, width_px: int, height_px: int, colour: str) -> None:
        self.image = np.empty((height_px, width_px, 3), np.uint8)
        self.image[:] = rgb(colour)
        self.buffer = self.image.reshape(-1)

    @staticmethod
    def ready(image: np.ndarray) -> Ready:
        """An RGB image u1[h, w, 3] prepared for `put`."""
        return (image,)

    @staticmethod
    def table(colours: np.ndarray) -> Ready:
        """Colours by code, u1[codes, 3], prepared for `look_up`."""
        return (colours,)

    def put(self, x_px: int, y_px: int, ready: Ready) -> None:
        """Draw a prepared image with its corner at x, y."""
        height_px, width_px = ready[0].shape[:2]
        self.image[y_px : y_px + height_px, x_px : x_px + width_px] = ready[0]

    def look_up(self, x_px: int, y_px: int, codes: np.ndarray, table: Ready) -> None:
        """Draw codes u1[h/2, w/2], each 2x2 px."""
        height_px, width_px = 2 * codes.shape[0], 2 * codes.shape[1]
        colours = table[0][codes]
        target = self.image[y_px : y_px + height_px, x_px : x_px + width_px]
        for row in (0, 1):
            for column in (0, 1):
                target[row::2, column::2] = colours

    @staticmethod
    def spots(x_px: int, y_px: int, rows: np.ndarray, columns: np.ndarray) -> Ready:
        """Places of squares of 2x2 px prepared for `fill`, in squares from x, y on."""
        return rows + y_px // 2, columns + x_px // 2

    def fill(self, spots: Ready, chosen: np.ndarray, codes: np.ndarray, table: Ready) -> None:
        """Draw codes u1[...] at the chosen of the spots, of the shape of spots[0][chosen]."""
        height_px, width_px = self.image.shape[:2]
        squares = self.image.reshape(height_px // 2, 2, width_px // 2, 2, 3)
        rows, columns = (part[chosen] for part in spots)
        squares[rows, :, columns] = table[0][codes][..., None, None, :]


class YuvCanvas:
    """A yuv420p frame; `buffer` u1[height_px * width_px * 3 / 2] holds its planes in order."""

    def __init__(self, width_px: int, height_px: int, colour: str) -> None:
        self.buffer = np.empty(width_px * height_px * 3 // 2, np.uint8)
        self.planes = planes_of(self.buffer, width_px, height_px)
        # Two equal samples beside each other are one number of 16 bits: half the accesses.
        self._pairs = self.planes[0].view(np.uint16)
        for plane, value in zip(self.planes, to_yuv(rgb(colour)), strict=True):
            plane[:] = value

    @staticmethod
    def ready(image: np.ndarray) -> Ready:
        """An RGB image u1[h, w, 3] prepared for `put`."""
        luma, blue, red = np.moveaxis(to_yuv(image), -1, 0)
        return np.ascontiguousarray(luma), _halved(blue), _halved(red)

    @staticmethod
    def table(colours: np.ndarray) -> Ready:
        """Colours by code, u1[codes, 3], prepared for `look_up`."""
        luma, blue, red = np.ascontiguousarray(to_yuv(colours).T)
        return luma * np.uint16(257), blue, red

    def put(self, x_px: int, y_px: int, ready: Ready) -> None:
        """Draw a prepared image with its corner at x, y."""
        for plane, part, step in zip(self.planes, ready, (1, 2, 2), strict=True):
            x, y = x_px // step, y_px // step
            plane[y : y + part.shape[0], x : x + part.shape[1]] = part

    def look_up(self, x_px: int, y_px: int, codes: np.ndarray, table: Ready) -> None:
        """Draw codes u1[h/2, w/2], each 2x2 px: one U, one V and four equal Y."""
        x, y, (height, width) = x_px // 2, y_px // 2, codes.shape
        for plane, values in zip(self.planes[1:], table[1:], strict=True):
            np.take(values, codes, out=plane[y : y + height, x : x + width], mode="clip")
        target = self._pairs[y_px : y_px + 2 * height, x : x + width]
        target[0::2] = table[0][codes]
        target[1::2] = target[0::2]

    def spots(self, x_px: int, y_px: int, rows: np.ndarray, columns: np.ndarray) -> Ready:
        """Places of squares of 2x2 px prepared for `fill`, in squares from x, y on."""
        step = self._pairs.shape[1]
        rows, columns = rows.astype(np.intp) + y_px // 2, columns + x_px // 2
        return 2 * rows * step + columns, rows * step + columns

    def fill(self, spots: Ready, chosen: np.ndarray, codes: np.ndarray, table: Ready) -> None:
        """Draw codes u1[...] at the chosen of the spots, of the shape of spots[0][chosen]."""
        upper, quarter = (part[chosen] for part in spots)
        pairs, luma = self._pairs.reshape(-1), table[0][codes]
        pairs[upper] = luma
        pairs[upper + self._pairs.shape[1]] = luma
        for plane, values in zip(self.planes[1:], table[1:], strict=True):
            plane.reshape(-1)[quarter] = values[codes]


def planes_of(buffer: np.ndarray, width_px: int, height_px: int) -> Ready:
    """Views of the Y, U and V planes of a yuv420p frame, u1[height_px * width_px * 3 / 2]."""
    luma, quarter = width_px * height_px, width_px * height_px // 4
    halves = (height_px // 2, width_px // 2)
    return (
        buffer[:luma].reshape(height_px, width_px),
        buffer[luma : luma + quarter].reshape(halves),
        buffer[luma + quarter :].reshape(halves),
    )


def columns(ready: Ready, start_px: int, end_px: int) -> Ready:
    """Some columns of a prepared image; even numbers."""
    whole = ready[0].shape[1]
    return tuple(
        part[:, start_px * part.shape[1] // whole : end_px * part.shape[1] // whole]
        for part in ready
    )


def _halved(plane: np.ndarray) -> np.ndarray:
    """Means of 2x2 samples, rounded, u1."""
    sums = np.uint16(plane[0::2, 0::2]) + plane[1::2, 0::2] + plane[0::2, 1::2] + plane[1::2, 1::2]
    return ((sums + 2) // 4).astype(np.uint8)
