"""Tags as time knows them: a label on a subject from one instant until another."""

from typing import NamedTuple

from domain.facts.table import NEVER


class TagSpan(NamedTuple):
    """tag is there at t when start <= t < end. removed: somebody took it off at `end`; else it ends by itself."""

    tag: str
    start: int
    end: int = NEVER
    removed: bool = False
