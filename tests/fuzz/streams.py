"""Damaged request streams: packed ones, and folders as a recorder leaves them."""

import bz2
import json
import lzma
import struct
import tempfile
import warnings
import zipfile
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np

from allocator.mechanism import load_mechanism, mechanism_names
from allocator.validate import validate
from pipeline.simulate import engine_of
from pipeline.start import start_memory
from tests.fuzz.judge import Case, Target
from tests.fuzz.mutate import (
    NUMBERS,
    TEXTS,
    json_bytes,
    mutated_array,
    mutated_bytes,
    mutated_json,
    mutated_text,
)
from tests.workloads.folders import (
    ZONEINFO,
    kernel_classes,
    operations,
    requests,
    small_stream,
    write_folder,
)
from workloads.packed import pack, unpack
from workloads.recorded import load_folder
from workloads.stream import Stream, WorkloadError

_RUN_OPS = 2000  # of each accepted stream
_LARGE_PAGES = 1 << 17  # a machine of more isn't run: it takes as long as it is large
_WHOLE = 0.25  # of the inputs have their archive damaged, not what is in it
Members = dict[str, bytes]


def run(stream: Stream, random: Random) -> None:
    """The first operations under some mechanism; the machine must be sound then."""
    stream.metadata()
    if stream.machine.pages > _LARGE_PAGES:
        return
    memory, pfn_of, _ = start_memory(stream, load_mechanism(random.choice(mechanism_names())))
    engine_of(stream, memory, pfn_of).run(stream.ops, 0, min(len(stream.ops), _RUN_OPS))
    validate(memory)


# Archives.


@cache
def packed_samples() -> tuple[bytes, ...]:
    """Packed streams: one just booted, one recorded with zones."""
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "a.npz"
        rows = [(0, n + 2, n % 4, 0) for n in range(12)]
        rows += [
            (1, 2, 0, 0),
            (1, 3, 0, 1),
            (2, 0, 0, 0),
            (1, 5, 2, 4),
            (1, 0, 2, 0),
            (1, 90, 0, 0),
        ]
        columns = requests()
        recorded = load_folder(
            write_folder(folder / "f", columns, kernel_classes(columns), ZONEINFO)
        )
        result = []
        for stream in (small_stream(operations(*rows)), recorded):
            pack(stream, path)
            result.append(path.read_bytes())
    return tuple(result)


