"""A tiny search engine: documents as the index of users holds them, and what a query finds, as OpenSearch finds it."""

import math
from typing import Any

from domain.tier_model.column import Type
from domain.tier_model.expression import SCALAR_PARTS, SearchField
from tests.domain.tier_model.expression.random_conditions import NAMES

TODAY = 20_000
FIELDS = {
    **{name: SearchField(f"features.{name}", type_) for name, type_ in NAMES.items()},
    "days": SearchField("features.days", Type.day, today=TODAY),
    "basket": SearchField("features.basket", Type.money, fractional=True),
    "tier.value": SearchField("tiers.value", Type.text),
}
_KINDS = {Type.integer: "long", Type.money: "long", Type.day: "long", Type.number: "double", Type.boolean: "boolean"}
_SCALAR_KINDS = {"whole": "long", "fraction": "double", "text": "keyword", "flag": "boolean"}


def mapping() -> dict[str, Any]:
    """The index's, of every field."""
    properties: dict[str, Any] = {"tags": {"type": "keyword"}}
    for field in FIELDS.values():
        if field.type is Type.scalar:
            properties |= {f"{field.path}.{part}": {"type": kind} for part, kind in _SCALAR_KINDS.items()}
        else:
            properties[field.path] = {"type": "double" if field.fractional else _KINDS.get(field.type, "keyword")}
    return {"dynamic": "strict", "properties": properties}


def can_be_indexed(row: dict[str, Any]) -> bool:
    """OpenSearch refuses infinite numbers; a feature never is one."""
    return not any(isinstance(value, float) and math.isinf(value) for value in row.values())


def document_of(row: dict[str, Any], tags: list[str]) -> dict[str, Any]:
    """Nulls and what is no number left out, a scalar under its type, days as the day that they are counted from."""
    document: dict[str, Any] = {"tags": tags}
    for name, value in row.items():
        field = FIELDS[name]
        if value is None or value != value:
            continue
        if field.type is Type.scalar:
            document[f"{field.path}.{SCALAR_PARTS[type(value)]}"] = value
        else:
            document[field.path] = TODAY - value if field.type is Type.day else value
    return document


def found(query: dict[str, Any], document: dict[str, Any]) -> bool:
    """Whether the query finds the document."""
    ((kind, body),) = query.items()
    if kind in ("match_all", "match_none"):
        return kind == "match_all"
    if kind == "bool":
        should = [found(each, document) for each in body.get("should", [])]
        return (
            all(found(each, document) for each in body.get("filter", []))
            and not any(found(each, document) for each in body.get("must_not", []))
            and sum(should) >= body.get("minimum_should_match", 0)
        )
    if kind == "exists":
        return body["field"] in document
    ((path, wanted),) = body.items()
    if path not in document:
        return False
    held = [_sortable(each) for each in (document[path] if isinstance(document[path], list) else [document[path]])]
    if kind == "term":
        return _sortable(wanted) in held
    if kind == "terms":
        return any(_sortable(each) in held for each in wanted)
    assert kind == "range"
    tests = {"lt": lambda v, w: v < w, "lte": lambda v, w: v <= w, "gt": lambda v, w: v > w, "gte": lambda v, w: v >= w}
    return all(tests[operator](value, _sortable(bound)) for operator, bound in wanted.items() for value in held)


def _sortable(value: Any) -> Any:
    """Doubles are ordered by their bits: -0.0 lies below 0.0."""
    return (value, math.copysign(1, value)) if isinstance(value, float) else value
