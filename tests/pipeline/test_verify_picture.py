"""`pagereel verify` of videos and stills: what they show and say, held against recordings."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from renderer.canvas import planes_of
from renderer.ffmpeg import decoded, encode, read_comment
from tests.pipeline.commands import Commands, pagereel

__all__ = ["pagereel"]

OFF, LIST = (f"recordings/churn-{name}-0.reel" for name in ("6.1-off", "6.1-list"))
VIDEO = "video/comparison.mp4"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run with its comparison and still."""
    folder = tmp_path_factory.mktemp("verify") / "run"
    script = Path(sys.executable).parent / "pagereel"
    command = [
        script, "run", "-w", "churn", "-m", "6.1-off", "-m", "6.1-list", "-p", "memory_mib=24",
        "-p", "requests=9000", "--frames", "24", "--size", "720p", "--only", "comparison",
        "--only", "still", "-o", folder, "-j", "1",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    """The run, to be changed."""
    shutil.copytree(run, tmp_path / "run")
    return tmp_path / "run"


def checks_of(out: str) -> dict[str, dict]:
    return {check["name"]: check for check in json.loads(out)}


def test_a_video_shows_every_class_and_says_what_series_csv_says(
    pagereel: Commands, run: Path
) -> None:
    outcome = pagereel("verify", run / VIDEO, "--json")
    assert outcome.code == 0
    checks = checks_of(outcome.out)
    assert {name: check["ok"] for name, check in checks.items()} == dict.fromkeys(
        ("frames", "pages", "words", "series.csv"), True
    )
    classes = {row["class"]: row for row in checks["pages"]["classes"]}
    assert {"free", "movable", "unmovable"} <= set(classes)
    assert classes["unmovable"]["share"] > 0.999
    words = pagereel("verify", run / VIDEO).out
    assert "pages: ok" in words
    assert "in another colour" in words


def test_a_few_pages_of_a_film_painted_over_are_found_out(pagereel: Commands, copy: Path) -> None:
    """A box in some frames: far less than the share of pages that an encoder may spoil."""
    video = copy / VIDEO
    comment = json.dumps(read_comment(video))

    def forged():
        with decoded(video) as (size_px, frames):
            for number, frame in enumerate(frames):
                planes = planes_of(frame, *size_px)
                if number in (5, 6):
                    for plane, value, part in zip(planes, (142, 160, 90), (1, 2, 2), strict=True):
                        plane[200 // part : 220 // part, 300 // part : 340 // part] = value
                yield frame

    partial = copy / "forged.mp4"
    encode(forged(), (1280, 720), 20, partial, partial, comment)
    partial.replace(video)
    outcome = pagereel("verify", video)
    assert outcome.code == 1
    assert "pages: WRONG" in outcome.out
    assert "frame 5, from pfn" in outcome.out or "frame 6, from pfn" in outcome.out


def test_a_still_exists_in_its_video(pagereel: Commands, run: Path) -> None:
    outcome = pagereel("verify", run / "still.png", "--json")
    assert outcome.code == 0
    checks = checks_of(outcome.out)
    assert set(checks) == {"size", "pages", "words", "video"}
    assert all(check["ok"] for check in checks.values())


def test_figures_of_another_series_csv_are_found_out(pagereel: Commands, copy: Path) -> None:
    series = copy / "series.csv"
    rows = series.read_text().splitlines()
    column = rows[0].split(",").index("potential_huge")
    cells = rows[5].split(",")
    assert float(cells[column]) >= 0
    cells[column] = "3" if cells[column] != "3" else "2"
    series.write_text("\n".join([*rows[:5], ",".join(cells), *rows[6:]]) + "\n")
    outcome = pagereel("verify", copy / VIDEO)
    assert outcome.code == 1
    assert "words: WRONG" in outcome.out
    assert "pages: ok" in outcome.out
    assert f"frame {rows[5].split(',')[rows[0].split(',').index('frame')]} " in outcome.out


def test_a_clock_of_another_series_csv_is_found_out(pagereel: Commands, copy: Path) -> None:
    series = copy / "series.csv"
    rows = series.read_text().splitlines()
    cells = rows[5].split(",")
    cells[rows[0].split(",").index("time_us")] += "0"
    series.write_text("\n".join([*rows[:5], ",".join(cells), *rows[6:]]) + "\n")
    outcome = pagereel("verify", copy / VIDEO)
    assert outcome.code == 1
    assert "series.csv: WRONG: time_us isn't that of churn-6.1-off-0.reel" in outcome.out


def test_a_still_with_a_page_too_many_is_found_out(pagereel: Commands, copy: Path) -> None:
    with Image.open(copy / "still.png") as image:
        told, pixels = image.text["pagereel"], image.convert("RGB")
    first = pixels.getpixel((640, 300))
    pixels.paste((176, 30, 20) if first != (176, 30, 20) else (252, 252, 250), (600, 280, 660, 320))
    info = PngImagePlugin.PngInfo()
    info.add_text("pagereel", told)
    pixels.save(copy / "still.png", pnginfo=info)
    outcome = pagereel("verify", copy / "still.png")
    assert outcome.code == 1
    assert "pages: WRONG" in outcome.out


def test_a_still_of_another_frame_is_found_out(pagereel: Commands, copy: Path) -> None:
    with Image.open(copy / "still.png") as image:
        told, pixels = json.loads(image.text["pagereel"]), image.convert("RGB")
    told["picture"]["frame"] = (told["picture"]["frame"] + 7) % 20
    info = PngImagePlugin.PngInfo()
    info.add_text("pagereel", json.dumps(told))
    pixels.save(copy / "still.png", pnginfo=info)
    outcome = pagereel("verify", copy / "still.png")
    assert outcome.code == 1
    assert "words: WRONG" in outcome.out


def test_recordings_elsewhere_are_named(pagereel: Commands, run: Path, tmp_path: Path) -> None:
    video = tmp_path / "alone" / "sent.mp4"
    video.parent.mkdir()
    shutil.copy(run / VIDEO, video)
    told = pagereel.refused("verify", video, code=2)
    assert "it shows 6.1-off, churn, seed 0, which isn't beside it: name it" in told
    told = pagereel.refused("verify", video, run / LIST, code=2)
    assert "which none of these recordings is" in told
    outcome = pagereel("verify", video, run / LIST, run / OFF)
    assert outcome.code == 0, outcome


def test_a_damaged_recording_beside_a_video_is_told(pagereel: Commands, copy: Path) -> None:
    (copy / OFF).write_bytes(b"damaged")
    assert "6.1-off-0.reel: " in pagereel.refused("verify", copy / VIDEO, code=1)


def test_what_cannot_be_checked_is_told_in_a_line(
    pagereel: Commands, run: Path, tmp_path: Path
) -> None:
    assert "no such file" in pagereel.refused("verify", tmp_path / "none.mp4", code=1)
    assert "no such file" in pagereel.refused("verify", tmp_path / "none.png", code=1)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    assert "not a picture of pagereel" in pagereel.refused("verify", tmp_path / "a.png", code=2)
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert "b.png: not readable" in pagereel.refused("verify", tmp_path / "b.png", code=1)
    (tmp_path / "b.mp4").write_bytes(b"no video")
    assert "b.mp4: ffmpeg: " in pagereel.refused("verify", tmp_path / "b.mp4", code=1)
    pagereel.refused("verify", run / OFF, run / LIST, code=2)
    pagereel.refused("verify", run / VIDEO, "--stream", "x", code=2)


@pytest.mark.parametrize(
    "options",
    [
        ("--difference",),
        ("--pfn", "2048-4095"),
        ("--captions",),
        ("--lossless",),
        ("--layout", "rows"),
    ],
)
def test_every_way_of_drawing_is_read_back(
    pagereel: Commands, run: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    video = tmp_path / ("a.mkv" if "--lossless" in options else "a.mp4")
    drawn = pagereel("video", run / OFF, run / LIST, "-o", video, "--size", "720p", *options)
    assert drawn.code == 0, drawn
    outcome = pagereel("verify", video, run / OFF, run / LIST)
    assert outcome.code == 0, outcome
    assert "pages: ok" in outcome.out
    if "--lossless" in options:
        assert "pages: ok: 100 %" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", "x.mp4", "--max-size", "1MB"), "--max-size is for .webp and .gif"),
        (("-o", "x.webp", "--max-size", "two"), "size 'two': not of the form 2MB"),
        (("-o", "x.gif", "--lossless"), "--lossless is for videos"),
        (("-o", "x.mp4", "--lossless"), "must end in .mkv"),
    ],
)
def test_video_options_that_do_not_fit(
    pagereel: Commands, run: Path, arguments: tuple[str, ...], words: str
) -> None:
    assert words in pagereel.refused("video", run / OFF, *arguments, code=2)


def test_an_animation_under_a_limit_says_what_it_chose(
    pagereel: Commands, run: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.gif"
    outcome = pagereel("video", run / OFF, "-o", path, "--size", "720p", "--max-size", "300kB")
    assert outcome.code == 0, outcome
    assert f"frames, 640 x 360 px, {path.stat().st_size:,} bytes" in outcome.err
    assert path.stat().st_size <= 300_000
