"""The facts that a merge copies: opened with the one key, sealed and chained with the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.facts.fact import Details, Fact, canonical_content, decode_details, encode_details, next_chain
from domain.facts.table import VOID
from domain.user_tier.merging import FactConflict
from infrastructure.facts.batch import FactRow
from infrastructure.security.seal import CONTEXT_FACT, Seal

_THEIRS = """
select source, fact_id, kind, occurred_at, amount, currency, sealed from facts where subject_id = %b order by position
"""
_MINE = """
select f.source, f.fact_id, f.content_hash from facts f
where f.subject_id = %b
  and exists (select from facts o where o.subject_id = %b and o.source = f.source and o.fact_id = f.fact_id)
"""
_Name = tuple[str, str]


@dataclass(slots=True)
class Copies:
    """Rows for the survivor, in the order in which the other's were recorded; chain: the survivor's after them."""

    chain: bytes
    rows: list[FactRow] = field(default_factory=list)
    known_already: int = 0
    conflicts: list[FactConflict] = field(default_factory=list)


def copies_of(connection: Connection, other: Seal, survivor: Seal, chain: bytes, known_at: int) -> Copies:
    """chain: of the survivor's facts so far. known_at: of all that is copied, microseconds.

    What is on both sides with the same content counts once. With other content it is a conflict, unless the other's was
    voided: then neither it nor its void is copied.
    """
    rows = connection.execute(_THEIRS, (other.subject_id,), binary=True).fetchall()
    mine = connection.execute(_MINE, (survivor.subject_id, other.subject_id), binary=True).fetchall()
    there: Mapping[_Name, bytes] = {(source, fact_id): content_hash for source, fact_id, content_hash in mine}
    facts = [_fact(row, other) for row in rows]
    voids = {name: fact for fact in facts if (name := _voided_by(fact)) is not None}
    differing = {
        (fact.source, fact.fact_id)
        for fact in facts
        if (there_hash := there.get((fact.source, fact.fact_id))) is not None
        and survivor.digest(canonical_content(fact)) != there_hash
    }
    copies = Copies(chain)
    copies.conflicts = [FactConflict(*name) for name in sorted(differing) if name not in voids]
    for fact in facts:
        name = (fact.source, fact.fact_id)
        if name in differing or _voided_by(fact) in differing:
            continue
        if name in there:
            copies.known_already += 1
        else:
            _add(copies, fact, survivor, known_at)
    return copies


def _fact(row: Sequence[Any], seal: Seal) -> Fact:
    source, fact_id, kind, occurred_at, amount, currency, sealed = row
    details = Details() if sealed is None else decode_details(seal.unseal(CONTEXT_FACT, sealed))
    return Fact(fact_id, "", kind, occurred_at, source, amount, currency, details.attributes, details.lines)


def _voided_by(fact: Fact) -> _Name | None:
    """What a void removes: a fact of the source that it names, or of its own."""
    if fact.kind != VOID:
        return None
    return str(fact.attributes.get("source", fact.source)), str(fact.attributes.get("fact_id"))


def _add(copies: Copies, fact: Fact, seal: Seal, known_at: int) -> None:
    content_hash, details = seal.digest(canonical_content(fact)), encode_details(fact)
    copies.chain = next_chain(copies.chain, content_hash, known_at)
    subject_id: UUID = seal.subject_id
    copies.rows.append(
        FactRow(
            subject_id,
            fact.source,
            fact.fact_id,
            fact.kind,
            fact.occurred_at,
            known_at,
            fact.amount,
            fact.currency,
            None if details is None else seal.seal(CONTEXT_FACT, details),
            content_hash,
            copies.chain,
            None,
        )
    )
