"""The edge: what was sent becomes a Fact, or the list of what is wrong with it. Quick when nothing is wrong."""

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

import msgspec

from domain.facts.fact import Fact, Line, Scalar
from domain.facts.field_errors import FieldError, shown
from domain.facts.field_rules import (
    DAY,
    FUTURE_DAYS,
    ID_LENGTH,
    KEY_LENGTH,
    MAX_AMOUNT,
    MAX_ATTRIBUTES,
    MAX_INTEGER,
    MAX_LINES,
    MIN_INTEGER,
    TEXT_LENGTH,
    amount_errors,
    attributes_errors,
    currency_errors,
    has_control_characters,
    id_errors,
    is_currency,
    line_is_plain,
    lines_errors,
    occurred_at_errors,
)
from domain.facts.instants import format_instant, parse_instant
from domain.facts.kinds import KindDefinition, malformed_texts, missing_fields

_Meta = msgspec.Meta
_Id = Annotated[str, _Meta(min_length=1, max_length=ID_LENGTH)]
_Key = Annotated[str, _Meta(min_length=1, max_length=KEY_LENGTH)]
_Value = (
    Annotated[str, _Meta(max_length=TEXT_LENGTH)]
    | Annotated[int, _Meta(ge=MIN_INTEGER, le=MAX_INTEGER)]
    | float
    | bool
    | None
)
_Flat = Annotated[dict[_Key, _Value], _Meta(max_length=MAX_ATTRIBUTES)]


