"""A subject's facts, opened, with the user ids that brought them; and rows of facts for one subject."""

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import Connection

from domain.facts.fact import Details, Fact, content_and_details, decode_details, next_chain
from domain.user_tier.splitting import Brought, Name
from infrastructure.facts.batch import FactRow, LockedSubject
from infrastructure.facts.writing import copy_and_advance
from infrastructure.security.seal import CONTEXT_FACT, Seal

_FACTS = """
select source, fact_id, kind, occurred_at, amount, currency, sealed, coalesce(brought_by, 0)
from facts where subject_id = %b order by position
"""
_ALSO = "select source, fact_id, number from facts_also_brought where subject_id = %b"
_DEPARTED = "select number from departed_user_ids where subject_id = %b"
_NUMBER = "select nextval('user_id_numbers')::integer"
_TIMELINE = "select last_instant, facts, chain from timelines where subject_id = %b"
_KEEP = """
insert into facts_also_brought (subject_id, source, fact_id, number)
select %b::uuid, * from unnest(%b::text[], %b::text[], %b::integer[]) on conflict do nothing
"""


def brought_facts(connection: Connection, seal: Seal) -> list[Brought]:
    """All facts of the seal's subject, in the order in which they were recorded."""
    also, departed = also_brought(connection, seal), departed_numbers(connection, seal)
    found = []
    for *row, number in connection.execute(_FACTS, (seal.subject_id,), binary=True).fetchall():
        fact = _fact(row, seal)
        by = {number, *also.get((fact.source, fact.fact_id), ())} - departed
        found.append(Brought(fact, frozenset(by)))
    return found


def also_brought(connection: Connection, seal: Seal) -> dict[Name, set[int]]:
    """By fact, which ids brought it besides the first."""
    also: dict[Name, set[int]] = {}
    for source, fact_id, number in connection.execute(_ALSO, (seal.subject_id,), binary=True).fetchall():
        also.setdefault((source, fact_id), set()).add(number)
    return also


def departed_numbers(connection: Connection, seal: Seal) -> set[int]:
    """Of the ids that have left the subject."""
    return {row[0] for row in connection.execute(_DEPARTED, (seal.subject_id,), binary=True).fetchall()}


def new_number(connection: Connection) -> int:
    """For a user id, or for what none of them has brought."""
    row = connection.execute(_NUMBER).fetchone()
    assert row is not None
    return int(row[0])


class NewRows:
    """Rows to add to one subject's chain, all known at one instant, and who else brought them."""

    def __init__(self, connection: Connection, seal: Seal, known_at: int) -> None:
        row = connection.execute(_TIMELINE, (seal.subject_id,), binary=True).fetchone()
        assert row is not None, "its timeline is locked"
        self._last_instant, self._facts, self._chain = row
        self._connection, self._seal, self._known_at = connection, seal, known_at
        self._also: list[tuple[str, str, int]] = []
        self.rows: list[FactRow] = []

    def add(self, fact: Fact, by: Iterable[int]) -> None:
        """by: numbers, at least one."""
        seal, known_at = self._seal, self._known_at
        content, details = content_and_details(fact)
        content_hash = seal.digest(content)
        self._chain = next_chain(self._chain, content_hash, known_at)
        first, *others = sorted(by)
        self.also((fact.source, fact.fact_id), others)
        self.rows.append(
            FactRow(
                seal.subject_id,
                fact.source,
                fact.fact_id,
                fact.kind,
                fact.occurred_at,
                known_at,
                fact.amount,
                fact.currency,
                None if details is None else seal.seal(CONTEXT_FACT, details),
                content_hash,
                self._chain,
                None,
                first or None,
            )
        )

    def also(self, name: Name, by: Iterable[int]) -> None:
        """A fact that is there, or is added, was brought by these as well."""
        self._also += [(*name, number) for number in by]

    def write(self) -> None:
        """In the caller's transaction, which goes on. The order lock is held from then on."""
        if self._also:
            columns = [list(column) for column in zip(*self._also, strict=True)]
            self._connection.execute(_KEEP, (self._seal.subject_id, *columns), binary=True)
        if self.rows:
            last_instant, count = max(self._last_instant, self._known_at), len(self.rows)
            subject = LockedSubject(
                self._seal.subject_id, self._seal, last_instant, self._facts, self._chain, None, False
            )
            subject.due_at, subject.offset, subject.recorded = self._known_at, count, count
            copy_and_advance(self._connection, self.rows, subject)


def _fact(row: Sequence[Any], seal: Seal) -> Fact:
    source, fact_id, kind, occurred_at, amount, currency, sealed = row
    details = Details() if sealed is None else decode_details(seal.unseal(CONTEXT_FACT, sealed))
    return Fact(fact_id, "", kind, occurred_at, source, amount, currency, details.attributes, details.lines)
