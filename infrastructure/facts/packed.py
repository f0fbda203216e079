"""Packs: the facts of a subject once more, in one sealed value, so that deciding need not gather them row by row.

A pack holds a subject's first facts by position, and the log's running hash after them. It is used only where that
hash, carried on over the rows that have come since, ends where the subject's timeline does: who decides under the
subject's lock sees what is in the log, or reads the log. Proof never looks at packs.

It comes in parts, for most decisions need few of them: rows of numbers with the details of profiles and voids; all
other details; these with order lines; and idents, by which facts are told apart and receipts name them. Without idents
a subject's receipts go on from the hash over all that is packed, as it was seen.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from domain.facts.fact import Details, decode_details, decode_many, encode_many, next_chain
from domain.facts.seen import seen_hashes
from domain.facts.table import (
    VOID,
    Coded,
    FactColumns,
    FactTable,
    Int64s,
    Seen,
    joined_columns,
    objects_of,
    table_from_columns,
)
from domain.tier_model.spans import ALWAYS
from infrastructure.facts.read import NO_AMOUNT, FactRows
from infrastructure.security.seal import (
    CONTEXT_FACT,
    CONTEXT_PACKED_DETAILS,
    CONTEXT_PACKED_FACTS,
    CONTEXT_PACKED_IDENTS,
    CONTEXT_PACKED_LINES,
    Seal,
)

_FEW = 16  # rows that are read sooner than a pack is made
_SHORT = np.iinfo(np.int16).max
_ROW = np.dtype(
    [
        ("position", "<i8"),
        ("occurred_at", "<i8"),
        ("known_at", "<i8"),
        ("amount", "<i8"),
        ("kind", "<i2"),
        ("currency", "<i2"),
    ]
)


class _Body(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """rows: of _ROW, by occurred_at and position; kind and currency are codes into names (-1: none). details: by the
    code of a kind, of its rows in order, without lines; of few kinds only.

    seen_until: the last instant at which one of them became visible; seen: the running hash over all as they did.
    """

    rows: bytes
    names: list[str]
    details: dict[int, bytes]
    seen_until: int
    seen: bytes


class _Idents(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of the body's rows, in their order. sources: codes into names (_codes_of); content_hashes: 32 bytes each."""

    names: list[str]
    sources: bytes
    fact_ids: list[str]
    content_hashes: bytes


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Body)
_IDENTS_DECODER = msgspec.msgpack.Decoder(_Idents)
_DETAILS_DECODER = msgspec.msgpack.Decoder(dict[int, bytes])
ALWAYS_READ = ("profile", VOID)


class PackRow(NamedTuple):
    """A row of packed_facts. details, lined, idents None: not there, or not asked for."""

    facts: int
    chain: bytes
    body: bytes
    details: bytes | None
    lined: bytes | None
    idents: bytes | None


class Parts(NamedTuple):
    """One subject's pack, sealed."""

    body: bytes
    details: bytes | None
    lined: bytes | None
    idents: bytes


class Pack(NamedTuple):
    """A row of packed_facts, opened. facts: how many; details: by kind's code, of its rows in order."""

    facts: int
    chain: bytes
    body: _Body
    details: dict[int, bytes]
    idents: _Idents | None

    def with_idents(self, facts: int, idents: bytes, seal: Seal) -> "Pack":
        """The same with its idents, which were read later; as it is, where it was made anew meanwhile."""
        return self if facts != self.facts else self._replace(idents=_opened_idents(idents, seal))


