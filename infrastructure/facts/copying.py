"""Fact rows in the binary format of COPY, made before any lock is taken."""

import struct
from collections.abc import Iterable

from infrastructure.facts.batch import FactRow

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
# 12 fields, the first of 16 bytes; then three texts, two instants of 8 bytes, an amount, and the rest.
_ROW = b"\x00\x0c\x00\x00\x00\x10%b" + b"%b%b" * 3 + b"%b%b%b%b\x00\x00\x00\x20%b\x00\x00\x00\x20%b%b"
_TWO_INT8 = struct.Struct(">iqiq")
_INT8 = struct.Struct(">iq")
_LENGTH = struct.Struct(">i")


def fact_rows_to_copy(rows: Iterable[FactRow]) -> bytes:
    """The whole input of `copy facts (...) from stdin (format binary)`, in the order of FactRow's fields."""
    return b"".join((_HEADER, *map(_row, rows), _TRAILER))


def _row(row: FactRow) -> bytes:
    (
        subject_id,
        source,
        fact_id,
        kind,
        occurred_at,
        known_at,
        amount,
        currency,
        sealed,
        content_hash,
        chain,
        history,
    ) = row
    length = _LENGTH.pack
    source_bytes, fact_id_bytes, kind_bytes = source.encode(), fact_id.encode(), kind.encode()
    return _ROW % (
        subject_id.bytes,
        length(len(source_bytes)),
        source_bytes,
        length(len(fact_id_bytes)),
        fact_id_bytes,
        length(len(kind_bytes)),
        kind_bytes,
        _TWO_INT8.pack(8, occurred_at, 8, known_at),
        _NULL if amount is None else _INT8.pack(8, amount),
        _NULL if currency is None else _value(currency.encode()),
        _NULL if sealed is None else _value(sealed),
        content_hash,
        chain,
        _NULL if history is None else _value(history.bytes),
    )


def _value(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value
