"""Videos, and reading them back."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from renderer import ffmpeg
from renderer.canvas import RgbCanvas
from renderer.frame import Painter
from renderer.output import RenderError
from renderer.panel import Panel
from renderer.read_back import read_back
from renderer.scene import compose
from renderer.video import write_video
from tests.renderer.synthetic import panel, panels, recording


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen]:
    """Every process that is started from now on."""
    started = []

    class Kept(subprocess.Popen):
        def __init__(self, *arguments: object, **more: object) -> None:
            super().__init__(*arguments, **more)
            started.append(self)

    monkeypatch.setattr("renderer.ffmpeg.subprocess.Popen", Kept)
    return started


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Panel], Path]:
    folder = tmp_path_factory.mktemp("video")
    shown = panels(folder, 2)
    path = folder / "comparison.mp4"
    write_video(shown, path, metadata={"run": 'a=b; c\\d # "e"\nf'})
    return shown, path


def test_a_video_shows_the_recorded_pages(made: tuple[list[Panel], Path]) -> None:
    back = read_back(made[1], made[0])
    assert back.whole
    assert back.frames == back.frames_checked == 6
    assert (back.width_px, back.height_px) == back.size_expected_px == (1540, 1440)
    assert back.pages_checked == 6 * 2 * 4096
    assert back.share_right >= 0.999
    assert back.share_of("unmovable", "reclaimable") >= 0.999
    assert back.share_of("zram") == 1.0


def test_a_video_of_other_pages_is_found_out(made: tuple[list[Panel], Path]) -> None:
    swapped = made[0][::-1]
    assert read_back(made[1], swapped).share_right < 0.5


def test_another_layout_is_found_out(made: tuple[list[Panel], Path]) -> None:
    assert read_back(made[1], made[0], layout="hilbert").share_right < 0.5


def test_a_video_of_other_panels_is_not_whole(made: tuple[list[Panel], Path]) -> None:
    back = read_back(made[1], made[0][:1])
    assert not back.whole
    assert back.frames_checked == 0
    assert back.share_right == 0


def test_some_frames_can_be_compared(made: tuple[list[Panel], Path]) -> None:
    back = read_back(made[1], made[0], every=4)
    assert (back.frames, back.frames_checked) == (6, 2)


def test_the_comment_tells_what_the_video_is(made: tuple[list[Panel], Path]) -> None:
    about = ffmpeg.read_comment(made[1])
    assert about["run"] == 'a=b; c\\d # "e"\nf'
    assert about["picture"]["layout"] == "blocks"
    assert about["picture"]["panels"] == ["m0", "m1"]
    assert about["picture"]["frames"] == 6


def test_cells_of_two_pixels_in_every_layout(tmp_path: Path) -> None:
    shown = [panel(recording(tmp_path / "a.reel", 32768, frames=2))]
    for layout in ("rows", "hilbert"):
        path = tmp_path / f"{layout}.mp4"
        write_video(shown, path, layout=layout, cell_px=2)
        back = read_back(path, shown)
        assert back.whole
        assert back.share_right >= 0.999


def test_progress_is_told(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    shown = panels(tmp_path, 1, frames=3)
    write_video(shown, tmp_path / "a.mp4", progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_the_same_videos_have_the_same_bytes(tmp_path: Path) -> None:
    shown = panels(tmp_path, 1, frames=3)
    for name in ("a", "b"):
        write_video(shown, tmp_path / f"{name}.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    shown = panels(tmp_path, 1)
    with pytest.raises(RenderError, match=r"a\.mp4: No such file or directory"):
        write_video(shown, tmp_path / "none" / "a.mp4")
    assert not list(tmp_path.glob("**/*partial*"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = panels(tmp_path, 1)
    real = ffmpeg.encode

    def to_full(frames, size_px, fps, partial, *rest: object) -> None:
        partial.unlink()
        partial.symlink_to("/dev/full")
        real(frames, size_px, fps, partial, *rest)

    monkeypatch.setattr("renderer.video.encode", to_full)
    with pytest.raises(RenderError, match=r"a\.mp4: ffmpeg: .*"):
        write_video(shown, tmp_path / "a.mp4")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.reel"]


def test_an_encoder_that_is_killed_is_told(tmp_path: Path, running: list) -> None:
    def kill(done: int, _: int) -> None:
        if done == 2:
            running[-1].kill()

    shown = panels(tmp_path, 1, frames=40)
    with pytest.raises(RenderError, match=r"a\.mp4: ffmpeg: killed by signal 9"):
        write_video(shown, tmp_path / "a.mp4", progress=kill)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.reel"]
    assert running[-1].returncode == -9  # waited for: no zombie


def test_a_fault_while_drawing_ends_the_encoder(tmp_path: Path, running: list) -> None:
    def fail(done: int, _: int) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        write_video(panels(tmp_path, 1), tmp_path / "a.mp4", progress=fail)
    assert running[-1].returncode is not None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.reel"]


def test_a_video_is_flagged_for_players(made: tuple[list[Panel], Path]) -> None:
    data = made[1].read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # plays while it loads
    configuration = data[data.index(b"avcC") + 4 :]
    assert configuration[1] == 100  # the High profile
    colours = data[data.index(b"colrnclx") + 8 :]
    assert colours[:7] == bytes([0, 1, 0, 1, 0, 1, 0])  # bt709 three times, not full range


def test_a_lossless_video_has_every_pixel_of_the_stills(tmp_path: Path) -> None:
    shown = panels(tmp_path, 2, frames=3)
    write_video(shown, tmp_path / "a.mkv", lossless=True, metadata={"run": "a"})
    scene = compose(shown)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", tmp_path / "a.mkv"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    images = np.frombuffer(raw, np.uint8).reshape(-1, scene.height_px, scene.width_px, 3)
    painter = Painter(scene, RgbCanvas)
    assert len(images) == 3
    for frame, image in enumerate(images):
        assert np.array_equal(image, painter.draw(frame).image)
    back = read_back(tmp_path / "a.mkv", shown)
    assert back.whole
    assert back.share_right == 1.0
    assert ffmpeg.read_comment(tmp_path / "a.mkv")["run"] == "a"


def test_an_error_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    def fail(done: int, _: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(panels(tmp_path, 1), tmp_path / "a.mp4", progress=fail)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.reel"]


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(RenderError, match=r"a\.mp4: ffmpeg: "):
        read_back(tmp_path / "a.mp4", panels(tmp_path, 1))


def test_a_video_cut_short_is_told_or_not_whole(made: tuple[list[Panel], Path]) -> None:
    cut = made[1].with_name("cut.mp4")
    cut.write_bytes(made[1].read_bytes()[:-20_000])
    try:
        back = read_back(cut, made[0])
    except RenderError:
        return
    assert not (back.whole and back.share_right > 0.999)


def test_panels_of_other_clocks_are_refused(tmp_path: Path) -> None:
    one, other = panels(tmp_path, 2)
    shifted = replace(other, values=np.zeros(5))
    with pytest.raises(ValueError, match="5 values"):
        write_video([one, shifted], tmp_path / "a.mp4")
    assert not (tmp_path / "a.mp4").exists()


def test_a_missing_ffmpeg_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise RuntimeError("No ffmpeg exe could be found")

    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", none)
    with pytest.raises(RenderError, match=r"a\.mp4: No ffmpeg exe could be found"):
        write_video(panels(tmp_path, 1), tmp_path / "a.mp4")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.reel"]