class PacksDisagree(Exception):
    """What packs and rows say together is not what is in the log. numbers: of whom."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = numbers
        super().__init__(f"{len(numbers)} packs do not end where the log does: they are to be made anew")


def opened_pack(row: PackRow, seal: Seal) -> Pack:
    """A row of packed_facts. Raises SealBroken."""
    body = _DECODER.decode(seal.unseal(CONTEXT_PACKED_FACTS, row.body))
    details = body.details
    if row.lined is not None:
        details = _DETAILS_DECODER.decode(seal.unseal(CONTEXT_PACKED_LINES, row.lined))
    elif row.details is not None:
        details = {**details, **_DETAILS_DECODER.decode(seal.unseal(CONTEXT_PACKED_DETAILS, row.details))}
    idents = None if row.idents is None else _opened_idents(row.idents, seal)
    return Pack(row.facts, row.chain, body, details, idents)


def to_be_identified(packs: Mapping[int, Pack], rest: FactRows, decided_at: Sequence[int | None]) -> list[int]:
    """Of whose packs the idents are needed, too: there are voids, or a receipt may tell of a part of what is packed.

    decided_at: by subject; whatever is decided now lies after it.
    """
    until = np.full(len(decided_at), ALWAYS, dtype=np.int64)
    until[list(packs)] = [pack.body.seen_until for pack in packs.values()]
    columns, kinds = rest.columns, rest.columns.kind
    apart = np.maximum(columns.occurred_at, columns.known_at) < until[columns.subject]
    if VOID in kinds.names:
        apart |= kinds.codes == kinds.names.index(VOID)
    among = set(columns.subject[apart].tolist())
    return [
        number
        for number, pack in packs.items()
        if pack.idents is None
        and (number in among or VOID in pack.body.names or (decided_at[number] or -1) < pack.body.seen_until)
    ]


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
    seen = {number: Seen(pack.facts, pack.body.seen) for number, pack in packs.items() if pack.idents is None}
    rows = np.bincount(rest.columns.subject, minlength=len(chains)).tolist()
    wanted = [number for number, count in enumerate(rows) if count >= _FEW and _is_much(count, packs.get(number))]
    return table_from_columns(len(chains), columns, seen), wanted


def encode_pack(columns: FactColumns, sealed: Sequence[bytes | None], seal: Seal) -> Parts:
    """One subject's pack: rows as read, with all that is sealed of them."""
    order = np.lexsort((columns.position, columns.occurred_at)).tolist()
    names = sorted({*columns.kind.names, *columns.currency.names})
    code = {name: number for number, name in enumerate(names)}
    rows = np.zeros(len(order), dtype=_ROW)
    for name in ("position", "occurred_at", "known_at"):
        rows[name] = getattr(columns, name)[order]
    rows["amount"] = np.where(columns.amount_valid, columns.amount, NO_AMOUNT)[order]
    for name, part in (("kind", columns.kind), ("currency", columns.currency)):
        rows[name] = np.array([*(code[one] for one in part.names), -1], dtype=np.int16)[part.codes[order]]
    of_kind: dict[int, list[Details | None]] = {}
    for kind, row in zip(rows["kind"].tolist(), order, strict=True):
        value = sealed[row]
        own = None if value is None else decode_details(seal.unseal(CONTEXT_FACT, value))
        of_kind.setdefault(kind, []).append(own)
    plain = {kind: encode_many([one and Details(one.attributes) for one in found]) for kind, found in of_kind.items()}
    always = {code[name] for name in ALWAYS_READ if name in code}
    visible = np.maximum(columns.occurred_at, columns.known_at)
    contents = columns.content_hash[np.lexsort((columns.position, visible))].tobytes()
    body = _Body(
        rows=rows.tobytes(),
        names=names,
        details={kind: found for kind, found in plain.items() if kind in always},
        seen_until=int(visible.max()),
        seen=seen_hashes(contents)[-1],
    )
    details = {kind: found for kind, found in plain.items() if kind not in always}
    lined = None
    if any(one is not None and one.lines for found in of_kind.values() for one in found):
        lined = seal.seal(
            CONTEXT_PACKED_LINES, _ENCODER.encode({kind: encode_many(found) for kind, found in of_kind.items()})
        )
    return Parts(
        body=seal.seal(CONTEXT_PACKED_FACTS, _ENCODER.encode(body)),
        details=seal.seal(CONTEXT_PACKED_DETAILS, _ENCODER.encode(details)),
        lined=lined,
        idents=seal.seal(CONTEXT_PACKED_IDENTS, _ENCODER.encode(_idents_of(columns, order))),
    )


