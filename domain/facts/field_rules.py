"""The rule of every field of a fact, each as a function from the value found to what is wrong with it."""

import math
import re
from collections.abc import Mapping, Sequence

from domain.facts.field_errors import FieldError, shown
from domain.facts.instants import SECOND, parse_instant

ID_LENGTH = 200
KEY_LENGTH = 100
TEXT_LENGTH = 2_000
MAX_ATTRIBUTES = 100
MAX_LINES = 1_000
MAX_AMOUNT = 2**53 - 1  # every JSON reader has it exactly
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
FUTURE_DAYS = 366
DAY = 86_400 * SECOND

# Lone surrogates have no UTF-8; control characters (a NUL above all) have no place in a name.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)

Errors = list[FieldError]


def has_control_characters(text: str) -> bool:
    """Whether a name has characters that no name may have."""
    return _CONTROL.search(text) is not None


def is_currency(text: str) -> bool:
    """Whether a text is spelled like an ISO 4217 code."""
    return _CURRENCY.fullmatch(text) is not None


def id_errors(name: str, value: object, *, empty_allowed: bool = False) -> Errors:
    """Of fact_id, user_id and source."""
    if not isinstance(value, str):
        return [FieldError(name, shown(value), "send text", "not a text")]
    if not value and not empty_allowed:
        return [FieldError(name, value, f"send 1 to {ID_LENGTH} characters", "empty")]
    if len(value) > ID_LENGTH:
        return [FieldError(name, shown(value), f"send at most {ID_LENGTH} characters", f"{len(value)} characters")]
    if has_control_characters(value):
        return [FieldError(name, shown(value), "leave control characters out", "has control characters")]
    return []


def occurred_at_errors(name: str, value: object) -> Errors:
    """An RFC 3339 instant with an offset, 1970 or later. Whether it lies too far ahead is known when it is recorded."""
    remedy = "send an RFC 3339 instant with an offset, such as 2026-03-01T08:00:00Z"
    if not isinstance(value, str):
        return [FieldError(name, shown(value), remedy, "not a text")]
    try:
        instant = parse_instant(value)
    except (ValueError, OverflowError) as error:
        return [FieldError(name, shown(value), remedy, str(error))]
    if instant < 0:
        return [FieldError(name, value, "send an instant from 1970-01-01T00:00:00Z on", "before 1970")]
    return []


def amount_errors(name: str, value: object) -> Errors:
    """Whole minor units, not negative."""
    remedy = "send whole minor units (cents) from 0 to 2^53 - 1, such as 1999 for 19.99"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [FieldError(name, shown(value), remedy, "not a number")]
    if isinstance(value, float):
        return [FieldError(name, shown(value), remedy, "fractional minor units are refused")]
    if value < 0:
        return [FieldError(name, shown(value), f"{remedy}; money given back is a refund", "negative")]
    if value > MAX_AMOUNT:
        return [FieldError(name, shown(value), remedy, "too large")]
    return []


def currency_errors(value: object) -> Errors:
    """Three capital letters."""
    if isinstance(value, str) and is_currency(value):
        return []
    return [FieldError("currency", shown(value), "send an ISO 4217 code such as CNY", "malformed currency")]


def attributes_errors(name: str, value: object) -> Errors:
    """A flat object of scalars."""
    if not isinstance(value, Mapping):
        return [FieldError(name, shown(value), "send an object of flat values", "not an object")]
    if len(value) > MAX_ATTRIBUTES:
        return [FieldError(name, len(value), f"send at most {MAX_ATTRIBUTES}", f"{len(value)} attributes")]
    return [error for key, item in value.items() for error in _attribute_errors(name, key, item)]


def lines_errors(name: str, value: object) -> Errors:
    """Order lines: flat objects; sku and category text, quantity a number, amount minor units, where given."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return [FieldError(name, shown(value), "send a list of objects", "not a list")]
    if len(value) > MAX_LINES:
        return [FieldError(name, len(value), f"send at most {MAX_LINES} lines", f"{len(value)} lines")]
    return [error for index, line in enumerate(value) for error in _line_errors(f"{name}[{index}]", line)]


def line_is_plain(line: Mapping[str, object]) -> bool:
    """Whether the known fields of a flat line are all there is to like: no error, at a glance. False: look closer."""
    amount, quantity = line.get("amount", 0), line.get("quantity", 0)
    return (
        type(amount) is int
        and 0 <= amount <= MAX_AMOUNT
        and (type(quantity) is int or type(quantity) is float)
        and quantity >= 0
        and type(line.get("sku", "")) is str
        and type(line.get("category", "")) is str
    )


def _line_errors(name: str, line: object) -> Errors:
    errors = attributes_errors(name, line)
    if errors or not isinstance(line, Mapping):
        return errors
    for field in ("sku", "category"):
        if not isinstance(line.get(field, ""), str | None):
            errors.append(FieldError(f"{name}.{field}", shown(line[field]), "send text", "not a text"))
    quantity, amount = line.get("quantity"), line.get("amount")
    if quantity is not None and (isinstance(quantity, bool | str) or quantity < 0):
        errors.append(FieldError(f"{name}.quantity", shown(quantity), "send a number from 0", "malformed quantity"))
    return errors if amount is None else errors + amount_errors(f"{name}.amount", amount)


def _attribute_errors(parent: str, key: object, value: object) -> Errors:
    name = f"{parent}.{shown(key)}"
    if not isinstance(key, str) or not 0 < len(key) <= KEY_LENGTH or _SURROGATE.search(key):
        return [FieldError(name, shown(key), f"use keys of 1 to {KEY_LENGTH} characters", "malformed key")]
    if value is None or isinstance(value, bool):
        return []
    if isinstance(value, str):
        if len(value) > TEXT_LENGTH:
            return [FieldError(name, shown(value), f"send at most {TEXT_LENGTH} characters", "too long")]
        if _SURROGATE.search(value):
            return [FieldError(name, shown(value), "send well-formed Unicode", "has half a surrogate pair")]
        return []
    if isinstance(value, int):
        if MIN_INTEGER <= value <= MAX_INTEGER:
            return []
        return [FieldError(name, shown(value), "send a 64-bit integer, or text", "integer too large")]
    if isinstance(value, float):
        return [] if math.isfinite(value) else [FieldError(name, shown(value), "send a finite number", "not finite")]
    return [FieldError(name, shown(value), "send text, a number, true, false or null", "not a flat value")]
