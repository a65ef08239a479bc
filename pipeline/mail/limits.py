"""What a mail must say that its figures don't."""

from pipeline.comparison.runs import Load

ALWAYS = (
    "A simulation of the page allocator, not a kernel. One CPU, one node.",
    "Counts of stalls, scans and moves are costs, but they are not seconds.",
    "At rest is the fragmentation figure. What is got under load says more of reclaim.",
    "The total of extfrag events is no measure of harm; unmovable placed with movable is.",
    "A request that fails is gone: no OOM killer frees memory, and no caller tries again.",
    "One load on one machine: a mechanism that does well here may do badly elsewhere.",
)
RECORDED = (
    "The requests were recorded from a real kernel and are replayed open-loop: under another "
    "mechanism that kernel would have reclaimed and compacted at other times, and requests would "
    "have come otherwise.",
    "All its frees are in the stream, so that no mechanism reclaims anything.",
    "Huge pages were asked for as often as on that kernel. So a mechanism that could give more of "
    "them cannot show all of it: neither in memory got as huge pages nor in failures.",
    "A seed perturbs the state at the start. So the spread is the noise of one replay, less than "
    "that of several boots: those of one real kernel differ by up to six points of mixed "
    "pageblocks at rest.",
)
SYNTHETIC = (
    "The load is synthetic, a seed draws another one. No synthetic load is known to age memory "
    "as real use does.",
)


def limits(loads: list[Load]) -> tuple[str, ...]:
    """In sentences, those that hold for these loads."""
    recorded = [bool(load.about.get("recorded_mechanism")) for load in loads]
    return (
        *ALWAYS,
        *(RECORDED if any(recorded) else ()),
        *(SYNTHETIC if not all(recorded) else ()),
    )
