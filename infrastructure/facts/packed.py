"""Packs: the facts of a subject once more, in one sealed value, so that deciding need not gather them row by row.

A pack holds a subject's first facts by position, and the log's running hash after them. It is used only where that
hash, carried on over the rows that have come since, ends where the subject's timeline does: who decides under the
subject's lock sees what is in the log, or reads the log. Proof never looks at packs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from domain.facts.fact import Details, decode_details, decode_many, encode_many, next_chain
from domain.facts.table import (
    VOID,
    Coded,
    FactColumns,
    FactTable,
    Int64s,
    joined_columns,
    objects_of,
    table_from_columns,
)
from infrastructure.facts.read import NO_AMOUNT, FactRows
from infrastructure.security.seal import CONTEXT_FACT, CONTEXT_PACKED_FACTS, CONTEXT_PACKED_LINES, Seal

_FEW = 16  # rows that are read sooner than a pack is made
_ROW = np.dtype(
    [
        ("position", "<i8"),
        ("occurred_at", "<i8"),
        ("known_at", "<i8"),
        ("amount", "<i8"),
        ("kind", "<i2"),
        ("currency", "<i2"),
        ("source", "<i2"),
        ("content_hash", "u1", (32,)),
    ]
)


class _Body(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """rows: of _ROW, by occurred_at and position; kind, currency and source are codes into names (-1: none).
    attributes: by kind's code, details of its rows in order, without lines."""

    rows: bytes
    names: list[str]
    fact_ids: list[str]
    attributes: dict[int, bytes]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Body)
_LINED_DECODER = msgspec.msgpack.Decoder(dict[int, bytes])


class Pack(NamedTuple):
    """A row of packed_facts, opened. facts: how many; details: by kind's code, of its rows in order."""

    facts: int
    chain: bytes
    body: _Body
    details: dict[int, bytes]


class PacksDisagree(Exception):
    """What packs and rows say together is not what is in the log. numbers: of whom."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = numbers
        super().__init__(f"{len(numbers)} packs do not end where the log does: they are to be made anew")


def opened_pack(facts: int, chain: bytes, body: bytes, lined: bytes | None, seal: Seal) -> Pack:
    """A row of packed_facts; lined None: without order lines. Raises SealBroken."""
    found = _DECODER.decode(seal.unseal(CONTEXT_PACKED_FACTS, body))
    if lined is None:
        return Pack(facts, chain, found, found.attributes)
    return Pack(facts, chain, found, _LINED_DECODER.decode(seal.unseal(CONTEXT_PACKED_LINES, lined)))


def packed_table(
    chains: Sequence[bytes],
    packs: Mapping[int, Pack],
    rest: FactRows,
    seals: Mapping[int, Seal],
    kinds: Collection[str] | None,
    *,
    with_lines: bool,
) -> tuple[FactTable, list[int]]:
    """All facts of the subjects, as facts_of reads them, and of whom the rest is worth a new pack.

    chains: by subject, where its log ends. rest: the rows that no pack holds. Raises PacksDisagree.
    """
    disagreeing = _disagreeing(chains, packs, rest.columns)
    if disagreeing:
        raise PacksDisagree(disagreeing)
    columns = rest.opened(seals, with_lines)
    if packs:
        columns = joined_columns(_unpacked(list(packs), list(packs.values()), kinds), columns)
    rows = np.bincount(rest.columns.subject, minlength=len(chains)).tolist()
    wanted = [number for number, count in enumerate(rows) if count >= _FEW and _is_much(count, packs.get(number))]
    return table_from_columns(len(chains), columns), wanted


def encode_pack(columns: FactColumns, sealed: Sequence[bytes | None], seal: Seal) -> tuple[bytes, bytes | None]:
    """body and lined of one subject's pack: rows as read, with all that is sealed of them."""
    order = np.lexsort((columns.position, columns.occurred_at)).tolist()
    names = sorted({*columns.kind.names, *columns.currency.names, *columns.source.tolist()})
    code = {name: number for number, name in enumerate(names)}
    rows = np.zeros(len(order), dtype=_ROW)
    for name in ("position", "occurred_at", "known_at", "content_hash"):
        rows[name] = getattr(columns, name)[order]
    rows["amount"] = np.where(columns.amount_valid, columns.amount, NO_AMOUNT)[order]
    for name, part in (("kind", columns.kind), ("currency", columns.currency)):
        rows[name] = np.array([*(code[one] for one in part.names), -1], dtype=np.int16)[part.codes[order]]
    rows["source"] = [code[columns.source[row]] for row in order]
    of_kind: dict[int, list[Details | None]] = {}
    for kind, row in zip(rows["kind"].tolist(), order, strict=True):
        value = sealed[row]
        details = None if value is None else decode_details(seal.unseal(CONTEXT_FACT, value))
        of_kind.setdefault(kind, []).append(details)
    attributes = {
        kind: encode_many([one and Details(one.attributes) for one in found]) for kind, found in of_kind.items()
    }
    body = _Body(rows.tobytes(), names, [columns.fact_id[row] for row in order], attributes)
    sealed_body = seal.seal(CONTEXT_PACKED_FACTS, _ENCODER.encode(body))
    if not any(one is not None and one.lines for found in of_kind.values() for one in found):
        return sealed_body, None
    lined = {kind: encode_many(found) for kind, found in of_kind.items()}
    return sealed_body, seal.seal(CONTEXT_PACKED_LINES, _ENCODER.encode(lined))


