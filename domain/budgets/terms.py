"""What a budget says of itself, and when a second person has to agree to it."""

import re
from typing import Any

import msgspec

from domain.benefits.spec import LARGEST
from domain.budgets.refusals import BudgetInvalid
from domain.facts.instants import format_instant
from domain.tier_model.calendar import load_zone

PERIODS = ("", "month", "quarter", "year")
LANGUAGES = ("zh-CN", "en")
_NAME = re.compile(r"[a-z0-9]([a-z0-9_.\-]{0,62}[a-z0-9])?")
_CURRENCY = re.compile("[A-Z]{3}")
_UNSAID = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_LONGEST_LABEL = 100


class BudgetTerms(msgspec.Struct, frozen=True):
    """amount: minor units, of the whole or, with a period, of each calendar period of the time zone.

    parent: the budget that is charged along, '': none. starts_at, ends_at: microseconds; from the one on and before the
    other it can be charged. labels: by language.
    """

    amount: int
    currency: str
    time_zone: str
    parent: str = ""
    period: str = ""
    starts_at: int | None = None
    ends_at: int | None = None
    labels: dict[str, str] = {}

    def to_json(self) -> dict[str, Any]:
        """Plain values, for events."""
        written: dict[str, Any] = msgspec.to_builtins(self)
        return written


def terms_from_json(data: dict[str, Any]) -> BudgetTerms:
    """What to_json has written."""
    return msgspec.convert(data, BudgetTerms)


def require_name(budget: str, field: str = "budget") -> None:
    """Raises BudgetInvalid."""
    if _NAME.fullmatch(budget) is None:
        remedy = (
            "write 1 to 64 small letters, digits, points, hyphens and underscores, with a letter or digit at both ends"
        )
        raise BudgetInvalid(field, budget[:200], remedy)


def require_sound(budget: str, terms: BudgetTerms, parent_currency: str | None) -> None:
    """parent_currency: that of the parent, None without one. Raises BudgetInvalid."""
    require_name(budget)
    require_amount(terms)
    if _CURRENCY.fullmatch(terms.currency) is None:
        raise BudgetInvalid("currency", terms.currency[:200], "write three capital letters, such as CNY")
    if parent_currency is not None and parent_currency != terms.currency:
        raise BudgetInvalid(
            "currency", terms.currency, f"its parent {terms.parent!r} is in {parent_currency}: use that"
        )
    if terms.parent == budget:
        raise BudgetInvalid("parent", terms.parent, "a budget does not lie in itself: name another, or leave it out")
    if terms.period not in PERIODS:
        raise BudgetInvalid("period", terms.period[:200], "write month, quarter or year, or leave it out")
    try:
        load_zone(terms.time_zone)
    except ValueError:
        raise BudgetInvalid(
            "time_zone", terms.time_zone[:200], "write an IANA time zone such as Asia/Shanghai"
        ) from None
    _require_labels(terms.labels)


def require_amount(terms: BudgetTerms) -> None:
    """The amount and the end, which can change. Raises BudgetInvalid."""
    if not 0 <= terms.amount <= LARGEST:
        raise BudgetInvalid("amount", terms.amount, f"write whole minor units from 0 to {LARGEST}")
    if terms.starts_at is not None and terms.ends_at is not None and terms.ends_at <= terms.starts_at:
        raise BudgetInvalid("ends_at", format_instant(terms.ends_at), "let it end after it starts")


def asks_for_more(terms: BudgetTerms, before: BudgetTerms | None) -> bool:
    """Whether there is more money in it than before (None: there was no budget): a larger amount, or more periods."""
    if before is None or terms.amount > before.amount:
        return True
    longer = before.ends_at is not None and (terms.ends_at is None or terms.ends_at > before.ends_at)
    return bool(terms.period) and longer


def _require_labels(labels: dict[str, str]) -> None:
    for language, text in labels.items():
        if language not in LANGUAGES:
            raise BudgetInvalid(f"labels.{language[:20]}", text[:200], f"write one of {', '.join(LANGUAGES)}")
        if not 1 <= len(text) <= _LONGEST_LABEL or _UNSAID.search(text):
            raise BudgetInvalid(f"labels.{language}", text[:200], f"write 1 to {_LONGEST_LABEL} characters on one line")
