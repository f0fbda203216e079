"""Says what is wrong when a fact's name is taken by other content: names both."""

from collections.abc import Mapping, Sequence

from psycopg import Connection

from domain.facts.fact import Details, Fact, Scalar, decode_details
from domain.facts.field_errors import FieldError
from domain.facts.instants import format_instant
from infrastructure.facts.batch import Conflict, Item, LockedSubject
from infrastructure.security.seal import CONTEXT_FACT

_SELECT = """
select kind, occurred_at, amount, currency, sealed from facts where subject_id = %s and source = %s and fact_id = %s
"""
_REMEDY = "send other content under a fact_id of its own; to correct the recorded fact, void it first"


def explain(connection: Connection, conflict: Conflict, items: Sequence[Item]) -> FieldError:
    """The refusal of the later fact: which fields differ, and since when the first is known."""
    sent = items[conflict.item].fact
    if conflict.existing is None:
        first, where = items[conflict.first].fact, "earlier in the same batch"
    else:
        first = _recorded(connection, conflict.subject, sent)
        where = f"at position {conflict.existing.position}, known at {format_instant(conflict.existing.known_at)}"
    differences = "; ".join(_differences(first, sent))
    return FieldError("fact_id", sent.fact_id, _REMEDY, f"already recorded {where}, with other content: {differences}")


def _recorded(connection: Connection, subject: LockedSubject, sent: Fact) -> Fact:
    row = connection.execute(_SELECT, (subject.subject_id, sent.source, sent.fact_id), binary=True).fetchone()
    assert row is not None, "the row is locked with its subject"
    kind, occurred_at, amount, currency, sealed = row
    details = decode_details(subject.seal.unseal(CONTEXT_FACT, sealed)) if sealed else Details()
    return Fact(
        sent.fact_id,
        sent.user_id,
        kind,
        occurred_at,
        sent.source,
        amount,
        currency,
        details.attributes,
        details.lines,
    )


def _differences(first: Fact, sent: Fact) -> list[str]:
    found = []
    for name in ("kind", "amount", "currency"):
        before, now = getattr(first, name), getattr(sent, name)
        if before != now:
            found.append(f"{name} was {_said(before)}, now {_said(now)}")
    if first.occurred_at != sent.occurred_at:
        before, now = format_instant(first.occurred_at), format_instant(sent.occurred_at)
        found.insert(0, f"occurred_at was {before}, now {now}")
    # Attributes and lines may be personal: their names are enough to find the difference.
    found += [f"attributes.{name} differs" for name in _differing_keys(first.attributes, sent.attributes)]
    return found + (["lines differ"] if first.lines != sent.lines else [])


def _differing_keys(first: Mapping[str, Scalar], sent: Mapping[str, Scalar]) -> list[str]:
    return [
        key
        for key in sorted(first.keys() | sent.keys())
        if (key in first, type(first.get(key)), first.get(key)) != (key in sent, type(sent.get(key)), sent.get(key))
    ]


def _said(value: object) -> str:
    return "absent" if value is None else str(value)