@cache
def members_of(data: bytes) -> Members:
    with zipfile.ZipFile(BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def archive(random: Random, members: list[tuple[str, bytes]]) -> bytes:
    """A zip of them, mostly stored; a name may stand twice."""
    method = random.choice((zipfile.ZIP_STORED,) * 6 + (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
    target = BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(target, "w", method) as file:
        for name, data in members:
            with file.open(zipfile.ZipInfo(name), "w") as member:
                member.write(data)
    return target.getvalue()


def mutated_archive(random: Random, members: Members) -> bytes:
    """Members damaged, missing, doubled or strange; rarely one that is a bomb."""
    named = dict(members)
    for name in random.sample(list(named), random.choice((1, 1, 2))):
        named[name] = mutated_member(random, name, named[name])
    result = list(named.items())
    edit = random.randrange(12)
    if edit == 0:
        result.pop(random.randrange(len(result)))
    elif edit == 1:
        result.append(random.choice(result))
    elif edit == 2:
        result.append(
            (random.choice(("a.npy", "../a.npy", "x" * 300, "stream.json", "é.npy")), b"x")
        )
    data = archive(random, result)
    if random.random() < 0.004:
        data = bomb(random.choice(result)[0], result)
    return data


@cache
def _zeros() -> tuple[bytes, int]:
    """An array of 96 MiB of zeros, packed to less than a kilobyte."""
    head = {"descr": "|u1", "fortran_order": False, "shape": (96 << 20,)}
    start = BytesIO()
    np.lib.format.write_array_header_1_0(start, head)
    packer = bz2.BZ2Compressor()
    parts = [packer.compress(start.getvalue())]
    parts += [packer.compress(bytes(1 << 20)) for _ in range(96)]
    return b"".join((*parts, packer.flush())), len(start.getvalue()) + (96 << 20)


def bomb(name: str, members: list[tuple[str, bytes]]) -> bytes:
    """The archive with that member 96 MiB of zeros, packed to little."""
    packed, size = _zeros()
    data = archive(Random(0), [(n, packed if n == name else d) for n, d in members])
    # Both heads of the member say how it is packed (place 8 and 10) and how large it is then.
    for mark, method_at, size_at, name_at in ((b"PK\3\4", 8, 22, 30), (b"PK\1\2", 10, 24, 46)):
        at = data.index(mark)
        while data[at + name_at : at + name_at + len(name)] != name.encode():
            at = data.index(mark, at + 1)
        method, length = struct.pack("<H", zipfile.ZIP_BZIP2), struct.pack("<I", size)
        data = data[: at + method_at] + method + data[at + method_at + 2 :]
        data = data[: at + size_at] + length + data[at + size_at + 4 :]
    return data


def mutated_member(random: Random, name: str, data: bytes) -> bytes:
    if name.endswith(".json"):
        return json_bytes(random, mutated_json(random, json.loads(data)))
    if random.random() < 0.15:
        return mutated_bytes(random, data)
    array = mutated_array(random, np.load(BytesIO(data)))
    target = BytesIO()
    try:
        np.lib.format.write_array(target, array, allow_pickle=True)
    except (ValueError, TypeError, AttributeError):
        return b""
    result = target.getvalue()
    if random.random() < 0.1:
        return _claiming(random, result)
    return result


def _claiming(random: Random, data: bytes) -> bytes:
    """An array's head that claims another shape."""
    start = data.find(b"'shape': (")
    end = data.find(b")", start)
    number = str(random.choice((*NUMBERS, 10**12))).encode()
    return data[: start + 10] + number + b"," + data[end:]


def make_packed(random: Random, folder: Path) -> Case:
    data = random.choice(packed_samples())
    if random.random() < _WHOLE:
        data = mutated_bytes(random, data)
    else:
        data = mutated_archive(random, members_of(data))
    path = folder / "stream.npz"
    path.write_bytes(data)
    return Case(lambda: run(unpack(path), random), str(path))


# Folders.


@cache
def _folder_members() -> tuple[Members, Members]:
    columns = requests()
    classes = kernel_classes(columns)[:, :6144]
    snapshots = {"kclass": classes, "mobility": np.full_like(classes, 254)}
    return tuple(
        {f"{name}.npy": _array_bytes(values) for name, values in table.items()}
        for table in (columns, snapshots)
    )


def _array_bytes(values: np.ndarray) -> bytes:
    target = BytesIO()
    np.lib.format.write_array(target, values)
    return target.getvalue()


@cache
def _text() -> str:
    """What a recorder keeps of three snapshots."""
    stacks = "".join(f"##### SNAPSHOT {n} files\n=== /proc/meminfo\nKernelStack:    {kb} kB\n"
                     for n, kb in enumerate((64, 96, 80, 128, 64)))  # fmt: skip
    return ZONEINFO.replace("spanned  4096", "spanned  3072") + stacks


def make_folder(random: Random, folder: Path) -> Case:
    path = folder / "recorded"
    path.mkdir(exist_ok=True)
    which = random.choice(("requests", "requests", "snapshots", "text"))
    with_snapshots = which == "snapshots" or random.random() < 0.2
    for name, members in zip(("requests", "snapshots"), _folder_members(), strict=True):
        target = path / f"{name}.npz"
        target.unlink(missing_ok=True)
        if name == "requests" or with_snapshots:
            target.write_bytes(_archive_or_damage(random, members, which == name))
    text = path / "snap_text.txt.xz"
    text.unlink(missing_ok=True)
    if which == "text" or random.random() < 0.5:
        text.write_bytes(_packed_text(random, which == "text"))
    return Case(lambda: run(load_folder(path), random), str(path))


def _archive_or_damage(random: Random, members: Members, damaged: bool) -> bytes:
    if not damaged:
        return _sound_archive(tuple(members.items()))
    if random.random() < _WHOLE:
        return mutated_bytes(random, _sound_archive(tuple(members.items())))
    return mutated_archive(random, members)


@cache
def _sound_archive(members: tuple[tuple[str, bytes], ...]) -> bytes:
    return archive(Random(0), list(members))


def _packed_text(random: Random, damaged: bool) -> bytes:
    if not damaged:
        return lzma.compress(_text().encode(), preset=0)
    text = mutated_text(random, _text()) if random.random() < 0.5 else _other_numbers(random)
    data = lzma.compress(text.encode(errors="replace"), preset=0)
    return mutated_bytes(random, data) if random.random() < 0.2 else data


def _other_numbers(random: Random) -> str:
    words = _text().split(" ")
    numbers = [at for at, word in enumerate(words) if word.strip("(),\n").isdigit()]
    for _ in range(random.choice((1, 2, 5))):
        at = random.choice(numbers)
        odd = random.choice((str(random.choice(NUMBERS)), random.choice(TEXTS[:6]), "999999999"))
        words[at] = words[at].replace(words[at].strip("(),\n"), odd, 1)
    return " ".join(words)


ERRORS = (WorkloadError,)
TARGETS = (
    Target("packed stream", 0.05, ERRORS, make_packed),
    Target("recorded folder", 0.05, ERRORS, make_folder),
)
