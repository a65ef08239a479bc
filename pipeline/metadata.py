"""What every result carries: versions, configuration, seed, source."""

import json
import platform
import sys
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from allocator.page_alloc import COMPILED
from pipeline.sources import sources_digest
from pipeline.version import version

LIBRARIES = ("numpy", "pandas", "pillow", "matplotlib", "zstandard", "imageio-ffmpeg", "jinja2")


def versions() -> dict[str, str]:
    """Versions of pagereel, Python and the libraries that a result may depend on.

    `code`: the digest of the sources that figures come from, for a version has many commits.
    """
    result = {
        "pagereel": version(),
        "core": "compiled" if COMPILED else "uncompiled",
        "code": sources_digest()[:12],
        "python": platform.python_version(),
        "platform": sys.platform,
    }
    for library in LIBRARIES:
        try:
            result[library] = installed(library)
        except PackageNotFoundError:
            result[library] = "not installed"
    return result


def as_json(value: object) -> str:
    """Readable JSON, keys in the order given, with a line end."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def of_recording(header: dict) -> dict:
    """What a picture of a recording says of it."""
    return {
        "pagereel": header.get("pagereel", ""),
        "source": header["source"],
        "mechanism": header["mechanism"]["name"],
        "parameters": header["mechanism"].get("parameters", {}),
        "workload": header["workload"]["name"],
        "seed": header["seed"],
    }


def label_of(header: dict) -> str:
    """A mechanism's name with its parameters: "6.1-zone, kernelcore=30%"."""
    mechanism = header["mechanism"]
    return ", ".join(filter(None, (mechanism["name"], _parameters(mechanism))))


def labels_of(headers: Sequence[dict]) -> list[str]:
    """The mechanism's name of each, with as much more as tells it from the others.

    Parameters and title of the mechanism, parameters of the workload; of several that are alike in
    all but the seed, the second gets "(2)".
    """
    seen: Counter[tuple[str, ...]] = Counter()
    keys = []
    for header in headers:
        key = identity_of(header)
        seen[key] += 1
        keys.append((*key, f"({seen[key]})" if seen[key] > 1 else ""))
    return [_label(key, keys) for key in keys]


def identity_of(header: dict) -> tuple[str, ...]:
    """What tells recordings apart but for their seed."""
    mechanism, workload = header["mechanism"], header["workload"]
    return mechanism["name"], _parameters(mechanism), mechanism["title"], _parameters(workload)


def _label(key: tuple[str, ...], keys: Sequence[tuple[str, ...]]) -> str:
    alike = [other for other in keys if other[0] == key[0]]
    differing = [place for place in range(1, len(key)) if len({k[place] for k in alike}) > 1]
    return ", ".join([key[0], *(key[place] for place in differing if key[place])])


def _parameters(of: dict) -> str:
    return ", ".join(f"{key}={value}" for key, value in of.get("parameters", {}).items())
