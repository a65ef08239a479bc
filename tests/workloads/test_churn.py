"""The synthetic churn: the same for the same seed, as asked for, and never a stream that fails."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocator.mechanism import load_mechanism
from allocator.terms import ALLOC, ATOMIC, FREE_OP, RESERVED
from allocator.validate import validate
from pipeline.start import start_memory
from workloads import WORKLOADS, load_workload
from workloads.checks import check_stream
from workloads.churn import RANGES, load, parse
from workloads.stream import Stream, WorkloadError


def small(seed: int = 0, **parameters: str) -> Stream:
    return load({"memory_mib": "16", "requests": "20000"} | parameters, seed)


def columns(stream: Stream) -> list:
    return [column.tolist() for column in vars(stream.ops).values()]


def test_it_is_listed():
    assert "churn" in WORKLOADS
    assert load_workload("churn", {"requests": "100"}).name == "churn"


def test_unknown_workload():
    with pytest.raises(WorkloadError, match="unknown workload 'nothing'; there are debian"):
        load_workload("nothing")


def test_same_seed_same_stream():
    assert columns(small(seed=3)) == columns(small(seed=3))
    assert small(seed=3).digest() == small(seed=3).digest()


def test_another_seed_another_stream():
    assert columns(small(seed=3)) != columns(small(seed=4))


def test_shares():
    stream = small(
        unmovable_share="0.3", reclaimable_share="0.2", high_order_share="0.1", atomic_share="0.25"
    )
    alloc = stream.ops.kind == ALLOC
    mobility = np.bincount(stream.ops.mobility[alloc], minlength=3) / 20_000
    assert mobility == pytest.approx([0.3, 0.5, 0.2], abs=0.02)
    assert (stream.ops.order[alloc] > 0).mean() == pytest.approx(0.1, abs=0.01)
    assert stream.ops.order.max() == 3
    assert (stream.ops.flags[alloc] == ATOMIC).mean() == pytest.approx(0.25, abs=0.02)
    assert not stream.ops.flags[~alloc].any()
    assert (stream.machine.unusable == RESERVED).mean() == pytest.approx(0.02, abs=0.001)


@pytest.mark.parametrize("used_share", ["0.2", "0.5", "0.85"])
def test_used_share_of_memory(used_share):
    """Pages in use, averaged over the churn once it has settled."""
    stream = small(used_share=used_share, requests="60000", long_lived_share="0")
    pages = np.left_shift(1, stream.ops.order.astype(np.int64))
    in_use = np.cumsum(np.where(stream.ops.kind == ALLOC, pages, -pages))
    churn = stream.phases[1]
    settled = in_use[(churn.start_op + churn.sample_op) // 2 : churn.sample_op]
    usable = int((stream.machine.unusable == 0).sum())
    assert settled.mean() / usable == pytest.approx(float(used_share), rel=0.1)


def test_ids():
    """Allocated once, in order; freed once at most, after it, whole."""
    ops = small().ops
    assert ops.id[ops.kind == ALLOC].tolist() == list(range(20_000))
    born = np.flatnonzero(ops.kind == ALLOC)
    freed = np.flatnonzero(ops.kind == FREE_OP)
    assert len(np.unique(ops.id[freed])) == len(freed)
    assert (freed > born[ops.id[freed]]).all()
    assert (ops.order[freed] == ops.order[born[ops.id[freed]]]).all()
    assert not ops.offset.any()


def test_the_long_lived_are_never_freed():
    ops = small(long_lived_share="0.1").ops
    freed = int((ops.kind == FREE_OP).sum())
    assert freed / 20_000 == pytest.approx(0.9, abs=0.01)


def test_phases():
    stream = small()
    assert [phase.name for phase in stream.phases] == ["fill", "churn", "rest"]
    fill, churn, rest = stream.phases
    assert fill.sample_op == churn.start_op
    assert churn.sample_op == rest.start_op
    assert rest.sample_op == len(stream.ops)
    assert set(stream.ops.kind[rest.start_op :]) == {FREE_OP}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("memory", "64", "unknown parameter 'memory'; there are memory_mib"),
        ("requests", "many", "requests=many: not a number"),
        ("requests", "1.5", "requests=1.5: not a number"),
        ("requests", "0", "requests=0: not from 1 to 100000000"),
        ("requests", "-5", "requests=-5: not from"),
        ("requests", "9" * 30, "not from 1 to 100000000"),
        ("requests", "9" * 5000, "not a number"),
        ("memory_mib", "0.5", "memory_mib=0.5: not from 1 to 1048576"),
        ("memory_mib", "nan", "memory_mib=nan: not from"),
        ("memory_mib", "inf", "memory_mib=inf: not from"),
        ("used_share", "1.01", "used_share=1.01: not from 0 to 1"),
        ("used_share", "-0.1", "used_share=-0.1: not from 0 to 1"),
        ("atomic_share", "nan", "atomic_share=nan: not from 0 to 1"),
        ("lifetime_spread", "0.9", "lifetime_spread=0.9: not from 1 to"),
        ("lifetime_spread", "inf", "lifetime_spread=inf: not from 1 to"),
        ("requests_per_second", "0", "requests_per_second=0.0: not from"),
        ("requests_per_second", "1e-5", "requests_per_second=1e-05: takes more than 100 days"),
        ("unmovable_share", "0.95", "add up to more than 1"),
    ],
)
def test_parameters_out_of_range(name, value, message):
    with pytest.raises(WorkloadError) as caught:
        load({name: value}, 0)
    assert str(caught.value).startswith("churn: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_negative_seed():
    with pytest.raises(WorkloadError, match="seed -1 is negative"):
        load({"requests": "10"}, -1)


def test_every_parameter_has_its_range():
    assert set(vars(parse({}))) == set(RANGES)


@settings(
    derandomize=True, deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    seed=st.integers(0, 2**40),
    memory_mib=st.floats(1, 24),
    requests=st.integers(1, 1500),
    used_share=st.floats(0, 1),
    unmovable_share=st.floats(0, 0.5),
    reclaimable_share=st.floats(0, 0.5),
    high_order_share=st.floats(0, 1),
    atomic_share=st.floats(0, 1),
    lifetime_spread=st.floats(1, 1e6),
    long_lived_share=st.floats(0, 1),
    reserved_share=st.floats(0, 1),
    requests_per_second=st.floats(1, 1e12),
)
def test_whatever_is_asked_for_runs(seed, **parameters):
    stream = load({name: repr(value) for name, value in parameters.items()}, seed)
    check_stream(stream, "churn")
    for name in ("2007-both", "6.1-both"):
        memory, pfn_of, _ = start_memory(stream, load_mechanism(name))
        memory.run(*stream.ops.window(0, len(stream.ops)), pfn_of)
        validate(memory)
