"""What a report shows, as it is handed to the renderer: nothing here is computed any more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from renderer.panel import Panel


@dataclass(frozen=True)
class Curves:
    """A metric: its values f8[frames] for each panel, NaN where there is none.

    `better`: "lower", "higher" or "-"; `unit` "1" is a share.
    """

    name: str
    title: str
    unit: str
    better: str
    values: Sequence[np.ndarray]


@dataclass(frozen=True)
class Figure:
    """A figure of the summary: the mean over `seeds`, NaN where there is none.

    `half_width`: of its 95 % interval; NaN for one seed, which has none.
    """

    mean: float
    half_width: float
    seeds: int


@dataclass(frozen=True)
class Sample:
    """A phase and the frame at which its figures are taken."""

    name: str
    title: str
    frame: int


@dataclass(frozen=True)
class Finding:
    """Something worth pointing at. `panel` None: it is about all.

    `pfns`: ranges, first and last page, where it is about several; `more`: its figures.
    """

    panel: int | None
    rule: str
    sentence: str
    first_frame: int
    last_frame: int
    first_pfn: int
    last_pfn: int
    pfns: tuple[tuple[int, int], ...] = ()
    more: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Failure:
    """A failed request of a panel and what stood in the way, in the block that came nearest.

    `pages`: what of them was kept: (pfn, class, cause).
    """

    panel: int
    op: int
    order: int
    start_pfn: int
    pages: Sequence[tuple[int, str, str]]


@dataclass(frozen=True)
class Lasting:
    """How long pageblocks of a panel stay polluted, as named texts; and which of them were most.

    `blocks`: (pageblock, text, first polluted frame).
    """

    panel: int
    texts: Mapping[str, str]
    blocks: Sequence[tuple[int, str, int]]


@dataclass(frozen=True)
class Making:
    """How the report came about. `tables`: for each heading, names and texts."""

    command: str
    config: str
    tables: Mapping[str, Mapping[str, str]]
    limits: Sequence[str]


@dataclass(frozen=True)
class Report:
    """All of it. `summary[metric, phase, panel]`; what is empty is left out of the page.

    `cannot_move`: names of the page classes that spoil a pageblock. `metric`, `layout`: those that
    are shown first. `metadata`: what the recordings are, for programs.
    """

    title: str
    panels: Sequence[Panel]
    curves: Sequence[Curves]
    samples: Sequence[Sample]
    summary: Mapping[tuple[str, str, int], Figure]
    cannot_move: frozenset[str]
    making: Making
    metric: str = ""
    layout: str = "blocks"
    fps: int = 20
    metadata: Mapping[str, object] = field(default_factory=dict)
    findings: Sequence[Finding] = field(default_factory=tuple)
    failures: Sequence[Failure] = field(default_factory=tuple)
    lasting: Sequence[Lasting] = field(default_factory=tuple)
