"""Text to model, with every structural fault named: its place, its value, what to write instead."""

import difflib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.tier_model.spec.faults import ModelFault, ModelInvalid
from domain.tier_model.spec.features import FEATURE_KEYS, FEATURE_PARTS
from domain.tier_model.spec.growth import Earn, Growth
from domain.tier_model.spec.learned import Target
from domain.tier_model.spec.model import TierModelSpec
from domain.tier_model.spec.policy import Downgrade, PolicySpec, ReviewEvery
from domain.tier_model.spec.scores import SCORE_PARTS, Label, Rule
from domain.tier_model.spec.source import Path, Source, read_source

_NEEDED = "scheme, dimension, time_zone, currency, tiers, features and rules"
_MARKERS = ("kind:", "score:", "cuts:", "review:", "downgrade:", "trigger:", "action:")
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


class Grammar(NamedTuple):
    """What a kind of file is made of. part_at: the part that a location lies in; no_member: what to say of a value that
    is spelled by one of several keys and has none of them, or two."""

    part_at: Callable[[tuple[int | str, ...]], type[BaseModel]]
    no_member: Callable[[tuple[int | str, ...]], tuple[str, str]]


def parse_model(text: str | bytes) -> TierModelSpec:
    """A model out of YAML or JSON. Raises ModelInvalid with every fault of its structure; lint() finds the others."""
    return read_model(text)[0]


def read_model(text: str | bytes) -> tuple[TierModelSpec, Source]:
    """parse_model, with the source that knows every path's line and column."""
    source = read_source(text)
    if not isinstance(source.data, dict):
        line, column = source.place(())
        fault = ModelFault(
            "",
            line,
            column,
            None,
            "is not a mapping",
            f"A model has the keys {_NEEDED}",
        )
        raise ModelInvalid([fault])
    try:
        return TierModelSpec.model_validate(source.data), source
    except ValidationError as problem:
        raise ModelInvalid(faults_in(problem, source, _GRAMMAR)) from None


def faults_in(problem: ValidationError, source: Source, grammar: Grammar) -> list[ModelFault]:
    """Every fault of a text that has the wrong structure, each once."""
    faults = [_fault(error, source, grammar) for error in problem.errors(include_url=False)]
    return list(dict.fromkeys(_told_once(faults)))


def _told_once(faults: Iterable[ModelFault]) -> list[ModelFault]:
    """A union tells one wrong value once for each of its members: keep the first."""
    seen: set[tuple[str, int | None, int | None]] = set()
    kept = []
    for fault in sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0)):
        place = (fault.path, fault.line, fault.column)
        if place not in seen:
            seen.add(place)
            kept.append(fault)
    return kept


def _fault(error: ErrorDetails, source: Source, grammar: Grammar) -> ModelFault:
    location = error["loc"]
    path = _path_in(source.data, location)
    message, remedy = _said(error, location, grammar)
    value = error["input"] if isinstance(error["input"], str | int | float | bool | None) else None
    line, column = source.place(path)
    return ModelFault(".".join(map(str, path)), line, column, value, message, remedy)


def _path_in(data: Any, location: tuple[int | str, ...]) -> Path:
    """The location without the marks of unions, as far as it can be walked (plus a key that is missing)."""
    path: list[int | str] = []
    for step in location:
        if isinstance(step, str) and step.startswith(_MARKERS) and not (isinstance(data, dict) and step in data):
            continue
        if isinstance(data, dict):
            path.append(step)
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            path.append(step)
            data = data[step]
    return tuple(path)


def _said(error: ErrorDetails, location: tuple[int | str, ...], grammar: Grammar) -> tuple[str, str]:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        return "is missing", "Add it"
    if kind == "extra_forbidden":
        return _unknown_key(location, grammar)
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        return grammar.no_member(location)
    if kind in ("value_error", "assertion_error"):
        message = str(context["error"])
        head, _, remedy = message.partition(": ")
        return head, remedy[:1].upper() + remedy[1:] if remedy else "Change it"
    if kind in _TYPES:
        return "has the wrong type", f"It must be {_TYPES[kind]}"
    if kind == "literal_error":
        return "is not one of the known words", f"Write {context['expected']}"
    if kind == "string_pattern_mismatch":
        return "is not spelled as it must be", _spelling(location, str(context["pattern"]))
    return "is out of place", error["msg"]


def _spelling(location: tuple[int | str, ...], pattern: str) -> str:
    if location[-1] == "currency":
        return "Write three capital letters, such as CNY"
    if location[0] in ("tiers", "default") or (location[0] == "rules" and location[-1] == "[key]"):
        return "Write a tier: 1 to 64 characters without quotes or blanks at its ends"
    if pattern.startswith("^[A-Za-z_]"):
        return "Write a name: letters, digits and _, not starting with a digit, at most 64"
    return f"It must match {pattern}"


def _unknown_key(location: tuple[int | str, ...], grammar: Grammar) -> tuple[str, str]:
    known = sorted(_keys_of(grammar.part_at(location[:-1])))
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return "is no key that is known here", f"{hint}Known here: {', '.join(known)}"


def _keys_of(part: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in part.model_fields.items()]


def _part_at(location: tuple[int | str, ...]) -> type[BaseModel]:
    """The part of a model that a validation location lies in."""
    match location:
        case ("features", _, str(tag), *_) if tag in FEATURE_PARTS:
            return FEATURE_PARTS[tag]
        case ("scores", _, "score:learned", "predict", *_):
            return Target
        case ("scores", _, str(tag), *_) if tag in SCORE_PARTS:
            return SCORE_PARTS[tag]
        case ("rules", *_):
            return Rule
        case ("growth", "earn", *_):
            return Earn
        case ("growth", *_):
            return Growth
        case ("labels", *_):
            return Label
        case ("policy", "downgrade", _, "review", *_):
            return ReviewEvery
        case ("policy", "downgrade", *_):
            return Downgrade
        case ("policy", *_):
            return PolicySpec
        case _:
            return TierModelSpec


def no_feature(_location: tuple[int | str, ...]) -> tuple[str, str]:
    """What is said of a feature that has none of its keys, or two."""
    return "is no feature", f"Write exactly one of {', '.join(FEATURE_KEYS)}, such as {{count: order}}"


_GRAMMAR = Grammar(_part_at, no_feature)
