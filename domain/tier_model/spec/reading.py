"""Text to a definition, with every structural fault named: its place, its value, what to write instead."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.tier_model.spec.faults import Fault
from domain.tier_model.spec.source import Path, Refuse, Source, read_source

Location = tuple[int | str, ...]
A_TIER = "Write a tier: 1 to 64 characters without quotes or blanks at its ends"
Spec = TypeVar("Spec", bound=BaseModel)

_TYPES = {
    "string_type": "text: put it in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "tuple_type": "a list",
    "list_type": "a list",
    "float_type": "a number",
}
# By the validator's name of the mistake; it says what was expected, which is filled in.
_BOUNDS = {
    "greater_than": "Write more than {gt}",
    "greater_than_equal": "Write at least {ge}",
    "less_than": "Write less than {lt}",
    "less_than_equal": "Write at most {le}",
    "string_too_short": "Write at least {min_length} characters",
    "string_too_long": "Write at most {max_length} characters",
    "too_short": "Give at least {min_length}",
    "too_long": "Give at most {max_length}",
    "finite_number": "Write a finite number",
}


@dataclass(frozen=True)
class Language(Generic[Spec]):
    """What a kind of definition is written in.

    keys: those it has at least; refuse: makes the refusal of a text with faults; part_at: the part that a location in
    the data lies in; spelling: how a text at a location is spelled that does not match its pattern, None: nothing to
    say of it; markers: how names of union members begin; no_member: what is said of a value that is of no member, and
    members: by a step of its location, where that is not everywhere the same.
    """

    spec: type[Spec]
    noun: str
    keys: str
    refuse: Refuse
    part_at: Callable[[Location, Any], type[BaseModel]]
    spelling: Callable[[Location], str | None]
    markers: tuple[str, ...] = ()
    no_member: tuple[str, str] = ("is of no known kind", "Change it")
    members: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def read(self, text: str | bytes) -> tuple[Spec, Source]:
        """Out of YAML or JSON, with the source that knows every path's line and column. Raises what refuse makes."""
        source = read_source(text, self.keys, self.refuse)
        if not isinstance(source.data, dict):
            line, column = source.place(())
            raise self.refuse(
                [Fault("", line, column, None, "is not a mapping", f"{self.noun} has the keys {self.keys}")]
            )
        try:
            return self.spec.model_validate(source.data), source
        except ValidationError as problem:
            faults = [self._fault(error, source) for error in problem.errors(include_url=False)]
            raise self.refuse(list(dict.fromkeys(_told_once(faults)))) from None

    def _fault(self, error: ErrorDetails, source: Source) -> Fault:
        location = error["loc"]
        path = _path_in(source.data, location, self.markers)
        message, remedy = self._said(error, location, source.data)
        value = error["input"] if isinstance(error["input"], str | int | float | bool | None) else None
        line, column = source.place(path)
        return Fault(".".join(map(str, path)), line, column, value, message, remedy)

    def _said(self, error: ErrorDetails, location: Location, data: Any) -> tuple[str, str]:
        kind, context = error["type"], error.get("ctx", {})
        if kind == "missing":
            return "is missing", "Add it"
        if kind == "extra_forbidden":
            return self._unknown_key(location, data)
        if kind in ("union_tag_not_found", "union_tag_invalid"):
            return next((said for step, said in self.members.items() if step in location), self.no_member)
        if kind in ("value_error", "assertion_error"):
            message = str(context["error"])
            head, _, remedy = message.partition(": ")
            return head, remedy[:1].upper() + remedy[1:] if remedy else "Change it"
        if kind in _TYPES:
            return "has the wrong type", f"It must be {_TYPES[kind]}"
        if kind == "literal_error":
            return "is not one of the known words", f"Write {context['expected']}"
        if kind == "string_pattern_mismatch":
            return "is not spelled as it must be", self.spelling(location) or _spelled(location, context["pattern"])
        return "is out of place", remedy_of(error)

    def _unknown_key(self, location: Location, data: Any) -> tuple[str, str]:
        known = sorted(_keys_of(self.part_at(location[:-1], data)))
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        return "is no key that is known here", f"{hint}Known here: {', '.join(known)}"


def remedy_of(error: ErrorDetails) -> str:
    """What to write in the place of a value that is out of its bounds; of any other mistake the validator's words."""
    bound = _BOUNDS.get(error["type"])
    return error["msg"] if bound is None else bound.format(**error.get("ctx", {}))


def _told_once(faults: Iterable[Fault]) -> list[Fault]:
    """A union tells one wrong value once for each of its members: keep the first."""
    seen: set[tuple[str, int | None, int | None]] = set()
    kept = []
    for fault in sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0)):
        place = (fault.path, fault.line, fault.column)
        if place not in seen:
            seen.add(place)
            kept.append(fault)
    return kept


def _spelled(location: Location, pattern: str) -> str:
    if location[-1] == "currency":
        return "Write three capital letters, such as CNY"
    if pattern.startswith("^[A-Za-z_]"):
        return "Write a name: letters, digits and _, not starting with a digit, at most 64"
    return f"It must match {pattern}"


def _path_in(data: Any, location: Location, markers: tuple[str, ...]) -> Path:
    """The location without the marks of unions, as far as it can be walked (plus a key that is missing)."""
    path: list[int | str] = []
    for step in location:
        if isinstance(step, str) and step.startswith(markers) and not (isinstance(data, dict) and step in data):
            continue
        if isinstance(data, dict):
            path.append(step)
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            path.append(step)
            data = data[step]
    return tuple(path)


def _keys_of(part: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in part.model_fields.items()]
