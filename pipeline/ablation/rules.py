"""The rules that can be switched off. A new one is a line in RULES."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from allocator.mechanism import Mechanism, load_mechanism
from pipeline.config import UsageError, check_names
from pipeline.samples import BARE

Parameters = dict[str, str]


def _any(mechanism: Mechanism) -> bool:
    return True


def _groups(mechanism: Mechanism) -> bool:
    return mechanism.grouping.rule != "none" and mechanism.grouping.enabled


def _claims(mechanism: Mechanism) -> bool:
    return _groups(mechanism) and mechanism.grouping.rule == "claim"


def _reclaims(mechanism: Mechanism) -> bool:
    return mechanism.reclaim.rule != "none"


def _compacts(mechanism: Mechanism) -> bool:
    return mechanism.compaction.rule != "none"


def _compacts_proactively(mechanism: Mechanism) -> bool:
    return _compacts(mechanism) and mechanism.compaction.proactiveness > 0


@dataclass(frozen=True)
class Rule:
    """What is switched off by the parameters `off`; `applies`: to which mechanisms.

    `or_else`: taken instead where `off` changes nothing, for a rule that is turned round. `title`:
    at most 19 characters, so that seven phases stand beside it in 72 columns. `of_reclaim`: it
    changes nothing in a stream whose reclaim isn't simulated.
    """

    title: str
    off: Parameters
    applies: Callable[[Mechanism], bool] = _any
    or_else: Parameters = field(default_factory=dict)
    of_reclaim: bool = False


RULES = {
    "per_cpu": Rule("per-CPU lists off", {"per_cpu.rule": "none"}),
    "watermarks": Rule("watermarks off", {"min_free_kbytes": "1"}),
    "tail_insertion": Rule("tail insertion off", {"free_lists.tail_insertion": "false"}),
    "boot_order": Rule(
        "boot order reversed",
        {"free_lists.boot_order": "highest-first"},
        or_else={"free_lists.boot_order": "lowest-first"},
    ),
    "high_atomic": Rule("high-atomic off", {"high_atomic.rule": "none"}),
    "nofragment": Rule(
        "NOFRAGMENT toggled",
        {"grouping.nofragment": "false"},
        _claims,
        or_else={"grouping.nofragment": "true"},
    ),
    "grouping": Rule("grouping off", {"grouping.enabled": "false"}, _groups),
    "claims": Rule("claims off", {"grouping.claims": "false"}, _groups),
    "smallest": Rule("largest block taken", {"grouping.smallest": "false"}, _claims),
    "compaction": Rule("compaction off", {"compaction.rule": "none"}, _compacts),
    "proactiveness": Rule(
        "proactiveness 0", {"compaction.proactiveness": "0"}, _compacts_proactively
    ),
    "boost": Rule("boost off", {"watermarks.boost": "false"}, of_reclaim=True),
    "lumpy": Rule(
        "lumpy toggled",
        {"reclaim.lumpy": "false"},
        _reclaims,
        or_else={"reclaim.lumpy": "true"},
        of_reclaim=True,
    ),
    "kswapd": Rule(
        "kswapd order-blind", {"reclaim.kswapd": "order-blind"}, _reclaims, of_reclaim=True
    ),
    "reclaim": Rule("reclaim off", {"reclaim.rule": "none"}, of_reclaim=True),
    "bare": Rule("all off: bare buddy", BARE),
}


class Ablated(NamedTuple):
    """A rule of one mechanism, with the parameters that switch it off there."""

    name: str
    title: str
    parameters: Parameters

    @property
    def text(self) -> str:
        """The parameters as one types them."""
        return " ".join(f"{key}={value}" for key, value in self.parameters.items())


def planned(
    mechanism: str, names: Sequence[str], reclaim: bool = False
) -> tuple[list[Ablated], list[str]]:
    """The rules to switch off, in RULES' order; titles of those that change nothing there.

    `names`: only these; none: all. `reclaim`: whether the stream leaves it to us. Raises UsageError
    for a name that isn't in RULES, and where no rule is left; MechanismError.
    """
    check_names("rule", names, RULES)
    ablated, left_out = [], []
    for name, rule in RULES.items():
        if names and name not in names:
            continue
        parameters = _parameters(rule, mechanism) if reclaim or not rule.of_reclaim else {}
        if parameters:
            ablated.append(Ablated(name, rule.title, parameters))
        else:
            left_out.append(rule.title)
    if not ablated:
        raise UsageError(f"{mechanism}: nothing to switch off: {', '.join(left_out)} is so already")
    return ablated, left_out


def _parameters(rule: Rule, mechanism: str) -> Parameters:
    """What switches the rule off; empty where the mechanism doesn't have it."""
    as_it_is = load_mechanism(mechanism)
    if rule.applies(as_it_is):
        for parameters in filter(None, (rule.off, rule.or_else)):
            changed = load_mechanism(mechanism, parameters)
            if changed.model_copy(update={"parameters": as_it_is.parameters}) != as_it_is:
                return parameters
    return {}
