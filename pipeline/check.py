"""What a check says: the answer of `pagereel verify`."""

from typing import NamedTuple


class Check(NamedTuple):
    """One thing that was looked at; `ok` None where it could not be.

    `classes`: what was found of each page class, where pages were looked at.
    """

    name: str
    ok: bool | None
    text: str
    classes: list[dict] | None = None
