"""Reads facts with the chain that proves them: once, for proof and for deciding."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
from psycopg import Connection, Cursor

from domain.facts.fact import EMPTY_CHAIN, Details, content_of, decode_attributes, decode_details, next_chain
from domain.facts.table import FactColumns, FactTable, coded, objects_of, table_from_columns
from infrastructure.facts.read import NO_AMOUNT, numbers_of
from infrastructure.security.seal import CONTEXT_FACT, Seal, SealBroken

_HASH_BYTES = 32

# A row a subject, in the order of its chain: gathered beside each other they would be more than the server keeps in
# memory.
_READ = f"""
select array_fill((s.i - 1)::int8, array[a.facts::int]), a.*
from unnest(%(subjects)s::uuid[]) with ordinality as s(subject_id, i)
cross join lateral (
    select array_agg(f.position), array_agg(f.occurred_at), array_agg(f.known_at),
           array_agg(coalesce(f.amount, {NO_AMOUNT})), array_agg(f.kind), array_agg(f.currency), array_agg(f.source),
           array_agg(f.fact_id), array_agg(f.content_hash), array_agg(f.chain), array_agg(f.sealed),
           count(*) as facts
    from (select * from facts where facts.subject_id = s.subject_id order by position) f having count(*) > 0
) a
"""


def ask_proved(connection: Connection, subject_ids: Sequence[UUID]) -> Cursor:
    """All facts of the subjects, for proved_facts."""
    return connection.execute(_READ.encode(), {"subjects": list(subject_ids)}, binary=True)


def proved_facts(
    asked: Cursor,
    ends: Mapping[UUID, bytes],
    seals: Mapping[UUID, Seal],
    kept: Collection[str] | None,
    *,
    with_lines: bool,
) -> tuple[FactTable, list[UUID]]:
    """The facts that were asked for, and whose chain does not hold: a fact row whose content or place is not what was
    recorded, or a row too few. Of a row that does not hold no details are told.

    ends: by subject, the chain's last link, in the order in which they were asked for; every subject has a seal.
    kept: kinds whose attributes, and lines, the table is to have (None: all).
    """
    ids, result = list(ends), asked.pgresult
    assert result is not None
    subject, position, occurred_at, known_at, amount = (numbers_of(result, column) for column in range(5))
    rows = asked.fetchall()
    texts = [[value for row in rows for value in row[column]] for column in range(5, 12)]
    kind, currency, source, fact_id, hashes, chains, sealed = texts
    details: dict[int, Details] = {}
    columns = FactColumns(
        subject=subject.astype(np.int32),
        position=position,
        occurred_at=occurred_at,
        known_at=known_at,
        kind=coded(kind),
        amount=np.where(amount == NO_AMOUNT, 0, amount),
        amount_valid=amount != NO_AMOUNT,
        currency=coded(currency),
        source=objects_of(source),
        fact_id=objects_of(fact_id),
        content_hash=_hashes(hashes),
        details=details,
    )
    wanted = None if kept is None else {name for name in columns.kind.names if name in kept}
    by_row = (kind, currency, source, fact_id, chains, hashes, sealed)
    decode = decode_details if with_lines else decode_attributes
    broken = _prove(columns, by_row, wanted, decode, details, list(ends.values()), [seals[id_] for id_ in ids])
    return table_from_columns(len(ids), columns), [ids[number] for number in sorted(broken)]


def _prove(
    columns: FactColumns,
    by_row: Sequence[Sequence[Any]],
    wanted: Collection[str] | None,
    decode: Callable[[bytes], Details],
    details: dict[int, Details],
    ends: Sequence[bytes],
    seals: Sequence[Seal],
) -> set[int]:
    """The numbers of the subjects whose chain does not hold. by_row: kinds, currencies, sources, fact ids, chains,
    content hashes and what is sealed. details: filled with what is decoded of the kinds that are wanted (None: all)."""
    running, broken = [EMPTY_CHAIN] * len(ends), set[int]()
    numbers = (columns.subject, columns.occurred_at, columns.known_at, columns.amount, columns.amount_valid)
    listed = [range(len(columns.subject)), *(column.tolist() for column in numbers), *by_row]
    for row, owner, occurred, known, amount, has_amount, kind, currency, source, fact_id, chain, digest, body in zip(
        *listed, strict=True
    ):
        seal, opened, holds = seals[owner], None, False
        try:
            if body is not None:
                opened = seal.unseal(CONTEXT_FACT, body)
            content = content_of(fact_id, kind, occurred, source, amount if has_amount else None, currency, opened)
            holds = seal.digest(content) == digest
            if holds and opened is not None and (wanted is None or kind in wanted):
                details[row] = decode(opened)
        except (SealBroken, msgspec.MsgspecError, ValueError, RecursionError):  # msgpack is decoded to be hashed
            pass
        link = running[owner] = next_chain(running[owner], digest, known)
        if link != chain or not holds:
            broken.add(owner)
    return broken | {number for number, end in enumerate(ends) if running[number] != end}


def _hashes(hashes: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(rows, 32); one of another length, which is none of ours, counts as zeros."""
    joined = b"".join(one if len(one) == _HASH_BYTES else bytes(_HASH_BYTES) for one in hashes)
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, _HASH_BYTES)
