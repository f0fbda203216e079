"""Arrays as the bytes of Postgres' binary format, a whole column at once instead of value by value.

The statement says of what type each is (`%b::uuid[]`), for the bytes alone do not tell.
"""

import struct
from collections.abc import Sequence
from uuid import UUID

import numpy as np
import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_UUID, _BYTEA, _BIGINT, _INTEGER = 2950, 17, 20, 23
_start = struct.Struct("!iiiii").pack
_none = struct.Struct("!iii").pack
_length = struct.Struct("!i").pack


class PackedArray(bytes):
    """One array, for a parameter of a binary statement."""


def uuids(values: Sequence[UUID]) -> PackedArray:
    """uuid[]."""
    return _fixed(_UUID, 16, "V16", np.frombuffer(b"".join([value.bytes for value in values]), "V16"))


def bigints(values: Sequence[int]) -> PackedArray:
    """bigint[]."""
    return _fixed(_BIGINT, 8, ">i8", np.array(values, np.int64))


def integers(values: Sequence[int]) -> PackedArray:
    """integer[]."""
    return _fixed(_INTEGER, 4, ">i4", np.array(values, np.int32))


def byteas(values: Sequence[bytes]) -> PackedArray:
    """bytea[]."""
    parts = [_head(_BYTEA, len(values))]
    for value in values:
        parts += (_length(len(value)), value)
    return PackedArray(b"".join(parts))


def _fixed(oid: int, width: int, kind: str, values: "np.ndarray[tuple[int], np.dtype[np.generic]]") -> PackedArray:
    """Each value is its width and then itself, so the whole is a table of two columns."""
    rows = np.empty(len(values), [("width", ">i4"), ("value", kind)])
    rows["width"], rows["value"] = width, values
    return PackedArray(_head(oid, len(values)) + rows.tobytes())


def _head(oid: int, size: int) -> bytes:
    return _start(1, 0, oid, size, 1) if size else _none(0, 0, oid)


class _AsItIs(Dumper):
    format = Format.BINARY

    def dump(self, obj: PackedArray) -> Buffer:
        return obj


psycopg.adapters.register_dumper(PackedArray, _AsItIs)
