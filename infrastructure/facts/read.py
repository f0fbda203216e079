"""Reads the facts of many subjects at once, as columns. One statement, so one snapshot."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import psycopg

from domain.facts.fact import Details, decode_attributes, decode_details
from domain.facts.table import VOID, FactColumns, FactTable, table_from_columns
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_FACT

_SUBJECTS_A_ROW = 256  # bounds the size of one answer row
NO_AMOUNT = -(2**63)  # amounts are within +-(2^53 - 1)

# Arrays, not rows: numbers arrive as fixed-width binary arrays that numpy reads as they are. `offset 0` keeps the
# planner at one index look-up a subject; on its own it may scan all facts when it knows little of them.
_READ = f"""
select array_agg((s.i - 1)::int8), array_agg(f.position), array_agg(f.occurred_at), array_agg(f.known_at),
       array_agg(coalesce(f.amount, {NO_AMOUNT})), array_agg(f.kind), array_agg(f.currency), array_agg(f.source),
       array_agg(f.fact_id), string_agg(f.content_hash, ''::bytea),
       array_agg(case when f.kind = any(%(kinds)s) or %(all)s then f.sealed end)
from unnest(%(subjects)s::uuid[]) with ordinality as s(subject_id, i)
cross join lateral (select * from facts where facts.subject_id = s.subject_id offset 0) f
group by (s.i - 1) / {_SUBJECTS_A_ROW}
"""


def facts_of(
    conn: psycopg.Connection[Any],
    subject_ids: Sequence[UUID],
    keyring: Keyring,
    with_attributes: Collection[str] | None = frozenset(),
    *,
    with_lines: bool = True,
) -> FactTable:
    """All facts of the subjects. Attributes and lines are unsealed for these kinds (None: all), and for voids."""
    kinds = {VOID, *(with_attributes or ())}
    with conn.cursor(binary=True) as cursor:
        parameters = {"subjects": list(subject_ids), "kinds": sorted(kinds), "all": with_attributes is None}
        result = cursor.execute(_READ, parameters).pgresult
        assert result is not None
        numbers = [numbers_of(result, column) for column in range(5)]
        hashes = b"".join(result.get_value(row, 9) or b"" for row in range(result.ntuples))
        rows = cursor.fetchall()
    kind, currency, source, fact_id, sealed = ([v for row in rows for v in row[c]] for c in (5, 6, 7, 8, 10))
    subject = numbers[0].astype(np.int32)
    return table_from_columns(
        len(subject_ids),
        FactColumns(
            subject=subject,
            position=numbers[1],
            occurred_at=numbers[2],
            known_at=numbers[3],
            kind=kind,
            amount=np.where(numbers[4] == NO_AMOUNT, 0, numbers[4]),
            amount_valid=numbers[4] != NO_AMOUNT,
            currency=currency,
            source=source,
            fact_id=fact_id,
            content_hash=np.frombuffer(hashes, dtype=np.uint8).reshape(-1, 32),
            details=_details(conn, subject_ids, subject, sealed, keyring, with_lines),
        ),
    )


def numbers_of(result: Any, column: int) -> npt.NDArray[np.int64]:
    """A column of binary int8[] values without nulls: a 20-byte header, then 4 bytes of length and 8 of value each."""
    element = np.dtype([("length", ">i4"), ("value", ">i8")])
    arrays = [result.get_value(row, column) for row in range(result.ntuples)]
    parts = [np.frombuffer(array, dtype=element, offset=20)["value"] for array in arrays]
    return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)


def _details(
    conn: psycopg.Connection[Any],
    subject_ids: Sequence[UUID],
    subject: npt.NDArray[np.int32],
    sealed: list[bytes | None],
    keyring: Keyring,
    with_lines: bool,
) -> list[Details | None]:
    details: list[Details | None] = [None] * len(sealed)
    rows = [row for row, value in enumerate(sealed) if value is not None]
    if not rows:
        return details
    owners = subject.tolist()
    decode = decode_details if with_lines else decode_attributes
    found = keyring.seals(conn, [subject_ids[owner] for owner in {owners[row] for row in rows}])
    seals = [found.get(subject_id) for subject_id in subject_ids]
    for row in rows:
        seal, value = seals[owners[row]], sealed[row]
        if seal is not None and value is not None:
            details[row] = decode(seal.unseal(CONTEXT_FACT, value))
    return details
