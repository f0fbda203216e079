"""Facts in columns: what evaluation reads. One row a fact, sorted by subject, occurred_at, position."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from domain.facts.fact import Details, Fact, canonical_content

NEVER = np.iinfo(np.int64).max  # voided_at of a fact that no void names
VOID = "void"
_SHORT = 2**15  # below, numbers are sorted several times faster

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Seen(NamedTuple):
    """How many of a subject's facts were seen first, and the running hash over these (seen.py), known beforehand."""

    facts: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class FactTable:
    """Facts of `subjects` subjects as equally long columns, sorted by (subject, occurred_at, position).

    subject indexes the ids that were asked for. kind and currency are codes into kinds and currencies (currency -1:
    none). content_hash is (rows, 32) bytes. attributes and lines are None where a row has none, or its kind was not
    asked for. voided_at is the known_at of the earliest void that names the fact, NEVER without one; voids are final: a
    void that names a void changes nothing.

    seen: by subject, whose first facts came without source, fact_id and content_hash (None, None, zeros), for nobody
    asks for these.
    """

    subjects: int
    subject: npt.NDArray[np.int32]
    position: Int64s
    occurred_at: Int64s
    known_at: Int64s
    kind: npt.NDArray[np.int16]
    kinds: tuple[str, ...]
    amount: Int64s
    amount_valid: Bools
    currency: npt.NDArray[np.int16]
    currencies: tuple[str, ...]
    source: npt.NDArray[np.object_]  # str
    fact_id: npt.NDArray[np.object_]  # str
    content_hash: npt.NDArray[np.uint8]
    attributes: npt.NDArray[np.object_]  # dict[str, Scalar] | None
    lines: npt.NDArray[np.object_]  # tuple[Line, ...] | None
    voided_at: Int64s
    seen: Mapping[int, Seen] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.position)

    def starts(self) -> Int64s:
        """(subjects + 1,): rows of subject i are starts[i]:starts[i + 1]."""
        return np.searchsorted(self.subject, np.arange(self.subjects + 1)).astype(np.int64)

    def is_kind(self, kind: str) -> Bools:
        """Which rows are of this kind."""
        if kind not in self.kinds:
            return np.zeros(len(self), dtype=np.bool_)
        return np.asarray(self.kind == self.kinds.index(kind))

    def in_currency(self, currency: str) -> "FactTable":
        """The same facts, where an amount in another currency is no amount, and those of its lines are not there."""
        others = [code for code, name in enumerate(self.currencies) if name != currency]
        foreign = np.isin(self.currency, others) if others else None
        if foreign is None or not foreign.any():
            return self
        lines = self.lines.copy()
        for row in np.flatnonzero(foreign).tolist():
            kept = ({name: value for name, value in line.items() if name != "amount"} for line in lines[row] or ())
            lines[row] = tuple(kept) or None
        amount = np.where(foreign, 0, self.amount)
        return replace(self, amount=amount, amount_valid=self.amount_valid & ~foreign, lines=lines)

    def taken(self, rows: Int64s, subject: npt.NDArray[np.int32], subjects: int) -> "FactTable":
        """Some of its rows as those of other subjects, in an order that sorts them by these."""
        columns = {part.name: getattr(self, part.name) for part in fields(self)}
        picked: dict[str, Any] = {n: column[rows] for n, column in columns.items() if isinstance(column, np.ndarray)}
        return replace(self, **{**picked, "subject": subject, "subjects": subjects, "seen": {}})

    def of_subjects(self, numbers: Sequence[int]) -> "FactTable":
        """The rows of some subjects (ascending), which are numbered anew in that order."""
        number = np.full(self.subjects, -1, dtype=np.int32)
        number[list(numbers)] = np.arange(len(numbers), dtype=np.int32)
        mine = number[self.subject]
        rows = np.flatnonzero(mine >= 0)
        seen = {one: self.seen[old] for one, old in enumerate(numbers) if old in self.seen}
        return replace(self.taken(rows, mine[rows], len(numbers)), seen=seen)


class Coded(NamedTuple):
    """A column of few names: codes into names (by code point, each of them there); -1: none."""

    codes: npt.NDArray[np.int16]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FactColumns:
    """Unsorted rows as read, before voids are applied. Sequences of one length, but details: by row, where there are
    any."""

    subject: npt.NDArray[np.int32]
    position: Int64s
    occurred_at: Int64s
    known_at: Int64s
    kind: Coded
    amount: Int64s
    amount_valid: Bools
    currency: Coded
    source: npt.NDArray[np.object_]  # str
    fact_id: npt.NDArray[np.object_]  # str
    content_hash: npt.NDArray[np.uint8]
    details: Mapping[int, Details]


@dataclass(frozen=True, slots=True)
class RecordedFact:
    """A fact with what recording added: its subject (an index), position and known_at."""

    subject: int
    fact: Fact
    position: int
    known_at: int


