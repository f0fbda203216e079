"""Kinds of facts: the closed map of those Tierline brings, and what each requires. Further kinds can be registered."""

import re
from collections.abc import Iterable, Mapping

import msgspec

from domain.facts.fact import Fact
from domain.refusal import Complaint, Refusal

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_REQUIRABLE = ("amount", "currency", "lines", "attributes")


class KindDefinition(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What facts of a kind must carry: `amount`, `currency`, `lines`, `attributes`, or `attributes.NAME`.

    texts: attributes that are ids, and therefore non-empty text, when they are there.
    """

    requires: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


BUILT_IN: Mapping[str, KindDefinition] = {
    "order": KindDefinition(requires=("amount", "currency")),
    "order_completed": KindDefinition(texts=("order_id",)),
    "order_cancelled": KindDefinition(texts=("order_id",)),
    "refund": KindDefinition(requires=("amount", "currency"), texts=("order_id",)),
    "visit": KindDefinition(),
    "interaction": KindDefinition(),
    "profile": KindDefinition(requires=("attributes",)),
    "touch": KindDefinition(),
    "void": KindDefinition(requires=("attributes.fact_id", "attributes.reason"), texts=("fact_id", "source", "reason")),
}


class KindRefused(Refusal):
    """A kind that cannot be registered: the field, its value and the remedy."""

    def __init__(self, field: str, value: object, remedy: str) -> None:
        super().__init__(f"The {field} {value!r} cannot be registered.", Complaint(field, value, remedy))


def check_definition(kind: str, definition: KindDefinition) -> None:
    """Raises KindRefused when the kind cannot be registered like this."""
    if kind in BUILT_IN:
        raise KindRefused("kind", kind, "choose another name: this kind is built in and does not change")
    if not _NAME.fullmatch(kind):
        raise KindRefused("kind", kind, "use up to 63 lower-case letters, digits and underscores, a letter first")
    for path in definition.requires:
        head, dot, name = path.partition(".")
        if head not in _REQUIRABLE or (dot and (head != "attributes" or not name)):
            raise KindRefused("requires", path, f"use {', '.join(_REQUIRABLE)} or attributes.NAME")


def missing_fields(fact: Fact, definition: KindDefinition) -> list[str]:
    """The required paths that the fact lacks."""
    return [path for path in definition.requires if not _has(fact, path)]


def malformed_texts(fact: Fact, definition: KindDefinition) -> list[str]:
    """Names of the attributes that should be non-empty text and are not."""
    found = fact.attributes
    return [name for name in definition.texts if name in found and not (isinstance(found[name], str) and found[name])]


def all_kinds(registered: Iterable[tuple[str, KindDefinition]]) -> dict[str, KindDefinition]:
    """Built-in and registered kinds."""
    return {**dict(registered), **BUILT_IN}


def _has(fact: Fact, path: str) -> bool:
    if path == "amount":
        return fact.amount is not None
    if path == "currency":
        return fact.currency is not None
    if path == "lines":
        return bool(fact.lines)
    if path == "attributes":
        return bool(fact.attributes)
    return fact.attributes.get(path.removeprefix("attributes.")) is not None
