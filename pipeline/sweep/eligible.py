"""Of how many pageblocks a count of them is: without that, counts of two sizes say little."""

from collections.abc import Sequence

from pipeline.measures import MEASURES
from pipeline.sweep.compare import Compared
from pipeline.sweep.config import Setting

MOST_TOLD = 6  # values of a parameter, with the total of each


def counts_blocks(figure: Compared) -> bool:
    """Whether it is a count of pageblocks, of which a total is known."""
    return MEASURES[figure.shown.measure].unit == "blocks" and bool(_totals(figure))


def _totals(figure: Compared) -> set[float]:
    return {total for total in figure.eligible.values() if total == total}  # without NaN


def common_total(figure: Compared) -> str:
    """In words, where all mechanisms and settings have as many; else ""."""
    totals = _totals(figure)
    if not counts_blocks(figure) or len(totals) > 1:
        return ""
    return f"of {number_text(totals.pop())} eligible pageblocks"


def mechanisms_agree(figure: Compared) -> bool:
    """Whether all mechanisms have as many in each setting: zones may cut pageblocks off."""
    of: dict[Setting, set[float]] = {}
    for (_, setting), total in figure.eligible.items():
        of.setdefault(setting, set()).add(total)
    return all(len(totals) == 1 for totals in of.values())


def total_at(figure: Compared, setting: Setting) -> str:
    """Of a setting: "63", or "60 to 63" where mechanisms differ; "-" where there is none."""
    totals = {
        figure.eligible[mechanism, setting]
        for mechanism in figure.mechanisms
        if (mechanism, setting) in figure.eligible
    } & _totals(figure)
    return (
        " to ".join(dict.fromkeys(map(number_text, (min(totals), max(totals))))) if totals else "-"
    )


def totals_note(figure: Compared, parameters: Sequence[str]) -> str:
    """A sentence where the totals differ: by the parameter that they go with, or from to."""
    if not counts_blocks(figure) or common_total(figure):
        return ""
    for place, name in enumerate(parameters):
        told: dict[str, set[str]] = {}
        for setting in figure.settings:
            told.setdefault(setting[place], set()).add(total_at(figure, setting))
        if len(told) <= MOST_TOLD and all(len(of) == 1 for of in told.values()):
            values = (f"{of.pop()} with {name}={value}" for value, of in told.items())
            apart = "" if mechanisms_agree(figure) else " Mechanisms differ; the data has shares."
            return f"Eligible pageblocks: {', '.join(values)}.{apart}"
    low, high = (number_text(end(_totals(figure))) for end in (min, max))
    return f"Of {low} to {high} eligible pageblocks; the data has each, and shares."


def number_text(value: float) -> str:
    """A number of pageblocks; a mean over seeds may have decimals."""
    return f"{value:,.1f}".removesuffix(".0")
