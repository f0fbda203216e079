"""Fact rows in the binary format of COPY, made before any lock is taken."""

import struct
from collections.abc import Iterable

from infrastructure.facts.batch import FactRow

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_START = struct.Struct(">hi16s")  # 12 fields, and the first of them
_INT8 = struct.Struct(">iq")
_TWO_INT8 = struct.Struct(">iqiq")
_LENGTH = struct.Struct(">i")


def fact_rows_to_copy(rows: Iterable[FactRow]) -> bytes:
    """The whole input of `copy facts (...) from stdin (format binary)`, in the order of FactRow's fields."""
    parts = [_HEADER]
    add, length = parts.append, _LENGTH.pack
    for row in rows:
        source, fact_id, kind = row.source.encode(), row.fact_id.encode(), row.kind.encode()
        add(_START.pack(12, 16, row.subject_id.bytes))
        for text in (source, fact_id, kind):
            add(length(len(text)))
            add(text)
        add(_TWO_INT8.pack(8, row.occurred_at, 8, row.known_at))
        add(_NULL if row.amount is None else _INT8.pack(8, row.amount))
        currency = None if row.currency is None else row.currency.encode()
        history_id = None if row.history_id is None else row.history_id.bytes
        for value in (currency, row.sealed, row.content_hash, row.chain, history_id):
            if value is None:
                add(_NULL)
            else:
                add(length(len(value)))
                add(value)
    add(_TRAILER)
    return b"".join(parts)