def _is_much(rows: int, pack: Pack | None) -> bool:
    """A long pack waits for more rows: making it anew costs by its length."""
    return pack is None or rows >= _FEW + pack.facts // 8


def _disagreeing(chains: Sequence[bytes], packs: Mapping[int, Pack], rest: FactColumns) -> list[int]:
    """Whose pack and rows together do not end where the log does."""
    running = {number: pack.chain for number, pack in packs.items()}
    owners, known = rest.subject.tolist(), rest.known_at.tolist()
    for row in np.argsort(rest.position).tolist():
        number = owners[row]
        if number in running:
            running[number] = next_chain(running[number], rest.content_hash[row].tobytes(), known[row])
    return [number for number, chain in running.items() if chain != chains[number]]


def _unpacked(numbers: Sequence[int], packs: Sequence[Pack], kinds: Collection[str] | None) -> FactColumns:
    """The rows of all packs, one subject after the other. kinds: whose details are wanted; None: all."""
    bodies = [pack.body for pack in packs]
    rows = np.frombuffer(b"".join(body.rows for body in bodies), dtype=_ROW)
    counts = np.array([len(body.fact_ids) for body in bodies])
    names = sorted({name for body in bodies for name in body.names})
    code = {name: number for number, name in enumerate(names)}
    # Each pack's codes stand from its base on; the last entry stands for none.
    codes = np.array([*(code[name] for body in bodies for name in body.names), -1], dtype=np.int16)
    bases = np.cumsum([0, *(len(body.names) for body in bodies)])[:-1]
    base = np.repeat(bases, counts)

    def named(column: str) -> npt.NDArray[np.int16]:
        own = rows[column]
        return np.asarray(codes[np.where(own < 0, len(codes) - 1, base + own)])

    kind = named("kind")
    columns = FactColumns(
        subject=np.repeat(np.array(numbers, dtype=np.int32), counts),
        position=_plain(rows["position"]),
        occurred_at=_plain(rows["occurred_at"]),
        known_at=_plain(rows["known_at"]),
        kind=_coded(kind, names),
        amount=np.where(rows["amount"] == NO_AMOUNT, 0, rows["amount"]),
        amount_valid=rows["amount"] != NO_AMOUNT,
        currency=_coded(named("currency"), names),
        source=objects_of(names)[named("source")],
        fact_id=objects_of([fact_id for body in bodies for fact_id in body.fact_ids]),
        content_hash=np.ascontiguousarray(rows["content_hash"]),
        details={},
    )
    wanted = [name for name in columns.kind.names if kinds is None or name in kinds or name == VOID]
    details: dict[int, Details] = {}
    for name in wanted:
        of_kind = np.flatnonzero(kind == code[name])
        details |= _details(packs, name, of_kind.tolist())
    return replace(columns, details=details)


def _details(packs: Sequence[Pack], kind: str, rows: Sequence[int]) -> dict[int, Details]:
    """Of one kind's rows in all packs, which stand in the order of the packs."""
    joined = [pack.details.get(pack.body.names.index(kind)) for pack in packs if kind in pack.body.names]
    found = [one for part in joined if part is not None for one in decode_many(part)]
    return {row: one for row, one in zip(rows, found, strict=True) if one is not None}


def _plain(column: Any) -> Int64s:
    return np.ascontiguousarray(column, dtype=np.int64)


def _coded(codes: npt.NDArray[np.int16], names: Sequence[str]) -> Coded:
    """Codes into names, of which not all are there."""
    there = np.flatnonzero(np.bincount(codes + 1, minlength=len(names) + 1)[1:]).tolist()
    mine = np.full(len(names) + 1, -1, dtype=np.int16)
    mine[there] = np.arange(len(there))
    return Coded(mine[codes], tuple(names[code] for code in there))
