"""Arrays as Postgres reads them in binary. psycopg asks of each list, element by element, what it might be: whoever
sends twenty columns a statement waits longer for that than for the server. Here the caller says what they are.

Layout: number of dimensions, whether there are nulls, the elements' type; length and lower bound; then of each element
its length (-1: null) and its bytes, all in network order (PostgreSQL, array_send).
"""

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Any
from uuid import UUID

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_HEADER, _LENGTH, _EMPTY = Struct("!iiIii"), Struct("!i"), Struct("!iiI")
_INT4, _INT8 = Struct("!ii"), Struct("!iq")
_NULL, _SIXTEEN = _LENGTH.pack(-1), _LENGTH.pack(16)


class _Array(bytes):
    """An array, encoded."""

    __slots__ = ()


class _Uuids(_Array): ...


class _Bigints(_Array): ...


class _Integers(_Array): ...


class _Texts(_Array): ...


class _Byteas(_Array): ...


def uuids(values: Iterable[UUID | None]) -> _Uuids:
    """uuid[]."""
    return _Uuids(_array(2950, [_NULL if value is None else _SIXTEEN + value.bytes for value in values]))


def bigints(values: Iterable[int | None]) -> _Bigints:
    """bigint[]."""
    pack = _INT8.pack
    return _Bigints(_array(20, [_NULL if value is None else pack(8, value) for value in values]))


def integers(values: Iterable[int | None]) -> _Integers:
    """integer[]."""
    pack = _INT4.pack
    return _Integers(_array(23, [_NULL if value is None else pack(4, value) for value in values]))


def texts(values: Iterable[str | None]) -> _Texts:
    """text[]."""
    return _Texts(_array(25, [_NULL if value is None else _sized(value.encode()) for value in values]))


def byteas(values: Iterable[bytes | None]) -> _Byteas:
    """bytea[]."""
    return _Byteas(_array(17, [_NULL if value is None else _sized(value) for value in values]))


def columns_of(rows: Sequence[Sequence[Any]], kinds: Sequence[Any]) -> list[_Array]:
    """The columns of the rows, each as its kind (one of the functions above) says."""
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else ((),) * len(kinds)
    return [kind(column) for kind, column in zip(kinds, columns, strict=True)]


def _sized(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


def _array(element: int, elements: list[bytes]) -> bytes:
    if not elements:
        return _EMPTY.pack(0, 0, element)
    # Postgres takes the flag of nulls as a hint, and asks each element.
    return _HEADER.pack(1, 1, element, len(elements), 1) + b"".join(elements)


def _register(array: type[_Array], oid: int) -> None:
    dumper = type(f"{array.__name__}Dumper", (_AsItIs,), {"oid": oid})
    psycopg.adapters.register_dumper(array, dumper)


class _AsItIs(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> Buffer:
        return obj


for _array_type, _oid in ((_Uuids, 2951), (_Bigints, 1016), (_Integers, 1007), (_Texts, 1009), (_Byteas, 1001)):
    _register(_array_type, _oid)
