"""What every result carries: versions, configuration, seed, source."""

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from allocator.page_alloc import COMPILED
from pipeline.version import version

LIBRARIES = ("numpy", "pandas", "pillow", "matplotlib", "zstandard", "imageio-ffmpeg", "jinja2")


def versions() -> dict[str, str]:
    """Versions of pagereel, Python and the libraries that a result may depend on."""
    result = {
        "pagereel": version(),
        "core": "compiled" if COMPILED else "uncompiled",
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
