"""Differences, zooms, palettes, sizes and captions, from the command line to the picture."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import difference
from pipeline.artefacts.panels import Drawing, drawing_of, panels
from pipeline.artefacts.still import greatest_difference
from pipeline.config import RunConfig, UsageError
from pipeline.run_folder import RunFolder
from pipeline.views.difference import CLASSES
from renderer.ffmpeg import decoded, read_comment
from renderer.palette import DIFFERENCE, YEAR_2007, class_colours
from renderer.panel import PanelError
from renderer.scene import compose
from tests.pipeline.commands import Commands
from tests.pipeline.test_views import UNMOVABLE, scattered, written
from tests.renderer.synthetic import recording
from tests.renderer.test_frame import shown_classes


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("three")
    for number, name in enumerate("abc"):
        written(folder / f"{name}.reel", scattered(number), name=name)
    return sorted(folder.glob("*.reel"))


def picture(path: Path) -> tuple[np.ndarray, dict]:
    with Image.open(path) as image:
        return np.array(image), json.loads(image.text["pagereel"])


def test_each_but_the_first_is_shown_against_the_first(three: list[Path]) -> None:
    whole = panels(three, Drawing())
    shown = panels(three, Drawing(difference=True))
    assert [panel.place for panel in shown] == [1, 2]
    assert [panel.title for panel in shown] == ["grouping by mobility \N{MINUS SIGN} A"] * 2
    for panel, one in zip(shown, whole[1:], strict=True):
        assert panel.values.tolist() == (one.values - whole[0].values).tolist()
        assert panel.minimum <= panel.values.min() <= panel.values.max() <= panel.maximum
        for frame in range(4):
            spared, spoiled = (int(word.split()[0]) for word in panel.corner(frame).split(", "))
            assert panel.figure(frame).startswith(f"{spared - spoiled:+d} blocks")
    assert "A: grouping by mobility, a" in shown[0].notes


def test_a_difference_needs_two_on_one_clock(three: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two recordings"):
        panels(three[:1], Drawing(difference=True))
    written(tmp_path / "d.reel", scattered(9, frames=3))
    with pytest.raises(PanelError, match="clock"):
        panels([three[0], tmp_path / "d.reel"], Drawing(difference=True))


def test_the_greatest_difference_is_that_from_the_first(three: list[Path]) -> None:
    shown = panels(three, Drawing(difference=True))
    farthest = np.abs([panel.values for panel in shown]).max(axis=0)
    values = np.array([panel.values for panel in shown])
    span = np.maximum(values.max(axis=0), 0) - np.minimum(values.min(axis=0), 0)
    frame = greatest_difference(shown, from_zero=True)
    assert span[frame] == span.max() >= farthest[frame]


def test_a_still_of_a_difference_shows_its_pageblocks(
    pagereel: Commands, three: list[Path], tmp_path: Path
) -> None:
    target = tmp_path / "still.png"
    done = pagereel("still", *three, "--difference", "--frame", "2", "-o", target)
    assert done.code == 0, done.err
    image, about = picture(target)
    scene = compose(panels(three, Drawing(difference=True)), palette="difference")
    colours = class_colours(CLASSES, DIFFERENCE)
    for view in scene.views:
        codes = view.panel.recording.blocks(2)
        cells = (
            view.placement.x_px.reshape(len(codes), -1),
            view.placement.y_px.reshape(len(codes), -1),
        )
        for code, x_px, y_px in zip(codes, *cells, strict=True):
            tile = image[view.y_px + y_px, view.x_px + x_px]
            plain = (tile == colours[code]).all(axis=1)
            hatched = bool(DIFFERENCE.swatch(CLASSES[code]).hatch)
            assert plain.all() != hatched
            assert 0.6 < plain.mean() <= 1
    assert "recordings" not in about  # its pages cannot be read back
    assert about["difference"]["baseline"]["mechanism"] == "a"
    assert [one["mechanism"] for one in about["difference"]["recordings"]] == ["b", "c"]
    assert about["picture"]["palette"] == "difference"


def test_a_video_and_a_sheet_of_a_difference(
    pagereel: Commands, three: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    assert pagereel("video", *three[:2], "--difference", "-o", folder).code == 0
    with decoded(folder / "difference.mp4") as (size_px, frames):
        assert sum(1 for _ in frames) == 4
        assert size_px == (2560, 1440)
    assert "difference" in read_comment(folder / "difference.mp4")
    options = ("--difference", "--phase", "load", "-o", folder / "sheet.png")
    assert pagereel("sheet", *three, *options).code == 0
    assert picture(folder / "sheet.png")[1]["picture"]["palette"] == "difference"


def test_a_zoom_shows_its_pages_and_says_so(
    pagereel: Commands, three: list[Path], tmp_path: Path
) -> None:
    target = tmp_path / "still.png"
    options = ("--pfn", "0x400-0x5ff", "--frame", "1", "-o", target)
    assert pagereel("still", *three, *options).code == 0
    image, about = picture(target)
    assert about["picture"]["pfn"] == [1024, 1535]
    shown = panels(three, Drawing(pfns=(1024, 1535)))
    for view in compose(shown).views:
        whole = view.panel.recording.of.grid(1)
        assert np.array_equal(shown_classes(image, view), whole[1024:1536])
        assert "zoom: pfn 1,024 to 1,535 of 0 to 6,143" in view.panel.notes
        assert view.panel.figure(1).endswith("whole machine")


def test_the_colours_of_2007_in_a_frame_of_720p(
    pagereel: Commands, three: list[Path], tmp_path: Path
) -> None:
    target = tmp_path / "still.png"
    options = ("--palette", "2007", "--size", "720p", "--layout", "boxes", "--frame", "3")
    assert pagereel("still", *three, *options, "-o", target).code == 0
    image, about = picture(target)
    assert image.shape == (720, 1280, 3)
    assert (about["picture"]["palette"], about["picture"]["size"]) == ("2007", "720p")
    scene = compose(panels(three, Drawing()), "boxes", palette="2007", size="720p")
    for view in scene.views:
        assert view.placement.tile_pages == 1024
        grid = view.panel.recording.grid(3)
        assert np.array_equal(shown_classes(image, view), grid)
        x, y = view.x_px + view.placement.x_px, view.y_px + view.placement.y_px
        unmovable = image[y, x][grid == UNMOVABLE]
        assert (unmovable == class_colours(["unmovable"], YEAR_2007)).all()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--palette", "sepia"], "standard, 2007"),
        (["--palette", "difference"], "no palette 'difference'"),
        (["--size", "800p"], "720p, 1080p"),
        (["--pfn", "7"], "FIRST-LAST"),
        (["--pfn", "900000-900001"], "there is no pfn 900000"),
        (["--difference", "--palette", "2007"], "colours of its own"),
    ],
)
def test_pictures_that_cannot_be(
    pagereel: Commands, three: list[Path], tmp_path: Path, options: list[str], word: str
) -> None:
    assert word in pagereel.refused("still", *three, "-o", tmp_path / "a.png", *options, code=2)
    assert not list(tmp_path.iterdir())


def test_a_video_with_captions(pagereel: Commands, three: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    done = pagereel("video", *three, "--captions", "-o", target)
    assert done.code == 0, done.err
    with decoded(target) as (size_px, frames):
        assert sum(1 for _ in frames) == 4
        assert size_px[1] >= 1440


def test_the_legend_has_the_classes_that_occur(tmp_path: Path) -> None:
    path = tmp_path / "a.reel"
    written(path, scattered(1))
    assert panels([path], Drawing())[0].classes_present == (
        "free", "movable", "unmovable", "reserved",
    )  # fmt: skip
    recording(path.with_name("b.reel"))
    assert len(panels([path.with_name("b.reel")], Drawing())[0].classes_present) == 9


def test_a_picture_holds_eight_against_a_ninth(three: list[Path]) -> None:
    scene = compose(panels(three[:1] * 9, Drawing(difference=True)), palette="difference")
    assert [view.panel.place for view in scene.views] == list(range(1, 9))


@pytest.mark.parametrize(("line", "word"), [('palette = "sepia"', "sepia"), ('size = "8k"', "8k")])
def test_a_run_tells_what_it_cannot_draw_before_it_begins(
    pagereel: Commands, tmp_path: Path, line: str, word: str
) -> None:
    (tmp_path / "run.toml").write_text(f'workloads = ["churn"]\n{line}\n')
    target = tmp_path / "run"
    assert word in pagereel.refused("run", tmp_path / "run.toml", "-o", target, code=2)
    assert not target.exists()


def test_a_run_draws_as_its_configuration_says(tmp_path: Path) -> None:
    config = RunConfig(palette="2007", size="720p", mechanisms=[{"name": "6.1-off"}])
    run = RunFolder(tmp_path, config, ())
    assert drawing_of(run).look == {"layout": "blocks", "palette": "2007", "size": "720p"}
    assert drawing_of(RunFolder(tmp_path, RunConfig(), ())).look["size"] is None
    assert difference.tasks(run) == []  # of one mechanism there is none
