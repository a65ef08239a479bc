"""Captions: findings that can be read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.artefacts.captions import (
    CHARACTERS_A_S,
    LATE_S,
    MARKED_PAGES,
    READ_S,
    annotation_of,
    annotations,
    by_weight,
    scheduled,
)
from pipeline.artefacts.panels import Drawing, panels
from pipeline.findings.finding import Finding
from renderer.annotations import LINES, Annotation
from tests.pipeline.histories import PAGES, M, R, recorded

FRAMES, FPS = 300, 20


@st.composite
def wanted(draw: st.DrawFn) -> tuple[Annotation, bool]:
    first = draw(st.integers(0, FRAMES - 1))
    last = draw(st.integers(first, FRAMES - 1))
    return Annotation(first, last, None, "x" * draw(st.integers(1, 160))), draw(st.booleans())


@given(st.lists(wanted(), max_size=12))
def test_captions_can_be_read(asked: list[tuple[Annotation, bool]]) -> None:
    kept = scheduled(asked, FRAMES, FPS)
    shown = np.zeros(FRAMES, int)
    for caption in kept:
        shown[caption.first_frame : caption.last_frame + 1] += 1
        need = round(FPS * (READ_S + len(caption.text) / CHARACTERS_A_S))
        assert caption.last_frame - caption.first_frame + 1 == need or (
            caption.last_frame == FRAMES - 1
        )
        assert any(
            caption.text == one.text
            and one.first_frame <= caption.first_frame
            and (at_any_time or caption.first_frame - one.first_frame <= FPS * LATE_S)
            for one, at_any_time in asked
        )
    assert shown.max(initial=0) <= LINES
    assert list(kept) == sorted(kept, key=lambda caption: caption.first_frame)
    assert bool(kept) == bool(asked)


def finding(rule: str, mechanism: str, frame: int, sentence: str) -> Finding:
    return Finding(rule, mechanism, "churn", 0, frame, frame, 0, 1, sentence)


def test_each_rule_is_heard_before_one_is_heard_twice() -> None:
    found = [
        finding("huge_attempts", "a", 1, "1 of 4"),
        finding("huge_attempts", "b", 1, "2 of 4"),
        finding("half_fit", "a", 5, "half"),
        finding("half_fit", "b", 7, "half, later"),
    ]
    told = [(one.rule, one.mechanism) for one in by_weight(found)]
    assert told == [("half_fit", "a"), ("huge_attempts", "a"), ("half_fit", "b"),
                    ("huge_attempts", "b")]  # fmt: skip


def test_what_is_said_twice_is_told_once() -> None:
    found = [finding("huge_attempts", name, 1, "all are met") for name in "abcd"]
    assert [one.mechanism for one in by_weight(found)] == ["a"]


CLEAN, SPOILT = [["M"] * 4] * 3, [["M"] * 4, *[["M", "M", "U", "M"]] * 2]


def test_a_caption_stands_in_the_panel_of_its_recording(tmp_path: Path) -> None:
    """Of one mechanism with other parameters; in a difference the first has no panel.

    At 0.1 frames a second each caption has room in a few frames.
    """
    paths = [
        recorded(
            tmp_path / f"{share}.reel", frames, name="zone", parameters={"kernelcore": share}
        ).path
        for share, frames in (("30%", CLEAN), ("70%", SPOILT))
    ]
    whole = panels(paths, Drawing())
    assert [panel.name for panel in whole] == ["zone, kernelcore=30%", "zone, kernelcore=70%"]
    (caption,) = [a for a in annotations(whole, 0.1) if "A single" in a.text]
    assert (caption.panel, caption.pfns) == (1, ((2 * PAGES, 2 * PAGES),))
    (caption,) = [a for a in annotations(whole[::-1], 0.1) if "A single" in a.text]
    assert caption.panel == 0


def test_only_pages_that_are_meant_are_marked(tmp_path: Path) -> None:
    """Pageblocks 0 and 3 end as another type; a view of 1 and 2 has nothing to show of that."""
    types = [[M] * 4, [R, M, M, R], [R, M, M, R]]
    path = recorded(tmp_path / "a.reel", CLEAN, types=types).path

    def marked(**drawn: tuple[int, int]) -> list[tuple]:
        told = annotations(panels([path], Drawing(**drawn)), FPS)
        return [caption.pfns for caption in told if "end as another type" in caption.text]

    ranges = ((0, PAGES - 1), (3 * PAGES, 4 * PAGES - 1))
    assert marked() == [ranges]
    assert marked(pfns=(3 * PAGES, 4 * PAGES - 1)) == [ranges]
    assert not marked(pfns=(PAGES, 3 * PAGES - 1))


def test_far_apart_pages_are_marked_and_too_many_are_not() -> None:
    far = replace(
        finding("in_the_way", "a", 1, "two"), first_pfn=0, last_pfn=9 * MARKED_PAGES,
        pfns=((0, 0), (9 * MARKED_PAGES, 9 * MARKED_PAGES)),
    )  # fmt: skip
    assert annotation_of(far).pfns == far.pfns
    many = replace(far, first_pfn=0, last_pfn=MARKED_PAGES, pfns=((0, MARKED_PAGES),))
    assert not annotation_of(many).pfns
