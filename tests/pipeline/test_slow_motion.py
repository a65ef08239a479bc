"""Slow motion: every operation around a moment has its frame; captions stand where they belong."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocator.mechanism import load_mechanism
from pipeline.again import CannotRepeat, stream_of
from pipeline.artefacts.panels import Drawing
from pipeline.explain.moments import Moment
from pipeline.explain.slow_motion import (
    EACH_OP_S,
    MOMENT_S,
    OPS_AROUND,
    annotations,
    sequence,
    stops_of,
    write_slow_motion,
)
from pipeline.explain.text import chosen
from pipeline.recording import Recording, RecordingWriter
from pipeline.simulate import simulate
from renderer.ffmpeg import decoded, read_comment
from workloads import load_workload

FPS = 20


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=50, unique=True).map(sorted),
    st.lists(st.integers(0, 4999), min_size=1, max_size=6, unique=True).map(sorted),
)
def test_frames_around_moments(recorded, ops):
    recorded = np.array([0, *recorded[:-1], 5000]) if recorded[0] else np.array([*recorded, 5001])
    stops = stops_of(recorded, ops)
    assert (np.diff(stops) > 0).all()
    assert stops[0] == 0
    assert stops[-1] == recorded[-1]
    shown = sequence(stops, ops, FPS)
    assert np.unique(shown).tolist() == list(range(len(stops)))
    assert (np.diff(shown) >= 0).all()
    moments = [Moment(op, "claim", "it is claimed") for op in ops]
    said = annotations(stops[shown], moments)
    for op, annotation in zip(ops, said, strict=True):
        for near in range(max(op + 1 - OPS_AROUND, 0), min(op + 1 + OPS_AROUND, recorded[-1]) + 1):
            assert near in stops
        assert stops[shown[annotation.first_frame]] == op + 1
        assert annotation.first_frame <= annotation.last_frame < len(shown)
        assert stops[shown[annotation.last_frame]] <= op + 1 + OPS_AROUND
        assert (shown == shown[annotation.first_frame]).sum() >= round(MOMENT_S * FPS)
    assert all(a.last_frame < b.first_frame for a, b in pairwise(said))
    assert (np.bincount(shown) >= 1).all()
    assert (np.bincount(shown) > 1).sum() <= len(ops) * (2 * OPS_AROUND + 1)
    assert round(EACH_OP_S * FPS) == 3


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    parameters = {"memory_mib": "16", "requests": "6000", "long_lived_share": "0.6"}
    stream = load_workload("churn", parameters, seed=5)
    path = tmp_path_factory.mktemp("slow") / "a.reel"
    simulate(stream, load_mechanism("6.1-list"), path, frames=20)
    return Recording.open(path)


def test_video(recording, tmp_path):
    moments = chosen(recording, (), (), 2)
    target = tmp_path / "slow.mp4"
    write_slow_motion(recording.path, moments, target, Drawing(size="720p"), None,
                      progress=lambda done, of: None)  # fmt: skip
    stops = stops_of(recording.ops, [moment.op for moment in moments])
    shown = sequence(stops, [moment.op for moment in moments], FPS)
    with decoded(target) as (size_px, frames):
        assert size_px == (1280, 720)
        assert sum(1 for _ in frames) == len(shown)
    comment = read_comment(target)
    assert comment["explained_ops"] == [moment.op for moment in moments]
    assert json.dumps(comment).count("/tmp") == 0


def test_command(recording, tmp_path, pagereel):
    said = pagereel("explain", recording.path, "--most", "3")
    assert said.code == 0
    assert said.out.count("op ") == 3
    assert all(len(line) <= 72 for line in said.out.splitlines())
    assert "operation 999" in pagereel.refused("explain", recording.path, "--at", "999", code=2)
    refused = pagereel.refused("explain", recording.path, "-o", tmp_path / "x.gif", code=2)
    assert "must end in .mp4" in refused
    refused = pagereel.refused("explain", recording.path, "--kind", "steal", code=2)
    assert "there are fallback, claim, failure" in refused
    assert list(tmp_path.iterdir()) == []


def changed(recording, folder, **changes):
    with RecordingWriter(folder / "b.reel", recording.header | changes):
        pass
    return Recording.open(folder / "b.reel")


def test_what_cannot_be_made_again(recording, tmp_path):
    assert len(stream_of(recording).ops) == recording.ops[-1]
    for changes, why in (
        ({"source": {"kind": "kernel", "text": ""}}, "not a simulation"),
        ({"pagereel": "0.0.1"}, "made by pagereel 0.0.1"),
        ({"workload": recording.header["workload"] | {"name": "elsewhere"}}, "isn't at hand"),
    ):
        with pytest.raises(CannotRepeat, match=why):
            stream_of(changed(recording, tmp_path, **changes))
    other = recording.header["workload"] | {"digest": "0"}
    with pytest.raises(ValueError, match="isn't the one that was recorded"):
        stream_of(changed(recording, tmp_path, workload=other))
