"""The ledger's figures on a real ledger, held against sums over the events."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from application.benefits.ledger.answers import costs_json, forecast_json, liability_json
from application.benefits.ledger.ports import LedgerQuestionInvalid, Sum
from application.queries import UnknownScheme
from domain.benefits.periods import period_named
from domain.facts.instants import parse_instant
from infrastructure.benefits.ledger import PostgresLedgerFigures
from tests.support.benefits import COUPON, open_budget, put_in_force
from tests.support.grants import DAY, START, GrantingSystem, two_users

YEN: dict[str, Any] = {**COUPON, "benefit": "points-jpy", "kind": "points", "currency": "JPY", "unit_cost": 1}
YEN |= {"details": {}, "validity": {"end_of": "month"}}


@pytest.fixture
def system(database: str) -> Iterator[GrantingSystem]:
    """A story in two currencies: granted, used, revoked, expired, clawed back, over six weeks."""
    with two_users(database) as system:
        open_budget(database, "spring", 100_000)
        open_budget(database, "monthly", 50_000, parent="spring", period="month")
        put_in_force(database, {**COUPON, "stock": 50, "budget": "monthly", "validity": {"from_grant": "30 days"}})
        put_in_force(database, YEN)
        put_in_force(database, {**COUPON, "benefit": "for-ever", "unit_cost": 5})
        part = system.give(units=4, campaign="spring").grant.grant_id
        system.redeem(part, "key:till", units=1)
        system.give("bob", units=2, strategy="win-back")
        system.give("bob", "points-jpy", units=700)
        system.clock.set(START + 10 * DAY)
        revoked = system.give("bob", units=3).grant.grant_id
        system.redeem(revoked, "key:till", units=2)
        system.revoke(revoked, "key:op")
        system.give("ann", "for-ever", units=9)
        system.clock.set(START + 33 * DAY)
        system.expire()
        back = system.give("bob", units=5, campaign="spring").grant.grant_id
        system.redeem(back, "key:till", units=2)
        system.claw_back(back, reclaim=True)
        system.give("ann", units=6, campaign="spring")
        yield system


@pytest.fixture
def figures(system: GrantingSystem) -> PostgresLedgerFigures:
    return PostgresLedgerFigures(system.pool)


def flows(system: GrantingSystem) -> Iterator[tuple[str, int, int, dict[str, Any], dict[str, Any]]]:
    """Every flow as its event tells it: name, units, instant, event, the event that granted."""
    granted: dict[str, dict[str, Any]] = {}
    for events in system.events().values():
        for event in events:
            kind = event["topic"][10:-3]
            if kind == "benefit-granted":
                granted[event["grant_id"]] = event
                yield "granted", event["units"], event["at"], event, event
            elif kind.startswith("benefit-"):
                flow = "redeemed" if kind == "benefit-redeemed" else "released"
                yield flow, event["units"], event["at"], event, granted[event["grant_id"]]
                if event.get("reclaimed"):
                    yield "reclaimed", event["reclaimed"], event["at"], event, granted[event["grant_id"]]


def summed(system: GrantingSystem, key: Any, since: int, until: int) -> dict[Any, dict[str, Sum]]:
    """By (key, currency): the flows of a range, and what was open before and after."""
    found: dict[Any, dict[str, Sum]] = defaultdict(lambda: defaultdict(Sum))
    for flow, units, at, event, origin in flows(system):
        amount = Sum(units, units * origin["cost"] // origin["units"])
        row = found[key(event, origin), origin["currency"]]
        signed = {"granted": amount, "redeemed": Sum() - amount, "released": Sum() - amount}.get(flow, Sum())
        if since <= at < until:
            row[flow] += amount
        if at < since:
            row["open_before"] += signed
        if at < until:
            row["open"] += signed
    return found


KEYS = {
    "benefit": lambda event, origin: origin["benefit"],
    "kind": lambda event, origin: origin["kind"],
    "campaign": lambda event, origin: origin["campaign"],
    "strategy": lambda event, origin: origin["strategy"],
    "tier": lambda event, origin: origin["tiers"].get("value"),
}
RANGES = [(None, None), (START + 5 * DAY, None), (None, START + 20 * DAY), (START + 1, START + 31 * DAY)]
MEASURES = ("open_before", "granted", "redeemed", "released", "reclaimed", "open")


@pytest.mark.parametrize(("since", "until"), RANGES)
def test_costs_add_up_to_the_events(
    system: GrantingSystem, figures: PostgresLedgerFigures, since: int | None, until: int | None
) -> None:
    for by, key in KEYS.items():
        scheme = "value" if by == "tier" else None
        costs = figures.costs(by, since, until, scheme=scheme)  # type: ignore[arg-type]
        expected = summed(system, key, since or 0, until or 2**62)
        rows = {(row.key, row.currency): row for row in costs.rows}
        for place, row in rows.items():
            assert {name: getattr(row, name) for name in MEASURES} == {name: expected[place][name] for name in MEASURES}
            assert row.open_before + row.granted - row.redeemed - row.released == row.open
        silent = [place for place, row in expected.items() if place not in rows and any(row.values())]
        assert [place for place in silent if any(amount != Sum() for amount in expected[place].values())] == []
        for total in costs.totals:
            mine = [row for row in costs.rows if row.currency == total.currency]
            for name in MEASURES:
                assert getattr(total, name) == sum((getattr(row, name) for row in mine), Sum())
    assert figures.costs("benefit").position == costs.position > 0


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
@pytest.mark.parametrize("per", ["day", "week", "month"])
def test_costs_by_time_follow_each_other(
    system: GrantingSystem, figures: PostgresLedgerFigures, per: Any, zone: str
) -> None:
    for since, until in RANGES:
        expected = summed(system, lambda event, _: period_named(per, zone, event["at"]), since or 0, until or 2**62)
        costs = figures.costs(per, since, until, time_zone=zone)
        flowing = ("granted", "redeemed", "released", "reclaimed")
        told = {(row.key, row.currency): [getattr(row, name) for name in flowing] for row in costs.rows}
        for place, row in expected.items():
            amounts = [row[name] for name in flowing]
            assert told.get(place, [Sum()] * 4) == amounts, (place, since, until)
        for currency in ("JPY", "USD"):
            mine = [row for row in costs.rows if row.currency == currency]
            for before, after in pairwise(mine):
                assert before.open == after.open_before
            (total,) = [row for row in costs.totals if row.currency == currency]
            if mine:
                assert (total.open_before, total.open) == (mine[0].open_before, mine[-1].open)


def test_what_is_owed_now(system: GrantingSystem, figures: PostgresLedgerFigures) -> None:
    found = liability_json(figures.liability("benefit"))
    assert found["rows"] == [
        {"key": "coupon-10", "currency": "USD", "grants": 1, "units": 6, "cost": 6_000},
        {"key": "for-ever", "currency": "USD", "grants": 1, "units": 9, "cost": 45},
    ]
    assert found["totals"] == [{"currency": "USD", "grants": 2, "units": 15, "cost": 6_045}]
    assert found["budgets"] == [
        {"budget": "monthly", "currency": "USD", "period_start": start, "allowed": 50_000, **amounts}
        for start, amounts in {
            "2026-03-01T00:00:00Z": {"reserved": 0, "spent": 3_000, "left": 47_000},
            "2026-04-01T00:00:00Z": {"reserved": 6_000, "spent": 2_000, "left": 42_000},
        }.items()
    ] + [
        {
            "budget": "spring",
            "currency": "USD",
            "period_start": None,
            "allowed": 100_000,
            "reserved": 6_000,
            "spent": 5_000,
            "left": 89_000,
        }
    ]
    assert found["stocks"] == [{"benefit": "coupon-10", "allowed": 50, "reserved": 6, "spent": 5, "left": 39}]
    by_tier = figures.liability("tier", "value")
    assert {row.key: row.left.units for row in by_tier.rows} == {"high": 9, "low": 6}, "as it was when granted"
    by_campaign = figures.liability("campaign")
    assert {row.key: row.left.units for row in by_campaign.rows} == {"": 9, "spring": 6}


def test_what_is_past_its_end_is_not_owed(system: GrantingSystem, figures: PostgresLedgerFigures) -> None:
    system.clock.set(START + 70 * DAY)
    found = figures.liability("kind")
    assert [(row.key, row.left) for row in found.rows] == [("coupon", Sum(9, 45))]
    assert [(row.grants, row.left) for row in found.ended] == [(1, Sum(6, 6_000))]
    system.expire()
    assert figures.liability("kind").ended == []


def test_when_it_will_be_over(system: GrantingSystem, figures: PostgresLedgerFigures) -> None:
    found = forecast_json(figures.forecast("month", "UTC"))
    never = {"key": "never", "currency": "USD", "grants": 1, "units": 9, "cost": 45}
    assert found["rows"] == [{"key": "2026-05-01", "currency": "USD", "grants": 1, "units": 6, "cost": 6_000}, never]
    assert found["totals"] == [{"currency": "USD", "grants": 2, "units": 15, "cost": 6_045}]
    system.give("bob", "points-jpy", units=70)
    keys = [(row.key, row.currency, row.left.cost) for row in figures.forecast("day", "UTC").rows]
    assert keys == [("2026-04-30", "JPY", 70), ("2026-05-03", "USD", 6_000), ("never", "USD", 45)]
    assert [row.key for row in figures.forecast("week", "UTC").rows] == ["2026-04-27", "2026-04-27", "never"]
    assert [row.key for row in figures.forecast("day", "Asia/Shanghai").rows] == ["2026-05-01", "2026-05-04", "never"]


def test_what_cannot_be_asked(figures: PostgresLedgerFigures) -> None:
    for ask in (
        lambda: figures.liability("colour"),  # type: ignore[arg-type]
        lambda: figures.liability("tier"),
        lambda: figures.forecast("year", "UTC"),  # type: ignore[arg-type]
        lambda: figures.forecast("month", "Mars/Olympus"),
        lambda: figures.costs("benefit", START, START),
        lambda: figures.costs("day", time_zone="nowhere"),
    ):
        with pytest.raises(LedgerQuestionInvalid):
            ask()
    with pytest.raises(UnknownScheme):
        figures.costs("tier", scheme="nowhere")


def test_nothing_was_ever_granted(database: str) -> None:
    with GrantingSystem(database) as system:
        figures = PostgresLedgerFigures(system.pool)
        assert costs_json(figures.costs("month"))["rows"] == []
        assert liability_json(figures.liability("kind"))["rows"] == figures.forecast("day", "UTC").rows == []


def test_a_range_is_of_instants(system: GrantingSystem, figures: PostgresLedgerFigures) -> None:
    whole = figures.costs("benefit").totals[1].granted
    cut = parse_instant("2026-03-12T00:00:00Z")
    parts = [figures.costs("benefit", None, cut).totals[1], figures.costs("benefit", cut, None).totals[1]]
    assert parts[0].granted + parts[1].granted == whole and parts[0].open == parts[1].open_before
