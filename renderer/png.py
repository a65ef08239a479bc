"""PNG files: the same bytes for the same picture."""

import json
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from renderer.output import whole_file

KEYWORD = "pagereel"  # of the text chunk that holds the metadata


def write_png(image: np.ndarray, path: Path, metadata: dict) -> None:
    """Write RGB u1[h, w, 3] with metadata as JSON in a text chunk. Raises RenderError."""
    path = Path(path)
    info = PngImagePlugin.PngInfo()
    info.add_text(KEYWORD, to_json(metadata))
    with whole_file(path) as partial:
        Image.fromarray(image).save(partial, "PNG", pnginfo=info, compress_level=6)


def to_json(metadata: dict) -> str:
    """Metadata as one line of ASCII JSON, keys sorted."""
    return json.dumps(metadata, sort_keys=True, separators=(",", ":"))
