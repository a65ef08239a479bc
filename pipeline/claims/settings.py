"""What is run for the claims: a workload on a machine, and the choices no source decides."""

from dataclasses import dataclass, replace

from pipeline.claims.measures import measured
from pipeline.samples import Figures
from workloads import load_workload

MEMORY_MIB = 1024.0  # about that of bl6-13, where the cleanest pair of 2007 comes from
MIN_FREE_SHARE = 1 / 64  # of memory: on 1 GiB the 16384 kB that the patches of March 2007 ask for
VANILLA, LIST, ZONE, BOTH = "2007-vanilla", "2007-list", "2007-zone", "2007-both"
OF_2007 = (VANILLA, LIST, ZONE, BOTH)
LATER = "6.1-list"
Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Setting:
    """A workload with its parameters, and entries set in every mechanism's table, of which the
    script of stress-highalloc sets the swappiness.

    `memory_share`: of the memory that was asked for; `min_free_share`: of that, None for what the
    kernel itself chooses.
    """

    title: str
    workload: str = "stress-highalloc"
    memory_share: float = 1.0
    parameters: Parameters = ()
    min_free_share: float | None = MIN_FREE_SHARE
    mechanism_parameters: Parameters = (("reclaim.swappiness", "100"),)

    def memory_mib(self, asked_mib: float) -> float:
        """Of its machine."""
        return asked_mib * self.memory_share

    def entries(self, asked_mib: float) -> dict[str, str]:
        """What is set in the mechanisms' tables."""
        entries = dict(self.mechanism_parameters)
        if self.min_free_share is not None:
            kbytes = self.memory_mib(asked_mib) * 1024 * self.min_free_share
            entries["min_free_kbytes"] = f"{kbytes:.0f}"
        return entries

    def with_(self, title: str, **entries: str) -> "Setting":
        """The same with other entries in the mechanisms' tables; `__` stands for a dot."""
        added = tuple((name.replace("__", "."), value) for name, value in entries.items())
        title = title if self == BASE else f"{self.title}, {title}"
        return replace(self, title=title, mechanism_parameters=(*self.mechanism_parameters, *added))


BASE = Setting("default")


def with_lumpy(setting: Setting) -> Setting:
    """The same with reclaim for contiguity."""
    return setting.with_("lumpy reclaim", reclaim__lumpy="true")


LUMPY = with_lumpy(BASE)
BLIND = BASE.with_("order-blind kswapd", reclaim__kswapd="order-blind")
FEW_OPEN = replace(
    BASE, title="a tenth of the open files", parameters=(("open_files_per_gib", "100"),)
)
MANY_OPEN = replace(
    BASE, title="4.5 times the open files", parameters=(("open_files_per_gib", "4500"),)
)
ORDER_10 = replace(BASE, title="order 10", parameters=(("order", "10"),))
UNADJUSTED = replace(BASE, title="the kernel's own min_free_kbytes", min_free_share=None)
HALF = replace(BASE, title="half the memory", memory_share=0.5)
# The choices that a prototype found to decide most; those that no source tells.
CHOICES = (LUMPY, BLIND, FEW_OPEN, MANY_OPEN, ORDER_10, HALF)
REALLOC = Setting("realloc-10", "realloc-10", 0.25, min_free_share=None)
I386 = replace(
    BASE,
    title="i386, order 10",
    memory_share=1.5,
    parameters=(("architecture", "i386"), ("order", "10")),
)
# Of November 2005: an eighth of memory is kept free.
EIGHTH_FREE = replace(I386, title="an eighth kept free", min_free_share=1 / 8)
TWICE = replace(BASE, title="twice without a boot", memory_share=0.5, parameters=(("rounds", "2"),))
OWN_MIN_FREE = replace(BASE, title="half the memory, 6.1", memory_share=0.5, min_free_share=None)
UNCLAIMED = OWN_MIN_FREE.with_("blocks never claimed", grouping__claims="false")
LARGEST = OWN_MIN_FREE.with_("largest foreign block", grouping__smallest="false")
UNBOOSTED = OWN_MIN_FREE.with_("no boost", watermarks__boost="false")
UNCOMPACTED = OWN_MIN_FREE.with_("no compaction", compaction__rule="none")


@dataclass(frozen=True)
class Run:
    """One setting under some mechanisms, which all get the same stream."""

    setting: Setting
    mechanisms: tuple[str, ...]

    def figures(self, memory_mib: float, seed: int) -> dict[str, Figures]:
        """Figures by mechanism. Raises WorkloadError, MechanismError, OSError."""
        setting = self.setting
        parameters = dict(setting.parameters) | {
            "memory_mib": f"{setting.memory_mib(memory_mib):g}"
        }
        stream = load_workload(setting.workload, parameters, seed)
        return {
            name: measured(stream, name, setting.entries(memory_mib)) for name in self.mechanisms
        }
