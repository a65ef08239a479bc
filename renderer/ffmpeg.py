"""ffmpeg as imageio-ffmpeg ships it: frames in, an MP4 out, and back.

Run here and not through imageio_ffmpeg.write_frames, which neither keeps what ffmpeg says nor looks
at its exit status: a full disk would give a broken file without an error.
"""

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import imageio_ffmpeg
import numpy as np

from renderer.output import RenderError

# For page cells, not for film. What smooths (deblocking, adaptive and psychovisual quantisation)
# works against cells of two pixels, and so does what takes bits from frames that others don't lean
# on (mbtree, B frames, ipratio): every frame is looked at for itself, so all have one quantiser.
# What drops small differences drops lone pages: with small deadzones and without decimation the
# quantiser can be coarser. (Trellis quantisation leaves a third as many pages wrong at the same
# size, but takes 40 % more time.) Pages don't move, so a search for motion finds nothing (me,
# merange, subme); intra blocks of 4x4 cost time and save nothing, inter blocks do save. 8x8
# transforms are hardly ever chosen, but the profile is High by them. bench.video measures it.
X264 = (
    "me=dia:merange=4:subme=0:ref=1:partitions=p8x8,p4x4:trellis=0:deadzone-inter=9"
    ":deadzone-intra=6:no-dct-decimate=1:aq-mode=0:psy=0:no-deblock=1:chroma-qp-offset=-3"
    ":bframes=0:weightp=0:mbtree=0:rc-lookahead=0:scenecut=0:ipratio=1.0"
)
PRESET, QUANTISER, KEY_EVERY, THREADS = "veryfast", 28, 250, 4

_COLOURS = ("-color_range", "tv", "-colorspace", "bt709")
_COLOURS += ("-color_primaries", "bt709", "-color_trc", "bt709")


@dataclass(frozen=True)
class Coding:
    """How frames become a video: ffmpeg's names of what comes in and goes out, and its options."""

    pixels: str
    container: str
    reading: tuple[str, ...]
    writing: tuple[str, ...]


MP4 = Coding(
    "yuv420p",
    "mp4",
    _COLOURS,
    ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", PRESET, "-qp", str(QUANTISER),
     "-g", str(KEY_EVERY), "-x264-params", X264, *_COLOURS, "-movflags", "+faststart"),
)  # fmt: skip

# Every pixel as it was drawn. FFV1 of the same frames is eight times as large, because it takes
# nothing from the frame before; players (mpv, VLC, ffmpeg) play both, browsers neither.
LOSSLESS = Coding(
    "rgb24",
    "matroska",
    (),
    ("-c:v", "libx264rgb", "-pix_fmt", "rgb24", "-preset", "ultrafast", "-qp", "0",
     "-g", str(KEY_EVERY), "-x264-params", "cabac=1:subme=0:merange=4:partitions=i4x4,p8x8,p4x4"),
)  # fmt: skip


def encode(
    frames: Iterable[np.ndarray],
    size_px: tuple[int, int],
    fps: float,
    partial: Path,
    path: Path,
    comment: str,
    coding: Coding = MP4,
) -> None:
    """Write frames, u1 arrays as `coding` wants them, to `partial`; faults are told of `path`.

    A frame may be drawn over the one before: it is handed over when the next is asked for. ffmpeg
    reads frames ahead in a thread of its own, so drawing and encoding overlap; a thread here that
    writes, or a larger pipe, made nothing faster. Raises RenderError with ffmpeg's last words.
    """
    raw = ("-f", "rawvideo", "-pix_fmt", coding.pixels, "-s", f"{size_px[0]}x{size_px[1]}")
    with _open(partial) as (name, descriptor):
        command = [
            *_ffmpeg(path), "-y", *raw, "-r", str(fps), *coding.reading, "-i", "-", "-an",
            *coding.writing, "-threads", str(THREADS),
            "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact",
            "-metadata", f"comment={comment}", "-f", coding.container, name,
        ]  # fmt: skip
        with _running(command, path, stdin=subprocess.PIPE, pass_fds=(descriptor,)) as process:
            _feed(process, frames)


def _feed(process: subprocess.Popen, frames: Iterable[np.ndarray]) -> None:
    for frame in frames:
        try:
            process.stdin.write(memoryview(frame).cast("B"))
        except BrokenPipeError:
            break  # its exit status and words tell why


