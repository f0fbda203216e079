"""Reads the facts of many subjects at once, as columns. One statement, so one snapshot."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import psycopg

from domain.facts.fact import Details, decode_attributes, decode_details
from domain.facts.table import VOID, Coded, FactColumns, FactTable, coded, objects_of, table_from_columns
from infrastructure.postgres.arrays import texts, uuids
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_FACT, Seal

_SUBJECTS_A_ROW = 256  # bounds the size of one answer row
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])  # of a binary int8[]
NO_AMOUNT = -(2**63)  # amounts are within +-(2^53 - 1)

# Arrays, not rows: numbers arrive as fixed-width binary arrays that numpy reads as they are. `offset 0` keeps the
# planner at one index look-up a subject; on its own it may scan all facts when it knows little of them.
_READ = f"""
select array_agg((s.i - 1)::int8), array_agg(f.position), array_agg(f.occurred_at), array_agg(f.known_at),
       array_agg(coalesce(f.amount, {NO_AMOUNT})), array_agg(f.kind), array_agg(f.currency), array_agg(f.source),
       array_agg(f.fact_id), string_agg(f.content_hash, ''::bytea),
       array_agg(case when f.kind = any(%(kinds)s) or %(all)s then f.sealed end)
from unnest({{}}) with ordinality as s(subject_id, i)
{{}}
group by (s.i - 1) / {_SUBJECTS_A_ROW}
"""
_SUBJECTS = "%(subjects)s::uuid[]"
_ALL = _READ.format(
    _SUBJECTS, "cross join lateral (select * from facts where facts.subject_id = s.subject_id offset 0) f"
)
_SINCE = _READ.replace("s(subject_id, i)", "s(subject_id, since, i)").format(
    "%(subjects)s::uuid[], %(since)s::bigint[]",
    f"""cross join lateral (
        select * from facts where facts.subject_id = s.subject_id
          and (facts.occurred_at >= s.since or facts.kind = '{VOID}') offset 0
    ) f""",
)
_NOT_PACKED = """
left join lateral (select position from packed_facts where packed_facts.subject_id = s.subject_id offset 0) p on true
cross join lateral (
    select * from facts where facts.subject_id = s.subject_id and facts.position > coalesce(p.position, 0) offset 0
) f
"""
_UNPACKED = _READ.format(_SUBJECTS, _NOT_PACKED)
_UNPACKED_OF_USER = _READ.format("array(select subject_id from user_ids where user_id = %(user_id)s)", _NOT_PACKED)


@dataclass(frozen=True, slots=True)
class FactRows:
    """Rows of facts as columns, and what is sealed of each, where it was asked for."""

    columns: FactColumns
    sealed: Sequence[bytes | None]

    def taken(self, rows: npt.NDArray[np.int64]) -> "FactRows":
        """Some of the rows."""
        columns: dict[str, Any] = {field.name: getattr(self.columns, field.name) for field in fields(self.columns)}
        for name, column in columns.items():
            if isinstance(column, np.ndarray):
                columns[name] = column[rows]
            elif isinstance(column, Coded):
                columns[name] = Coded(column.codes[rows], column.names)
        return FactRows(FactColumns(**columns), [self.sealed[row] for row in rows.tolist()])

    def opened(self, seals: Mapping[int, Seal], with_lines: bool) -> FactColumns:
        """With details. seals: by subject, as the rows count them; of who has none nothing is opened."""
        decode = decode_details if with_lines else decode_attributes
        owners, details = self.columns.subject.tolist(), dict[int, Details]()
        for row, value in enumerate(self.sealed):
            seal = seals.get(owners[row]) if value is not None else None
            if seal is not None and value is not None:
                details[row] = decode(seal.unseal(CONTEXT_FACT, value))
        return replace(self.columns, details=details)


def facts_of(
    conn: psycopg.Connection[Any],
    subject_ids: Sequence[UUID],
    keyring: Keyring,
    with_attributes: Collection[str] | None = frozenset(),
    *,
    with_lines: bool = True,
) -> FactTable:
    """All facts of the subjects. Attributes and lines are unsealed for these kinds (None: all), and for voids."""
    rows = fact_rows(ask_facts(conn, subject_ids, with_attributes))
    return _opened(conn, subject_ids, keyring, rows, with_lines=with_lines)


def facts_since(
    conn: psycopg.Connection[Any], subject_ids: Sequence[UUID], since: Sequence[int], keyring: Keyring
) -> FactTable:
    """What occurred to each subject from an instant on, with attributes and lines, and all voids."""
    rows = fact_rows(_ask(conn, _SINCE, None, subjects=list(subject_ids), since=list(since)))
    return _opened(conn, subject_ids, keyring, rows, with_lines=True)


def ask_facts(
    conn: psycopg.Connection[Any], subject_ids: Sequence[UUID], with_attributes: Collection[str] | None
) -> psycopg.Cursor[Any]:
    """The question alone, for fact_rows: in a pipeline nobody waits for the answer."""
    return _ask(conn, _ALL, with_attributes, subjects=uuids(subject_ids))


def ask_unpacked(
    conn: psycopg.Connection[Any], whose: Sequence[UUID] | str, with_attributes: Collection[str] | None
) -> psycopg.Cursor[Any]:
    """The same, of the facts that no pack holds. whose: the subjects, or one user."""
    if isinstance(whose, str):
        return _ask(conn, _UNPACKED_OF_USER, with_attributes, user_id=whose)
    return _ask(conn, _UNPACKED, with_attributes, subjects=uuids(whose))


def fact_rows(asked: psycopg.Cursor[Any]) -> FactRows:
    """The answer, nothing unsealed. Subjects are numbered as they were asked for."""
    rows = asked.fetchall()
    result = asked.pgresult
    assert result is not None
    subject, position, occurred_at, known_at, amount = (numbers_of(result, column) for column in range(5))
    hashes = b"".join(result.get_value(row, 9) or b"" for row in range(result.ntuples))
    kind, currency, source, fact_id, sealed = ([v for row in rows for v in row[c]] for c in (5, 6, 7, 8, 10))
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
        content_hash=np.frombuffer(hashes, dtype=np.uint8).reshape(-1, 32),
        details={},
    )
    return FactRows(columns, sealed)


def numbers_of(result: Any, column: int) -> npt.NDArray[np.int64]:
    """A column of binary int8[] values without nulls: a 20-byte header, then the elements."""
    arrays = [result.get_value(row, column) for row in range(result.ntuples)]
    parts = [np.frombuffer(array, dtype=_ELEMENT, offset=20)["value"] for array in arrays]
    return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)


def _opened(
    conn: psycopg.Connection[Any], subject_ids: Sequence[UUID], keyring: Keyring, rows: FactRows, *, with_lines: bool
) -> FactTable:
    owners = {number for number, value in zip(rows.columns.subject.tolist(), rows.sealed, strict=True) if value}
    seals = keyring.seals(conn, [subject_ids[number] for number in owners]) if owners else {}
    by_number = {number: seals[id_] for number, id_ in enumerate(subject_ids) if id_ in seals}
    return table_from_columns(len(subject_ids), rows.opened(by_number, with_lines))


def _ask(
    conn: psycopg.Connection[Any], query: str, with_attributes: Collection[str] | None, **whose: Any
) -> psycopg.Cursor[Any]:
    kinds = {VOID, *(with_attributes or ())}
    parameters = {"kinds": texts(sorted(kinds)), "all": with_attributes is None, **whose}
    return conn.cursor(binary=True).execute(query.encode(), parameters)
