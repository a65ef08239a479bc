"""Captions: findings that can be read."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.artefacts.captions import CHARACTERS_A_S, LATE_S, READ_S, by_weight, scheduled
from pipeline.findings.finding import Finding
from renderer.annotations import LINES, Annotation

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
