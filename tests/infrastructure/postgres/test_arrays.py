"""Arrays arrive as what they are made of."""

import struct
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from infrastructure.postgres.arrays import bigints, byteas, columns_of, integers, texts, uuids


@pytest.mark.parametrize("size", [0, 1, 1_000])
@pytest.mark.parametrize("cast", [True, False])
def test_they_arrive(postgres_server: str, size: int, cast: bool) -> None:
    """Also without the statement's saying of what type they are."""
    columns: list[list[Any]] = [
        [uuid4() for _ in range(size)],
        [(-1) ** n * n * 2**40 for n in range(size)],
        [n - 500 for n in range(size)],
        [bytes(range(n % 256)) for n in range(size)],
        ["", "旧", "o'clock", "{}"] * (size // 4) + ["x"] * (size % 4),
    ]
    for column in columns:
        column[1:-1:7] = [None] * len(column[1:-1:7])
    parameters = columns_of(list(zip(*columns, strict=True)), (uuids, bigints, integers, byteas, texts))
    types = ("uuid[]", "bigint[]", "integer[]", "bytea[]", "text[]")
    query = "select " + ", ".join(f"%b::{name}" if cast else "%b" for name in types)
    with psycopg.connect(postgres_server) as connection:
        assert connection.execute(query.encode(), parameters, binary=True).fetchone() == tuple(columns)


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(struct.error):
        integers([2**31])
    with pytest.raises(struct.error):
        bigints([2**63])
