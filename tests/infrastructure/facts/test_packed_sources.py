"""Packs of whoever names a source for every fact."""

from uuid import UUID

import numpy as np

from domain.facts.table import FactColumns, coded, objects_of
from infrastructure.facts.packed import PackRow, encode_pack, opened_pack, packed_table
from infrastructure.facts.read import FactRows
from infrastructure.security.seal import Seal

ROWS = 2**15 + 10


def _columns(rows: int) -> FactColumns:
    numbers, nothing = np.arange(rows, dtype=np.int64), np.zeros(rows, dtype=np.int64)
    return FactColumns(
        subject=np.zeros(rows, dtype=np.int32),
        position=numbers + 1,
        occurred_at=numbers,
        known_at=numbers,
        kind=coded(["visit"] * rows),
        amount=nothing,
        amount_valid=nothing.astype(np.bool_),
        currency=coded([None] * rows),
        source=objects_of([f"request-{number:06}" for number in range(rows)]),
        fact_id=objects_of([str(number) for number in range(rows)]),
        content_hash=np.zeros((rows, 32), dtype=np.uint8),
        details={},
    )


def test_more_sources_than_two_bytes_can_number() -> None:
    seal, columns = Seal(UUID(int=1), bytes(32)), _columns(ROWS)
    parts = encode_pack(columns, [None] * ROWS, seal)
    pack = opened_pack(PackRow(ROWS, bytes(32), *parts), seal)
    nothing = FactRows(_columns(0), [])
    table, _ = packed_table([bytes(32)], {0: pack}, nothing, {0: seal}, None, with_lines=False)
    assert table.source.tolist() == columns.source.tolist()