class _Sent(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A well-formed fact as sent. Whatever this refuses is looked at again, field by field."""

    fact_id: _Id
    user_id: _Id
    kind: str
    occurred_at: str
    source: Annotated[str, _Meta(max_length=ID_LENGTH)] = ""
    amount: Annotated[int, _Meta(ge=0, le=MAX_AMOUNT)] | None = None
    currency: str | None = None
    attributes: _Flat = {}
    lines: Annotated[tuple[_Flat, ...], _Meta(max_length=MAX_LINES)] = ()


_FIELDS = ("fact_id", "user_id", "kind", "occurred_at", "source", "amount", "currency", "attributes", "lines")
_DECODER = msgspec.json.Decoder(_Sent)
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)  # text that is no JSON, or nested without end
_Errors = list[FieldError]


def check_fact(sent: bytes | Mapping[str, Any], kinds: Mapping[str, KindDefinition]) -> Fact | list[FieldError]:
    """One fact as sent (JSON text, or an object): the fact, or everything that is wrong with it."""
    if not isinstance(sent, bytes):
        return _examine(sent, kinds)
    try:
        fact = _fact(_DECODER.decode(sent))
    except UNREADABLE:
        return _examine_text(sent, kinds)
    definition = kinds.get(fact.kind)
    if definition is None or _suspicious(fact, definition):
        return _examine_text(sent, kinds)
    return fact


def future_error(fact: Fact, now: int) -> FieldError | None:
    """What is wrong with a fact that lies too far ahead of now (microseconds)."""
    if fact.occurred_at <= now + FUTURE_DAYS * DAY:
        return None
    return FieldError(
        "occurred_at",
        format_instant(fact.occurred_at),
        f"send an instant up to {FUTURE_DAYS} days ahead of now, {format_instant(now)}",
        "occurred_at lies in the far future",
    )


def ahead_error(fact: Fact, now: int) -> FieldError | None:
    """What is wrong with a supposed fact that lies ahead of now (microseconds): it would say nothing yet."""
    if fact.occurred_at <= now:
        return None
    remedy = f"leave it out, or send an instant up to now, {format_instant(now)}"
    return FieldError("occurred_at", format_instant(fact.occurred_at), remedy, "occurred_at lies in the future")


def currency_error(fact: Fact, currencies: Collection[str]) -> FieldError | None:
    """What is wrong with a fact in another currency than the schemes in force. No currencies: anything goes."""
    if fact.currency is None or not currencies or fact.currency in currencies:
        return None
    return FieldError(
        "currency",
        fact.currency,
        f"send amounts in {' or '.join(sorted(currencies))}, the currency of the schemes in force",
        "a change of currency is refused",
    )


def history_error(fact: Fact, opened_at: int) -> FieldError | None:
    """What is wrong with history dated after its session's opening (microseconds)."""
    if fact.occurred_at <= opened_at:
        return None
    return FieldError(
        "occurred_at",
        format_instant(fact.occurred_at),
        f"send facts from after the session's opening, {format_instant(opened_at)}, as live facts",
        "history dated after its session's opening is refused",
    )


def _fact(sent: _Sent) -> Fact:
    return Fact(
        sent.fact_id,
        sent.user_id,
        sent.kind,
        parse_instant(sent.occurred_at),
        sent.source,
        sent.amount,
        sent.currency,
        sent.attributes,
        sent.lines,
    )


def _suspicious(fact: Fact, definition: KindDefinition) -> bool:
    """Whether what the decoder let through needs the closer look. Never false when something is wrong."""
    currency = fact.currency
    return (
        fact.occurred_at < 0
        or has_control_characters(fact.fact_id + fact.user_id + fact.source)
        or (fact.amount is not None if currency is None else not is_currency(currency))
        or bool(definition.requires and missing_fields(fact, definition))
        or bool(definition.texts and malformed_texts(fact, definition))
        or fact.kind == "void"
        or not all(map(line_is_plain, fact.lines))
    )


def _examine_text(sent: bytes, kinds: Mapping[str, KindDefinition]) -> Fact | list[FieldError]:
    try:
        value = msgspec.json.decode(sent)
    except UNREADABLE as error:
        text = sent[:100].decode("utf-8", "replace")
        return [FieldError("fact", text, "send one JSON object a fact, a line each in NDJSON", f"not JSON: {error}")]
    return _examine(value, kinds)


def _examine(value: object, kinds: Mapping[str, KindDefinition]) -> Fact | list[FieldError]:
    """Field by field. A null is a field left out."""
    if not isinstance(value, Mapping):
        return [FieldError("fact", shown(value), "send a JSON object a fact", "a fact is an object")]
    sent = {name: item for name, item in value.items() if item is not None}
    errors = [
        FieldError(str(name), shown(sent[name]), "leave it out, or put it into attributes", "unknown field")
        for name in sent
        if name not in _FIELDS
    ]
    for name in ("fact_id", "user_id", "kind", "occurred_at"):
        if name not in sent:
            errors.append(FieldError(name, None, f"send {name}", "a required field is missing"))
    for name, check in _CHECKS.items():
        if name in sent:
            errors += check(name, sent[name])
    if "kind" in sent and (not isinstance(sent["kind"], str) or sent["kind"] not in kinds):
        known = ", ".join(sorted(kinds))
        errors.append(FieldError("kind", shown(sent["kind"]), f"use one of {known}, or register it", "unknown kind"))
    if errors:
        return errors
    fact = _build(sent)
    return _kind_errors(fact, kinds[fact.kind]) or fact


def _build(sent: Mapping[str, Any]) -> Fact:
    attributes: dict[str, Scalar] = dict(sent.get("attributes", {}))
    lines: tuple[Line, ...] = tuple(dict(line) for line in sent.get("lines", ()))
    return Fact(
        sent["fact_id"],
        sent["user_id"],
        sent["kind"],
        parse_instant(sent["occurred_at"]),
        sent.get("source", ""),
        sent.get("amount"),
        sent.get("currency"),
        attributes,
        lines,
    )


def _kind_errors(fact: Fact, definition: KindDefinition) -> list[FieldError]:
    """What the kind asks for, and money without a currency."""
    errors = [
        FieldError(path, None, f"send {path} with every {fact.kind}", f"required for kind {fact.kind}")
        for path in missing_fields(fact, definition)
    ]
    if fact.amount is not None and fact.currency is None and "currency" not in definition.requires:
        errors.append(FieldError("currency", None, "send the currency of the amount, such as CNY", "no currency"))
    for name in malformed_texts(fact, definition):
        value = shown(fact.attributes[name])
        errors.append(FieldError(f"attributes.{name}", value, "send non-empty text", "not a text"))
    named = (fact.attributes.get("source", fact.source), fact.attributes.get("fact_id"))
    if fact.kind == "void" and named == (fact.source, fact.fact_id):
        remedy = "name the fact to remove, and give the void a fact_id of its own"
        errors.append(FieldError("attributes.fact_id", fact.fact_id, remedy, "a void cannot name itself"))
    return errors


def _text_id(name: str, value: object) -> _Errors:
    return id_errors(name, value, empty_allowed=name == "source")


def _currency(name: str, value: object) -> _Errors:
    return currency_errors(value)


_CHECKS: Mapping[str, Callable[[str, object], _Errors]] = {
    "fact_id": _text_id,
    "user_id": _text_id,
    "occurred_at": occurred_at_errors,
    "source": _text_id,
    "amount": amount_errors,
    "currency": _currency,
    "attributes": attributes_errors,
    "lines": lines_errors,
}
