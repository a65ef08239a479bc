"""What a fuzzer gives to a parser, and what it makes of the answer."""

import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from traceback import extract_tb
from typing import NamedTuple

LIMIT_S = 5.0  # of processor time for one input
ACCEPTED, REFUSED, FAULT = "accepted", "refused", "fault"


class Case(NamedTuple):
    """One input: `run` has the parser read it and uses what comes of it.

    `named`: what the message of a refusal must name; `told`: the input itself, where it is short.
    """

    run: Callable[[], None]
    named: str
    told: str = ""


class Target(NamedTuple):
    """A parser: its name, its share of all inputs, the exceptions that it documents.

    `make(random, folder)` writes an input there.
    """

    name: str
    share: float
    errors: tuple[type[Exception], ...]
    make: Callable[[Random, Path], Case]


class Verdict(NamedTuple):
    """What came of an input: `kind`, what was wrong (FAULT only) and the seconds it took."""

    kind: str
    fault: str
    seconds: float


class Hang(BaseException):
    """An input took too long. No Exception: parsers catch those."""


def seeded(target: Target, number: int) -> Random:
    """The source of the input of that number: always the same."""
    return Random(f"{target.name} {number}")


def judge(target: Target, case: Case) -> Verdict:
    """Run a case. Anything but use without a sound, or a refusal in one line, is a fault."""
    begun = time.process_time()
    kind, fault = ACCEPTED, ""
    try:
        with _limited(LIMIT_S), warnings.catch_warnings():
            warnings.simplefilter("error")
            case.run()
    except target.errors as error:
        kind, fault = _refused(str(error), case.named)
    except (Exception, Hang, SystemExit) as error:
        at = extract_tb(error.__traceback__)[-1]
        where = f"{Path(at.filename).name}:{at.lineno}"
        kind, fault = FAULT, f"{type(error).__name__} at {where}: {error}"
    if fault and case.told:
        fault = f"{fault} [{case.told}]"
    return Verdict(kind, ascii(fault)[1:-1][:600], time.process_time() - begun)


def _refused(message: str, named: str) -> tuple[str, str]:
    if not message.strip() or len(message.splitlines()) > 1:
        return FAULT, f"a message of no or several lines: {message!r}"
    if named not in message:
        return FAULT, f"a message that doesn't name {named}: {message!r}"
    return REFUSED, ""


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise Hang(f"took more than {seconds:g} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
