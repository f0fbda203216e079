"""Conditions of the segment language held against many users at once: only what is asked about is read, as columns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from domain.strategies.audience import tags_at
from domain.tier_model.calendar import Calendar
from domain.tier_model.column import Column, Scalar, Type, column_of
from domain.tier_model.expression import Condition, tag_column
from domain.user_tier.observation import Observation, SchemeObservation

_PLATFORM = ""
_ABSENT: Any = object()
_Read = Callable[[SchemeObservation], Any]
_TYPES: dict[type, Type] = {bool: Type.boolean, int: Type.integer, float: Type.number}
_WIDEST = 2**63


def matching(
    condition: Condition, observations: Sequence[Observation], calendars: Mapping[str, Calendar], now: int
) -> list[bool]:
    """Of each whether the condition is true: what Condition.holds says of row_of and tags_at."""
    columns = {name: _column(_values(name, observations, calendars, now)) for name in condition.names}
    if condition.tags:
        there = [frozenset(tags_at(observation, now)) for observation in observations]
        columns |= {tag_column(tag): _column([tag in tags for tags in there]) for tag in condition.tags}
    found: list[bool] = condition.matches(columns, len(observations)).tolist()
    return found


def _values(
    name: str, observations: Sequence[Observation], calendars: Mapping[str, Calendar], now: int
) -> list[Scalar]:
    """Where several have the name, the last in the order of row_of is meant."""
    sources = [
        (scheme, read)
        for scheme, calendar in reversed(list(calendars.items()))
        for read in _reads(name, scheme, calendar.day_of(now))
    ]
    tag = name.removeprefix("tag_value.") if name.startswith("tag_value.") else None
    values: list[Scalar] = []
    for observation in observations:
        found = _ABSENT
        for scheme, read in sources:
            seen = observation.schemes.get(scheme, _NOWHERE).get(_PLATFORM)
            if seen is not None and (found := read(seen)) is not _ABSENT:
                break
        if found is _ABSENT:
            found = None if tag is None else observation.tag_values.get(tag)
        values.append(found)
    return values


def _reads(name: str, scheme: str, today: int) -> list[_Read]:
    """What the name may be of one scheme, what counts most first."""
    reads: list[_Read] = [_feature(name, today)]
    if name.startswith(f"{scheme}."):
        reads.insert(0, _feature(name.removeprefix(f"{scheme}."), today))
    if name == f"frozen.{scheme}":
        reads.append(lambda seen: _ABSENT if seen.standing.frozen is None else True)
    if name == f"pinned.{scheme}":
        reads.append(lambda seen: _ABSENT if seen.standing.pin is None else seen.standing.pin.mode)
    if name == f"tier.{scheme}":
        reads.append(lambda seen: seen.standing.tier)
    return reads


def _feature(name: str, today: int) -> _Read:
    def read(seen: SchemeObservation) -> Any:
        day = seen.days.get(name, _ABSENT)
        if day is _ABSENT:
            return seen.features.get(name, _ABSENT)
        return None if day is None else today - day

    return read


def _column(values: list[Scalar]) -> Column:
    """Typed where all are of one type, so that numpy compares them."""
    kinds = {type(value) for value in values if value is not None}
    kind = _TYPES.get(kinds.pop(), Type.scalar) if len(kinds) == 1 else Type.scalar
    if kind is Type.integer and not all(value is None or -_WIDEST <= value < _WIDEST for value in values):  # type: ignore[operator]
        kind = Type.scalar
    if not values:
        return Column(np.zeros(0, np.bool_), np.zeros(0, np.bool_))
    return column_of(values, kind)


_NOWHERE: Mapping[str, SchemeObservation] = {}
