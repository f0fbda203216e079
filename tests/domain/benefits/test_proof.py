"""What only a false event can do wrong: each is told under its own name; and a fold equals what granting left."""

from typing import Any

import msgspec
import pytest

from domain.benefits.grant import EXPIRED, REDEEMED, REVOKED
from domain.benefits.granting import GRANTED
from domain.benefits.kept import KeptGrant, KeptMove, ToldEvent
from domain.benefits.proof import findings_of

TERMS = {
    "benefit": "coupon-10",
    "benefit_version": 1,
    "kind": "coupon",
    "currency": "USD",
    "tiers": {"value": "high"},
    "cause": "command",
    "campaign": "",
    "strategy": "",
    "assignment_id": "",
    "run_id": None,
}
GRANT = KeptGrant(
    grant_id="g1",
    units=3,
    unit_cost=100,
    accounts=frozenset({"stock:coupon-10"}),
    order_key=b"o",
    granted_at=10,
    expires_at=100,
    **TERMS,  # type: ignore[arg-type]
)


def granted(units: int = 3, cost: int = 300) -> ToldEvent:
    data = {**TERMS, "grant_id": "g1", "units": units, "cost": cost, "expires_at": 100, "budgets": []}
    return ToldEvent("s-1", GRANTED, 10, data, GRANT.accounts, b"o")


def moved(topic: str, at: int, units: int, cost: int | None = None, **further: Any) -> ToldEvent:
    data = {"grant_id": "g1", "units": units, "cost": 100 * units if cost is None else cost, **further}
    return ToldEvent(f"s-{at}", topic, at, data, frozenset(), b"o9" if topic == REDEEMED else None)


def after(**changed: Any) -> dict[str, KeptGrant]:
    return {"g1": msgspec.structs.replace(GRANT, **changed)}


def names(kept: dict[str, KeptGrant], moves: list[KeptMove], *events: ToldEvent) -> list[str]:
    return [finding.problem for finding in findings_of("s", kept, moves, events)]


def test_a_grant_and_all_that_becomes_of_it() -> None:
    used = KeptMove("g1", 1, "redeemed", 1, 100, 20, b"o9")
    back = [KeptMove("g1", 2, "clawed-back", 2, 200, 30), KeptMove("g1", 3, "reclaimed", 1, 100, 30)]
    ended = after(redeemed=1, times=1, released=2, reclaimed=1, moves=3, status="clawed-back", ended_at=30)
    clawback = moved(REVOKED, 30, 2, clawback=True, reclaimed=1)
    assert names(ended, [used, *back], granted(), moved(REDEEMED, 20, 1), clawback) == []
    expired = after(released=3, moves=1, status="expired", ended_at=100)
    assert names(expired, [KeptMove("g1", 1, "expired", 3, 300, 100)], granted(), moved(EXPIRED, 100, 3)) == []
    whole = [KeptMove("g1", 1, "redeemed", 3, 300, 20, b"o9"), KeptMove("g1", 2, "reclaimed", 3, 300, 200)]
    reclaimed = after(redeemed=3, times=1, reclaimed=3, moves=2, status="redeemed", ended_at=20)
    late = moved(REVOKED, 200, 0, clawback=True, reclaimed=3)
    assert names(reclaimed, whole, granted(), moved(REDEEMED, 20, 3), late) == []


@pytest.mark.parametrize(
    ("problem", "events"),
    [
        ("miscounted-event", [granted(cost=301)]),
        ("miscounted-event", [granted(), moved(REDEEMED, 20, 1, cost=99)]),
        ("granted-twice", [granted(), granted()]),
        ("event-without-grant", [moved(REDEEMED, 20, 1)]),
        ("more-than-granted", [granted(), moved(REDEEMED, 20, 4)]),
        ("more-than-granted", [granted(), moved(REVOKED, 20, 3, clawback=True, reclaimed=1)]),
        ("redeemed-after-end", [granted(), moved(REDEEMED, 100, 1)]),
        ("redeemed-after-end", [granted(), moved(REVOKED, 20, 3), moved(REDEEMED, 30, 1)]),
        ("released-after-end", [granted(), moved(REVOKED, 20, 3), moved(EXPIRED, 100, 3)]),
        ("unreadable-event", [granted(), ToldEvent("s-2", REDEEMED, 20, None)]),
    ],
)
def test_a_false_event(problem: str, events: list[ToldEvent]) -> None:
    assert problem in names({}, [], *events)
