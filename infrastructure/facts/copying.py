"""Fact rows in the binary format of COPY, made before any lock is taken."""

import struct
from collections.abc import Iterable

from infrastructure.event_store.copy_rows import HEADER, TRAILER
from infrastructure.facts.batch import FactRow

_NULL = b"\xff\xff\xff\xff"
# 13 fields, the first of 16 bytes; then three texts, two instants of 8 bytes, an amount, and the rest.
_ROW = b"\x00\x0d\x00\x00\x00\x10%b" + b"%b%b" * 3 + b"%b%b%b%b\x00\x00\x00\x20%b\x00\x00\x00\x20%b%b%b"
_TWO_INT8 = struct.Struct(">iqiq")
_INT8 = struct.Struct(">iq")
_INT4 = struct.Struct(">ii")
_LENGTH = struct.Struct(">i")


def fact_rows_to_copy(rows: Iterable[FactRow]) -> bytes:
    """The whole input of `copy facts (...) from stdin (format binary)`, in the order of FactRow's fields."""
    return b"".join((HEADER, *map(_row, rows), TRAILER))


def _row(row: FactRow) -> bytes:
    length = _LENGTH.pack
    source, fact_id, kind = row.source.encode(), row.fact_id.encode(), row.kind.encode()
    return _ROW % (
        row.subject_id.bytes,
        length(len(source)),
        source,
        length(len(fact_id)),
        fact_id,
        length(len(kind)),
        kind,
        _TWO_INT8.pack(8, row.occurred_at, 8, row.known_at),
        _NULL if row.amount is None else _INT8.pack(8, row.amount),
        _NULL if row.currency is None else _value(row.currency.encode()),
        _NULL if row.sealed is None else _value(row.sealed),
        row.content_hash,
        row.chain,
        _NULL if row.history_id is None else _value(row.history_id.bytes),
        _NULL if row.brought_by is None else _INT4.pack(4, row.brought_by),
    )


def _value(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value
