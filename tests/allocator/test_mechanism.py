"""Mechanisms as tables: the built-in ones, one's own, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from allocator.mechanism import BUILT_IN, MechanismError, load_mechanism, mechanism_names
from allocator.mechanism_table import Mechanism, TypeName
from allocator.terms import MIGRATETYPES, MOVABLE, RECLAIMABLE, UNMOVABLE
from allocator.zones import Machine, build_zones

NAMES = [
    "2007-vanilla", "2007-list", "2007-zone", "2007-both",
    "6.1-off", "6.1-list", "6.1-zone", "6.1-both",
]  # fmt: skip


def test_the_built_in_mechanisms_in_order() -> None:
    assert mechanism_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_names_its_source_and_its_file(name: str) -> None:
    mechanism = load_mechanism(name)
    assert mechanism.name == name
    assert "2.6.20" in mechanism.source or "6.1" in mechanism.source
    assert bool(mechanism.zones.kernelcore) == name.endswith(("zone", "both"))
    grouped = mechanism.grouping.rule != "none" and mechanism.grouping.enabled
    assert grouped == name.endswith(("list", "both"))


def test_a_new_file_is_a_new_mechanism(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in BUILT_IN.glob("*.toml"):
        (tmp_path / path.name).write_text(path.read_text())
    for name in ("6.1-mine", "7.2-off", "mine", "2006-list-head"):
        (tmp_path / f"{name}.toml").write_text((BUILT_IN / "6.1-list.toml").read_text())
    monkeypatch.setattr("allocator.mechanism.BUILT_IN", tmp_path)
    names = mechanism_names()
    assert sorted(names) == sorted(path.stem for path in tmp_path.glob("*.toml"))
    assert names.index("2006-list-head") < names.index("2007-vanilla")
    assert names.index("6.1-both") < names.index("6.1-mine") < names.index("7.2-off")
    assert load_mechanism("6.1-mine").grouping.enabled


def test_parameters_override_entries() -> None:
    mechanism = load_mechanism(
        "6.1-zone", {"kernelcore": "30%", "min_free_kbytes": "4096", "per_cpu.rule": "none"}
    )
    assert mechanism.zones.kernelcore == "30%"
    assert mechanism.watermarks.min_free_kbytes == 4096
    assert mechanism.per_cpu.rule == "none"


def test_one_s_own_mechanism_is_a_file(tmp_path: Path) -> None:
    text = (BUILT_IN / "6.1-list.toml").read_text().replace("6.1-list", "mine")
    (tmp_path / "mine.toml").write_text(text)
    assert load_mechanism(str(tmp_path / "mine.toml")).name == "mine"


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("6.1-lst", {}, ["unknown mechanism '6.1-lst'", "6.1-list"]),
        ("gone.toml", {}, ["gone.toml", "no such file"]),
        ("../mechanisms/6.1-list", {}, ["unknown mechanism"]),
        ("6.1-list", {"grouping.block_order": "12"}, ["grouping.block_order=12", "1 to 10"]),
        ("6.1-list", {"grouping.fallbacks": "movable"}, ["unknown parameter"]),
        ("6.1-list", {"grouping.fallbacks.movable": "x"}, ["=x: 'x' is none of"]),
        ("6.1-list", {"kernelcor": "1"}, ["unknown parameter 'kernelcor'", "kernelcore"]),
        ("6.1-list", {"kernelcore": "200%"}, ["zones", "percentage"]),
        ("6.1-list", {"kernelcore": "many"}, ["zones", "percentage"]),
        ("6.1-list", {"min_free_kbytes": "-1"}, ["watermarks.min_free_kbytes"]),
        ("6.1-list", {"grouping.rule": "magic"}, ["grouping.rule"]),
        ("6.1-list", {"grouping.nothing": "1"}, ["unknown parameter"]),
        ("2007-vanilla", {"high_atomic.rule": "type"}, ["high_atomic.rule"]),
    ],
)
def test_faults_are_one_line_that_names_the_fault(
    name: str, parameters: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(MechanismError) as caught:
        load_mechanism(name, parameters)
    text = str(caught.value)
    assert "\n" not in text
    assert all(word in text for word in words), text


OWN = (BUILT_IN / "6.1-list.toml").read_text()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            OWN.replace('"claim"', '"claims"'),
            ":11: grouping.rule: 'claims' is none of none, march-2007, claim",
        ),
        (
            OWN.replace("batch_cap_pages", "batch_cap_page"),
            ":22: per_cpu.batch_cap_page: unknown entry; "
            "[per_cpu] has rule, batch_cap_pages, batch_pages, high_pages",
        ),
        (OWN.replace("= 9", "= 11"), ":13: grouping.block_order: 11 is out of range: 1 to 10"),
        (OWN.replace("= 9", '= "9"'), ":13: grouping.block_order: '9' is no whole number"),
        (OWN.replace("enabled = true", "enabled = 1"), "enabled: 1 is neither true nor false"),
        (OWN.replace('rule = "one-block"', ""), ":24: watermarks.rule: missing; base = "),
        (OWN.replace("[per_cpu]", "[percpu]"), ":20: percpu: unknown entry; there are name, "),
        (OWN + "[more]\n", ":43: more: unknown entry; there are name, title, kernel, source, "),
        (OWN.replace("[grouping]", "[zones]"), ":10: Cannot declare [zones] twice (column 7)"),
        (
            OWN.replace('"reserve"', '"type"'),
            ":31: high_atomic.rule: 'type' needs grouping.rule 'march-2007'",
        ),
        (OWN + "lumpy = false", ":43: Cannot overwrite a value at the end of the file"),
        ("name = 'x'", ': title: missing; base = "6.1-list" takes what is left out from there'),
        ("base = '6.2'", ":1: base: '6.2' is none of 2007-vanilla, "),
        ("base = ['6.1-list']", ":1: base: ['6.1-list'] is none of "),
        (
            "base = '6.1-list'\n\n[grouping]\nrule = 'march-2007'",
            ":4: high_atomic.rule: 'reserve' needs grouping.rule 'claim'",
        ),
        ("base = '6.1-list'\nname = 'a/b'", ":2: name: 'a/b': a name has letters, "),
        ("base = '6.1-list'\ntitle = \"a\\u0007\"", ":2: title: one line"),
        ("base = '6.1-list'\n[parameters]\na = 'b'", ":2: parameters: unknown entry"),
        ("base = '6.1-list'\nzones.kernelcore = 50", ":2: zones.kernelcore: 50 is no text in"),
        ("base = '6.1-list'\nzones = 'x'", ":2: zones: 'x' is no table"),
    ],
)
def test_faults_of_a_file_name_the_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(MechanismError) as caught:
        load_mechanism(str(path))
    assert str(caught.value).startswith(f"{path}:")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "types", "told"),
    [
        ("claim", 'movable = ["movable"]', "no fallback to its own type, 'movable'"),
        ("claim", 'movable = ["unmovable", "unmovable"]', "a type stands twice"),
        ("claim", 'movable = ["highatomic"]', "'march-2007' only"),
        ("claim", "highatomic = []", "'march-2007' only"),
        ("claim", 'movable = ["fast"]', "'fast' is none of unmovable, movable, reclaimable, high"),
        ("claim", 'movable = "unmovable"', "'unmovable' is no list"),
        ("none", 'movable = ["unmovable"]', "'none' knows no types"),
    ],
)
def test_faults_of_fallbacks(tmp_path: Path, rule: str, types: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    base = {"claim": "6.1-list", "none": "2007-vanilla"}[rule]
    path.write_text(f"base = '{base}'\n[grouping.fallbacks]\n{types}\n")
    with pytest.raises(MechanismError, match=r"mine\.toml:3: grouping\.fallbacks\.") as caught:
        load_mechanism(str(path))
    assert told in str(caught.value)


def test_a_base_gives_what_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        "base = '6.1-list'\n"
        "[grouping]\nclaim_threshold_percent = 75\nfallbacks.movable = ['unmovable']\n"
    )
    mine, base = load_mechanism(str(path)), load_mechanism("6.1-list")
    assert (mine.name, mine.base, mine.kernel) == ("mine", "6.1-list", "6.1")
    assert mine.title == f"{base.title}, changed"
    assert mine.source == (
        f"{base.source} Changed: grouping.claim_threshold_percent = 75, "
        'grouping.fallbacks.movable = ["unmovable"].'
    )
    assert mine.grouping.claim_pages() == 384
    assert mine.grouping.alternatives(MOVABLE) == [UNMOVABLE]
    assert mine.grouping.alternatives(UNMOVABLE) == base.grouping.alternatives(UNMOVABLE)
    told = {"name", "title", "source", "base", "grouping"}
    assert mine.model_dump(exclude=told) == base.model_dump(exclude=told)


def test_parameters_reach_every_entry() -> None:
    values = {
        "grouping.fallbacks.movable": "unmovable,reclaimable",
        "grouping.fallbacks.unmovable": "",
        "per_cpu.batch_pages": "7",
        "free_lists.insertion": "tail",
    }
    mechanism = load_mechanism("6.1-list", values)
    assert mechanism.grouping.alternatives(MOVABLE) == [UNMOVABLE, RECLAIMABLE]
    assert mechanism.grouping.alternatives(UNMOVABLE) == []
    assert mechanism.per_cpu.batch_pages == 7
    assert mechanism.parameters == values


@pytest.mark.parametrize("name", NAMES)
def test_a_mechanism_comes_back_from_what_a_recording_says_of_it(name: str) -> None:
    mechanism = load_mechanism(name, {"grouping.claims": "false"})
    assert Mechanism.model_validate(json.loads(json.dumps(mechanism.model_dump()))) == mechanism


def test_half_a_pageblock_is_the_kernels_threshold() -> None:
    assert load_mechanism("6.1-list").grouping.claim_pages() == 256
    march = load_mechanism("2007-list", {"grouping.block_order": "8"})
    assert march.grouping.claim_pages() == 512  # of the largest block, whatever the pageblock
    assert tuple(TypeName.__args__) == MIGRATETYPES


def test_sizes_of_per_cpu_lists() -> None:
    machine = Machine("64 MiB", np.zeros(16384, np.uint8), min_free_kbytes=1024)
    sizes = {
        ("6.1-list", "", ""): (3, 240),
        ("6.1-list", "31", "400"): (31, 400),
        ("6.1-list", "31", "5"): (31, 124),
        ("2007-list", "31", ""): (31, 186),
        ("2007-list", "", "5"): (3, 5),
    }
    for (name, batch, high), expected in sizes.items():
        given = {"per_cpu.batch_pages": batch, "per_cpu.high_pages": high}
        mechanism = load_mechanism(name, {key: value for key, value in given.items() if value})
        zone = build_zones(machine, mechanism)[-1]
        assert (zone.batch_pages, zone.pcp_high_pages) == expected, (name, batch, high)


def test_scale_factor_widens_the_marks() -> None:
    machine = Machine("64 MiB", np.zeros(16384, np.uint8), min_free_kbytes=1024)
    low = [
        build_zones(machine, load_mechanism("6.1-list", {"watermarks.scale_factor": factor}))[-1]
        for factor in ("10", "1000")
    ]
    assert low[1].low_pages - low[1].min_pages == low[1].managed_pages // 10
    assert low[0].low_pages < low[1].low_pages
