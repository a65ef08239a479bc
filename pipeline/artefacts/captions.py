"""Captions of a video: what the findings say, where and when, each long enough to be read."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.findings import RULES, findings_of
from pipeline.findings.finding import Finding
from pipeline.recording import Recording
from pipeline.views.view import View
from renderer.annotations import LINES, Annotation
from renderer.panel import Panel

READ_S, CHARACTERS_A_S = 2.0, 40  # to see that there is a caption, and to read it
LATE_S = 1.5  # how much later than what it tells of a caption may come
MARKED_PAGES = 4096  # more are no place that an outline could point at
# They tell of their whole range, so their captions wait for its end.
OF_THE_END = ("scatter", "reserve", "zone_movable", "solid", "sparse_reclaimable", "lone_page",
              "converted", "half_fit")  # fmt: skip
END_S = 15  # within so many seconds of it


def annotations(shown: Sequence[Panel], fps: float) -> tuple[Annotation, ...]:
    """What the findings say of the panels' recordings, as captions. Raises RecordingError.

    At most LINES stand at one time. Where more is found than can be read, the first finding of each
    rule goes before the second.
    """
    recordings = [_recorded(panel.recording) for panel in shown]
    wanted: list[tuple[Annotation, bool]] = []
    for finding in by_weight(findings_of(recordings)):
        if _is_shown(finding, shown[finding.place].recording):
            wanted.append(timed(annotation_of(finding), finding, fps))
    return scheduled(wanted, len(recordings[0]), fps)


def timed(annotation: Annotation, finding: Finding, fps: float) -> tuple[Annotation, bool]:
    """A caption in the frames in which it may stand, and whether at any time of them."""
    if finding.rule in OF_THE_END:
        first = max(finding.first_frame, finding.last_frame - round(fps * END_S))
        return replace(annotation, first_frame=first), True
    return annotation, finding.first_frame == 0


def scheduled(
    wanted: Iterable[tuple[Annotation, bool]], frames: int, fps: float
) -> tuple[Annotation, ...]:
    """Captions with the frames in which they are shown, in order; the first ones wanted win.

    Each comes with the flag whether it may be told at any time of its range; those fill what the
    others leave, which come at their begin, or little later.
    """
    taken = [0] * frames
    kept = []
    for annotation, at_any_time in sorted(wanted, key=lambda pair: pair[1]):
        need = round(fps * (READ_S + len(annotation.text) / CHARACTERS_A_S))
        first = annotation.first_frame
        last = annotation.last_frame if at_any_time else first + round(fps * LATE_S)
        for start in range(first, min(last, frames - 1) + 1):
            end = min(start + need, frames)
            if all(count < LINES for count in taken[start:end]) and (
                end - start == need or start == first
            ):
                taken[start:end] = [count + 1 for count in taken[start:end]]
                kept.append(replace(annotation, first_frame=start, last_frame=end - 1))
                break
    return tuple(sorted(kept, key=lambda annotation: annotation.first_frame))


def by_weight(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in the order in which they are worth a caption; what is said twice only once."""
    order = {rule: number for number, rule in enumerate(("rest_difference", *RULES))}
    findings = sorted(findings, key=lambda finding: order.get(finding.rule, len(order)))
    seen: Counter[str] = Counter()
    said: set[tuple[int, str]] = set()
    weighed = []
    for finding in findings:
        if (finding.first_frame, finding.sentence) in said:
            continue
        said.add((finding.first_frame, finding.sentence))
        weighed.append((seen[finding.rule], finding))
        seen[finding.rule] += 1
    return [finding for _, finding in sorted(weighed, key=lambda pair: pair[0])]


def annotation_of(finding: Finding) -> Annotation:
    """A finding as a caption, with its pages marked unless they are too many."""
    pages = sum(last - first + 1 for first, last in finding.pfns)
    return Annotation(
        finding.first_frame,
        finding.last_frame,
        finding.place,
        finding.sentence,
        finding.pfns if pages <= MARKED_PAGES else (),
    )


def _recorded(recording: Recording | View) -> Recording:
    while isinstance(recording, View):
        recording = recording.of
    return recording


def _is_shown(finding: Finding, recording: Recording | View) -> bool:
    """Whether the pages that a finding tells of are in the picture."""
    geometry = recording.header["geometry"]
    start = geometry.get("first_pfn", 0)
    end = start + geometry["pages"]
    return any(first < end and last >= start for first, last in finding.pfns)