def table_from_columns(subjects: int, columns: FactColumns, seen: Mapping[int, Seen] | None = None) -> FactTable:
    """Sorts the rows, numbers kinds and currencies, resolves voids. seen: as in FactTable."""
    order = sorted_rows(columns.subject, columns.occurred_at, columns.position)
    (kind, kinds), (currency, currencies) = columns.kind, columns.currency
    attributes, lines = np.empty(len(order), dtype=object), np.empty(len(order), dtype=object)
    with_lines = False
    for row, details in columns.details.items():
        attributes[row] = details.attributes or None
        if details.lines:
            lines[row], with_lines = details.lines, True
    subject, known_at = columns.subject[order], columns.known_at[order]
    source, fact_id = columns.source[order], columns.fact_id[order]
    kind, attributes = kind[order], attributes[order] if columns.details else attributes
    return FactTable(
        subjects=subjects,
        subject=subject,
        position=columns.position[order],
        occurred_at=columns.occurred_at[order],
        known_at=known_at,
        kind=kind,
        kinds=kinds,
        amount=columns.amount[order],
        amount_valid=columns.amount_valid[order],
        currency=currency[order],
        currencies=currencies,
        source=source,
        fact_id=fact_id,
        content_hash=columns.content_hash[order],
        attributes=attributes,
        lines=lines[order] if with_lines else lines,
        voided_at=_voided_at(subject, known_at, kind == kinds.index(VOID), source, fact_id, attributes)
        if VOID in kinds
        else np.full(len(order), NEVER, dtype=np.int64),
        seen=seen or {},
    )


def table_from_facts(facts: Iterable[RecordedFact], subjects: int | None = None) -> FactTable:
    """A table out of values, for tests and hypothetical facts. content_hash is the plain SHA-256 of the content."""
    rows = list(facts)
    count = max((row.subject for row in rows), default=-1) + 1 if subjects is None else subjects
    amounts = [row.fact.amount for row in rows]
    hashes = b"".join(hashlib.sha256(canonical_content(row.fact)).digest() for row in rows)
    return table_from_columns(
        count,
        FactColumns(
            subject=np.array([row.subject for row in rows], dtype=np.int32),
            position=np.array([row.position for row in rows], dtype=np.int64),
            occurred_at=np.array([row.fact.occurred_at for row in rows], dtype=np.int64),
            known_at=np.array([row.known_at for row in rows], dtype=np.int64),
            kind=coded([row.fact.kind for row in rows]),
            amount=np.array([amount or 0 for amount in amounts], dtype=np.int64),
            amount_valid=np.array([amount is not None for amount in amounts], dtype=np.bool_),
            currency=coded([row.fact.currency for row in rows]),
            source=objects_of([row.fact.source for row in rows]),
            fact_id=objects_of([row.fact.fact_id for row in rows]),
            content_hash=np.frombuffer(hashes, dtype=np.uint8).reshape(-1, 32),
            details={number: Details(row.fact.attributes, row.fact.lines) for number, row in enumerate(rows)},
        ),
    )


def joined_columns(one: FactColumns, other: FactColumns) -> FactColumns:
    """The rows of both, one's first."""
    before, plain = len(one.position), ("kind", "currency", "details")
    columns: dict[str, Any] = {
        part.name: np.concatenate([getattr(one, part.name), getattr(other, part.name)])
        for part in fields(FactColumns)
        if part.name not in plain
    }
    details = {**one.details, **{before + row: found for row, found in other.details.items()}}
    kind, currency = _joined(one.kind, other.kind), _joined(one.currency, other.currency)
    return FactColumns(**columns, kind=kind, currency=currency, details=details)


def sorted_rows(subject: npt.NDArray[np.int32], instant: Int64s, position: Int64s) -> Int64s:
    """The rows by all three. A subject's mostly come in their order: only where they do not they are sorted."""
    order = np.argsort(subject.astype(np.int16) if subject.max(initial=0) < _SHORT else subject, kind="stable")
    subject, instant, position = subject[order], instant[order], position[order]
    earlier = (instant[1:] < instant[:-1]) | ((instant[1:] == instant[:-1]) & (position[1:] < position[:-1]))
    amiss = subject[1:][earlier & (subject[1:] == subject[:-1])]
    if len(amiss):
        theirs = np.flatnonzero(np.isin(subject, amiss))
        order[theirs] = order[theirs][np.lexsort((position[theirs], instant[theirs], subject[theirs]))]
    return order


def coded(names: Sequence[str | None]) -> Coded:
    """Names as codes."""
    found = tuple(sorted(name for name in set(names) if name is not None))
    known: dict[str | None, int] = {name: code for code, name in enumerate(found)}
    known[None] = -1
    return Coded(np.array([known[name] for name in names], dtype=np.int16), found)


def objects_of(values: Sequence[object]) -> npt.NDArray[np.object_]:
    """A column of whatever they are."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _joined(one: Coded, other: Coded) -> Coded:
    if one.names == other.names or not len(other.codes):
        return Coded(np.concatenate([one.codes, other.codes]), one.names)
    names = tuple(sorted({*one.names, *other.names}))
    codes = [np.array([*map(names.index, part.names), -1], dtype=np.int16)[part.codes] for part in (one, other)]
    return Coded(np.concatenate(codes), names)


def _voided_at(
    subject: npt.NDArray[np.int32],
    known_at: Int64s,
    is_void: Bools,
    source: npt.NDArray[np.object_],
    fact_id: npt.NDArray[np.object_],
    attributes: npt.NDArray[np.object_],
) -> Int64s:
    """The earliest known_at of a void that names the row, by row. A void names a source, or means its own."""
    earliest: dict[tuple[int, object, object], int] = {}
    for row in np.flatnonzero(is_void):
        named = attributes[row] or {}
        key = (int(subject[row]), named.get("source", source[row]), named.get("fact_id"))
        earliest[key] = min(int(known_at[row]), earliest.get(key, NEVER))
    voided_at = np.full(len(subject), NEVER, dtype=np.int64)
    touched = np.isin(subject, np.unique(subject[is_void])) & ~is_void
    for row in np.flatnonzero(touched):
        voided_at[row] = earliest.get((int(subject[row]), source[row], fact_id[row]), NEVER)
    return voided_at
