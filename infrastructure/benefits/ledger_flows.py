"""From sums of what came in and went out to what was open before and after."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from application.benefits.ledger.ports import NOTHING, Cost, Sum

T = TypeVar("T")


class Flow(NamedTuple):
    """A sum of one kind. bucket: of time, from 1; the one past the last lies after all that is asked. flow: granted,
    redeemed, released, reclaimed, or open: what is open now (bucket 0)."""

    flow: str
    bucket: int
    key: str | None
    currency: str
    amount: Sum


def costs_of(flows: Sequence[Flow], names: Sequence[str | None]) -> tuple[list[Cost], list[Cost]]:
    """Rows, and a total of each currency. names: of the buckets; a single None: rows are named by their keys."""
    rows: list[Cost] = []
    totals = []
    for currency, mine in sorted(_grouped(flows, lambda flow: flow.currency).items()):
        totals.append(_row(None, currency, _inside(mine, len(names)), _closing(mine, len(names))))
        rows += _by_key(currency, mine) if list(names) == [None] else _by_time(currency, mine, names)
    said = [row for row in rows if _says_something(row)]
    return sorted(said, key=lambda row: (row.key is None, row.key or "", row.currency)), totals


def _by_key(currency: str, flows: Sequence[Flow]) -> list[Cost]:
    grouped = _grouped(flows, lambda flow: flow.key)
    return [_row(key, currency, _inside(mine, 1), _closing(mine, 1)) for key, mine in grouped.items()]


def _by_time(currency: str, flows: Sequence[Flow], names: Sequence[str | None]) -> list[Cost]:
    """From the last bucket back: what is open before one is open after the one before it."""
    closing, rows = _closing(flows, len(names)), []
    grouped = _grouped(flows, lambda flow: flow.bucket)
    for number in range(len(names), 0, -1):
        rows.append(_row(names[number - 1], currency, grouped.get(number, ()), closing))
        closing = rows[-1].open_before
    return rows


def _row(key: str | None, currency: str, flows: Sequence[Flow], closing: Sum) -> Cost:
    moved = {kind: _of(flows, kind) for kind in ("granted", "redeemed", "released", "reclaimed")}
    return Cost(key, currency, closing - _change(flows), **moved, open=closing)


def _closing(flows: Sequence[Flow], last: int) -> Sum:
    """What was open after the last bucket."""
    return _of(flows, "open") - _change([flow for flow in flows if flow.bucket > last])


def _inside(flows: Sequence[Flow], last: int) -> list[Flow]:
    return [flow for flow in flows if 1 <= flow.bucket <= last]


def _change(flows: Sequence[Flow]) -> Sum:
    return _of(flows, "granted") - _of(flows, "redeemed") - _of(flows, "released")


def _of(flows: Sequence[Flow], kind: str) -> Sum:
    return sum((flow.amount for flow in flows if flow.flow == kind), NOTHING)


def _grouped(flows: Sequence[Flow], by: Callable[[Flow], T]) -> dict[T, list[Flow]]:
    found: dict[T, list[Flow]] = {}
    for flow in flows:
        found.setdefault(by(flow), []).append(flow)
    return found


def _says_something(row: Cost) -> bool:
    return any(
        amount != NOTHING for amount in (row.open_before, row.granted, row.redeemed, row.released, row.reclaimed)
    )