@contextmanager
def _open(partial: Path) -> Iterator[tuple[str, int]]:
    """A file for ffmpeg to write, and the descriptor that it must be given for that.

    By name it would make the file anew where that was removed meanwhile, because who started it was
    killed. Where the system has no names for open files it does.
    """
    with open(partial, "ab") as file:
        name = f"/proc/self/fd/{file.fileno()}"
        yield name if os.path.exists(name) else str(partial.absolute()), file.fileno()


@contextmanager
def decoded(path: Path) -> Iterator[tuple[tuple[int, int], Iterator[np.ndarray]]]:
    """Size and frames of a video, yuv420p u1[w * h * 3 / 2], each valid until the next is read.

    Raises RenderError where the file cannot be decoded to its end.
    """
    command = [
        *_ffmpeg(path),
        "-threads",
        str(THREADS),
        "-i",
        str(path.absolute()),
        "-map",
        "0:v:0",
    ]
    # Of a lossless video, which is RGB: the same matrix and range as in the others.
    command += ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-sws_flags", "accurate_rnd"]
    command += ["-fps_mode", "passthrough", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-"]
    with _running(command, path, stdout=subprocess.PIPE) as process:
        size_px = _y4m_size(process.stdout.readline())
        yield size_px, _y4m_frames(process.stdout, size_px) if size_px[0] else iter(())


def read_comment(path: Path) -> dict:
    """The metadata that a video was written with; empty where there is none.

    Raises RenderError where the file cannot be read.
    """
    command = [*_ffmpeg(path), "-i", str(Path(path).absolute()), "-f", "ffmetadata", "-"]
    with _running(command, path, stdout=subprocess.PIPE) as process:
        text = process.stdout.read().decode("utf-8", "replace")
    lines = text.replace("\\\n", "\n").splitlines()
    # Matroska keeps its names in capitals.
    found = [line[len("comment=") :] for line in lines if line.lower().startswith("comment=")]
    try:
        return json.loads(_unescaped(found[0])) if found else {}
    except ValueError:
        return {}


def _ffmpeg(path: Path) -> list[str]:
    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise RenderError(f"{path}: {error}") from None
    return [program, "-hide_banner", "-nostats", "-v", "error"]


@contextmanager
def _running(command: list[str], path: Path, **pipes: object) -> Iterator[subprocess.Popen]:
    """ffmpeg at work; at the end of the block it must end well. Stopped on any exception."""
    with tempfile.TemporaryFile() as words:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL} | pipes
        process = None
        try:
            with _interrupts_held():
                process = subprocess.Popen(command, stderr=words, **pipes)
            yield process
            _close(process)
            status = process.wait()
        except BaseException:
            if process:
                process.kill()
                _close(process)
                process.wait()
            raise
        if status:
            words.seek(0)
            said = words.read().decode("utf-8", "replace").split("\n")
            ended = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
            told = [line.strip() for line in said if line.strip()] or [ended]
            raise RenderError(f"{path}: ffmpeg: {told[0]}")


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """An interrupt waits for the end of the block: while ffmpeg starts it would leave it running.

    A mask of the thread's signals isn't enough: other threads would take the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came and callable(before):
        before(signal.SIGINT, None)


def _close(process: subprocess.Popen) -> None:
    for pipe in (process.stdin, process.stdout):
        try:
            if pipe:
                pipe.close()
        except BrokenPipeError:
            pass


def _y4m_size(header: bytes) -> tuple[int, int]:
    """Width and height of a YUV4MPEG2 header; 0, 0 where there is none."""
    fields = {part[:1]: part[1:] for part in header.split()[1:]}
    return int(fields.get(b"W", 0)), int(fields.get(b"H", 0))


def _y4m_frames(stream: BinaryIO, size_px: tuple[int, int]) -> Iterator[np.ndarray]:
    width, height = size_px
    buffer = np.empty(width * height + 2 * (-(-width // 2) * -(-height // 2)), np.uint8)
    while stream.readline().startswith(b"FRAME"):
        if stream.readinto(memoryview(buffer)) < len(buffer):
            return  # ffmpeg's exit status tells why
        yield buffer


def _unescaped(text: str) -> str:
    """Undo ffmetadata's backslashes."""
    out, escaped = [], False
    for character in text:
        if escaped or character != "\\":
            out.append(character)
            escaped = False
        else:
            escaped = True
    return "".join(out)