def _idents_of(columns: FactColumns, order: Sequence[int]) -> _Idents:
    sources = [columns.source[row] for row in order]
    names = sorted(set(sources))
    code = {name: number for number, name in enumerate(names)}
    return _Idents(
        names=names,
        sources=np.array([code[source] for source in sources], dtype=_codes_of(names)).tobytes(),
        fact_ids=[columns.fact_id[row] for row in order],
        content_hashes=columns.content_hash[order].tobytes(),
    )


def _codes_of(names: Sequence[str]) -> str:
    """Two bytes a code; four where somebody names a source for every fact."""
    return "<i2" if len(names) <= _SHORT else "<i4"


def _opened_idents(idents: bytes, seal: Seal) -> _Idents:
    return _IDENTS_DECODER.decode(seal.unseal(CONTEXT_PACKED_IDENTS, idents))


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
    rows = np.frombuffer(b"".join([body.rows for body in bodies]), dtype=_ROW)
    counts = np.array([len(body.rows) // _ROW.itemsize for body in bodies])
    names = sorted(set().union(*[body.names for body in bodies]))
    code = {name: number for number, name in enumerate(names)}
    # Each pack's codes stand from its base on; the last entry stands for none.
    codes = np.array([*[code[name] for body in bodies for name in body.names], -1], dtype=np.int16)
    bases = np.cumsum([0, *[len(body.names) for body in bodies]])[:-1]
    base = np.repeat(bases, counts)

    def named(column: str) -> npt.NDArray[np.int16]:
        own = rows[column]
        if len(bodies) == 1 and names == bodies[0].names:
            return np.ascontiguousarray(own)
        return np.asarray(codes[np.where(own < 0, len(codes) - 1, base + own)])

    kind, amount = named("kind"), _plain(rows["amount"])
    of_kinds, there = _coded(kind, names), amount != NO_AMOUNT
    details: dict[int, Details] = {}
    for name in of_kinds.names:
        if kinds is None or name in kinds or name == VOID:
            details |= _details(packs, name, np.flatnonzero(kind == code[name]).tolist())
    source, fact_id, content_hash = _identified(packs, counts)
    return FactColumns(
        subject=np.repeat(np.array(numbers, dtype=np.int32), counts),
        position=_plain(rows["position"]),
        occurred_at=_plain(rows["occurred_at"]),
        known_at=_plain(rows["known_at"]),
        kind=of_kinds,
        amount=np.where(there, amount, 0),
        amount_valid=there,
        currency=_coded(named("currency"), names),
        source=source,
        fact_id=fact_id,
        content_hash=content_hash,
        details=details,
    )


def _identified(
    packs: Sequence[Pack], counts: Int64s
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_], npt.NDArray[np.uint8]]:
    """(source, fact_id, content_hash) of the rows of all packs; nothing where a pack came without."""
    rows, ends = int(counts.sum()), np.cumsum(counts).tolist()
    source, fact_id = np.empty(rows, dtype=object), np.empty(rows, dtype=object)
    content_hash = np.zeros((rows, 32), dtype=np.uint8)
    for pack, end in zip(packs, ends, strict=True):
        idents = pack.idents
        if idents is None:
            continue
        mine = slice(end - len(idents.fact_ids), end)
        source[mine] = objects_of(idents.names)[np.frombuffer(idents.sources, dtype=_codes_of(idents.names))]
        fact_id[mine] = objects_of(idents.fact_ids)
        content_hash[mine] = np.frombuffer(idents.content_hashes, dtype=np.uint8).reshape(-1, 32)
    return source, fact_id, content_hash


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
