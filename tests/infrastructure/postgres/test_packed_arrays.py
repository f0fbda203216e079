"""Packed arrays arrive as what they are made of."""

from uuid import uuid4

import psycopg
import pytest

from infrastructure.postgres.packed_arrays import bigints, byteas, integers, uuids


@pytest.mark.parametrize("size", [0, 1, 1_000])
def test_they_arrive(postgres_server: str, size: int) -> None:
    ids = [uuid4() for _ in range(size)]
    longs, shorts = [(-1) ** n * n * 2**40 for n in range(size)], [n - 500 for n in range(size)]
    blobs = [bytes(range(n % 256)) for n in range(size)]
    parameters = (uuids(ids), bigints(longs), integers(shorts), byteas(blobs))
    with psycopg.connect(postgres_server) as connection:
        query = "select %b::uuid[], %b::bigint[], %b::integer[], %b::bytea[]"
        assert connection.execute(query, parameters, binary=True).fetchone() == (ids, longs, shorts, blobs)


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(OverflowError):
        integers([2**31])
    with pytest.raises(OverflowError):
        bigints([2**63])
