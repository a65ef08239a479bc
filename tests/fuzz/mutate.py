"""Damage of every kind: to bytes, to JSON values, to arrays, to lines of text.

All take a `random.Random`, or what Hypothesis gives in its place, and change nothing that they are
given.
"""

import copy
import json
import struct
from random import Random
from typing import Any

import numpy as np

LONG, DEEP = 3000, 2000
NUMBERS = (0, 1, -1, 2, 7, 9, 10, 11, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1,
           2**32, 2**63 - 1, 2**63, 2**64, -(2**31), -(2**63), 10**30)  # fmt: skip
FLOATS = (0.5, -0.5, 1e308, float("nan"), float("inf"), -float("inf"))
TEXTS = ("", " ", "a", "a\nb", "a\r\nb", "\0", "\x1b[31m", "\ud800", "é", "\u202e", "../x",
         "/etc/passwd", "..", ".", "a/b", "x.toml", "2007-list", "6.1-off", "nan", "1e999", "٣",
         "9" * 5000, "x" * LONG, "%s", "{0}", "=", "kernelcore", "-1", "0x10", "true")  # fmt: skip
_EDITS = ("flip", "set", "delete", "double", "insert", "number", "cut", "copy")


def mutated_bytes(random: Random, data: bytes) -> bytes:
    """A few edits at random places."""
    result = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4, 8))):
        at = random.randrange(len(result) + 1)
        length = random.choice((1, 1, 2, 4, 16, 200))
        edit = random.choice(_EDITS)
        if edit == "flip" and at < len(result):
            result[at] ^= 1 << random.randrange(8)
        elif edit == "set":
            result[at : at + 1] = bytes([random.choice((0, 1, 127, 128, 255, 10, 32))])
        elif edit == "delete":
            del result[at : at + length]
        elif edit == "double":
            result[at:at] = result[at : at + length]
        elif edit == "insert":
            result[at:at] = random.randbytes(length)
        elif edit == "number":
            packed = struct.pack("<Q", random.choice(NUMBERS) % 2**64)
            size = random.choice((1, 2, 4, 8))
            result[at : at + size] = packed[:size]
        elif edit == "cut" and random.random() < 0.3:
            del result[at:]
        elif edit == "copy":
            source = random.randrange(len(result) + 1)
            result[at : at + length] = result[source : source + length]
    return bytes(result)


def odd_value(random: Random) -> Any:
    """A value of any JSON type that may stand where it doesn't belong."""
    kind = random.randrange(8)
    if kind < 2:
        return random.choice(NUMBERS)
    if kind < 4:
        return random.choice(TEXTS)
    if kind == 4:
        return random.choice(FLOATS)
    return copy.deepcopy(
        random.choice((None, True, False, [], {}, [[]], [None], {"": None}, [1], ["a", "a"]))
    )


def mutated_json(random: Random, value: Any) -> Any:
    """One entry anywhere in it is replaced, removed, doubled or given another name."""
    result = [copy.deepcopy(value)]
    holder, key = result, 0
    while isinstance(holder[key], dict | list) and holder[key] and random.random() < 0.85:
        holder = holder[key]
        key = (
            random.choice(list(holder))
            if isinstance(holder, dict)
            else random.randrange(len(holder))
        )
    edit = random.randrange(8)
    if edit == 0 and holder is not result:
        del holder[key]
    elif edit == 1 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif edit == 2 and isinstance(holder, dict):
        holder[random.choice(TEXTS)] = holder.pop(key)
    elif edit == 3 and isinstance(holder[key], int) and not isinstance(holder[key], bool):
        holder[key] += random.choice((-1, 1, 1000, -1000))
    else:
        holder[key] = odd_value(random)
    return result[0] if result else None


def json_bytes(random: Random, value: Any) -> bytes:
    """JSON of it, rarely nested without end, in no UTF-8, or with an entry that stands twice."""
    text = json.dumps(value)
    kind = random.randrange(40)
    if kind == 0:
        text = "[" * random.choice((100, DEEP, 200_000)) + text
    elif kind == 1:
        text = text.replace("{", '{"format": 1, "name": 2, ', 1)
    elif kind == 2:
        return text.encode() + b"\xff\xfe"
    elif kind == 3:
        return text.encode("utf-16")
    elif kind == 4:
        return mutated_bytes(random, text.encode())
    return text.encode()


_DTYPES = (
    "u1",
    "i1",
    "<u2",
    "<i4",
    ">i4",
    "<u4",
    "<i8",
    "<u8",
    "<f8",
    "?",
    "U3",
    "S2",
    "<c8",
    "<M8[s]",
    "O",
)


def mutated_array(random: Random, values: np.ndarray) -> np.ndarray:
    """Of another type or shape, longer or shorter, or with other values."""
    edit = random.randrange(10)
    if edit < 5 and values.size:
        result = values.copy()
        for _ in range(random.choice((1, 1, 3))):
            _set_one(random, result)
        return result
    if edit == 5:
        with np.errstate(all="ignore"):
            try:
                return values.astype(random.choice(_DTYPES))
            except (TypeError, ValueError):
                return values
    if edit == 6:
        return random.choice(
            (values[:0], values[:-1], values[1:], values[::-1], values[None], values[..., None])
        )
    if edit == 7:
        return np.concatenate([values, values])
    if edit == 8:
        return np.array(odd_value(random), object)
    return (
        values[np.array(random.sample(range(len(values)), len(values)), int)]
        if values.ndim
        else values
    )


def _set_one(random: Random, values: np.ndarray) -> None:
    at = random.randrange(values.size)
    if values.dtype.kind in "iu":
        info = np.iinfo(values.dtype)
        number = random.choice(
            (random.choice(NUMBERS), int(values.flat[at]) + random.choice((-1, 1)))
        )
        values.flat[at] = min(max(number, info.min), info.max)
    elif values.dtype.kind == "b":
        values.flat[at] = not values.flat[at]
    elif values.dtype.kind == "f":
        values.flat[at] = random.choice(FLOATS)
    elif values.dtype.kind == "U":
        values.flat[at] = random.choice(TEXTS[:-12])


def mutated_text(random: Random, text: str) -> str:
    """Lines and words are removed, doubled, exchanged; values become odd ones."""
    lines = text.split("\n")
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(lines))
        edit = random.randrange(9)
        if edit == 0:
            del lines[at]
            lines = lines or [""]
        elif edit == 1:
            lines.insert(random.randrange(len(lines) + 1), lines[at])
        elif edit == 2:
            other = random.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif edit == 3:
            lines[at] = mutated_bytes(random, lines[at].encode()).decode(errors="replace")
        elif edit == 4:
            lines.insert(at, random.choice(TEXTS[:-1]).replace("\ud800", "?"))
        else:
            key, equals, _ = lines[at].partition("=")
            lines[at] = f"{key}={toml_value(random)}" if equals else toml_value(random)
    return "\n".join(lines)


def toml_value(random: Random) -> str:
    """A value as TOML may write it."""
    value = odd_value(random)
    if random.random() < 0.05:
        return random.choice(
            (
                "[" * 500,
                "{a=" * 300,
                "1979-05-27",
                "07:32:00",
                "0x" + "f" * 5000,
                '"""',
                "'''",
                "+nan",
            )
        )
    if value is None or isinstance(value, dict):
        return "{}" if value is not None else "nan"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)
