"""Standings per merchant and growth value, from the facts to every answer that shows them."""

import pytest

from infrastructure.bootstrap import System
from tests.interfaces.http.conftest import Api, order
from tests.interfaces.http.test_bad_input import problem

MEMBERS = """
scheme: members
dimension: value
time_zone: UTC
currency: USD
per: merchant_id
tiers: [guest, member]
features:
  spend: {sum: order.amount, within: 30 days}
rules:
  member: {enter: "spend >= money(50.00)"}
"""
CLUB = """
scheme: club
dimension: value
time_zone: UTC
currency: USD
tiers: [bronze, silver]
features: {}
growth:
  earn:
    shopping: {points: 1, each: money(1.00), of: order.amount}
  deduct: {silver: 60}
rules:
  silver: {enter: "growth >= 100"}
policy: {validity: 30 days, downgrade: {review: yearly}}
"""
SHOP = "50%/tea"
DAY = "2026-01-10T00:00:00Z"


@pytest.fixture
def system(system: System) -> System:
    system.clock.make_manual()
    return system


@pytest.fixture
def at_work(api: Api, worker: None) -> Api:
    api.client.put("/v1/clock", json={"now": DAY})
    return api


def bought(user_id: str, fact_id: str, amount: int, merchant: str | None) -> dict:
    fact = order(user_id, fact_id, amount, DAY)
    return fact | {"attributes": {"merchant_id": merchant}} if merchant else fact


def shown(api: Api, position: int, user_id: str = "u-1") -> dict:
    card = api.client.get(f"/v1/users/{user_id}", params={"at_least": position, "wait": 20})
    assert card.headers["tierline-at-least"] == "reached", card.text
    return card.json()


def test_a_standing_with_each_merchant(at_work: Api) -> None:
    at_work.activate(MEMBERS)
    position = at_work.record(
        bought("u-1", "a", 6_000, "m-1"),
        bought("u-1", "b", 1_000, SHOP),
        bought("u-1", "c", 9_000, None),
        bought("u-2", "d", 7_000, SHOP),
    )
    card = shown(at_work, position)
    shown(at_work, position, "u-2")
    assert card["standings"] == {}
    merchants = card["scopes"]["members"]
    assert {name: (at["tier"], at["next_tier"]) for name, at in merchants.items()} == {
        "m-1": ("member", None),
        SHOP: ("guest", "member"),
    }
    assert merchants[SHOP]["missing"] and merchants["m-1"]["may_drop_on"] == "2026-02-09T00:00:00Z"
    assert_log(at_work)
    assert_sizes(at_work)
    assert_search(at_work, position)
    findings = at_work.system.read_models.verify()
    assert all(found.equal for found in findings.values()), findings


def assert_log(api: Api) -> None:
    tiers = api.client.get("/v1/users/u-1/tiers").json()
    assert tiers["standings"] == {}
    assert {name: at["tier"] for name, at in tiers["scopes"]["members"].items()} == {"m-1": "member", SHOP: "guest"}
    events = api.client.get("/v1/users/u-1/history").json()["events"]
    assert {(e["data"]["scope"], e["data"]["to"]) for e in events[1:]} == {("m-1", "member"), (SHOP, "guest")}
    supposed = {"dry_run": True, "hypothetical_facts": [bought("u-1", "x", 5_000, SHOP)]}
    would = api.client.post("/v1/users/u-1/evaluations", json=supposed).json()
    assert would["evaluations"] == {}
    assert would["scopes"]["members"][SHOP]["decision"]["to"] == "member"
    assert would["scopes"]["members"]["m-1"]["decision"] is None


def assert_sizes(api: Api) -> None:
    url = "/v1/schemes/members/distribution"
    past = {"as_of": api.client.get("/v1/clock").json()["now"]}
    for when in ({}, past):
        one = api.client.get(url, params={"scope": SHOP} | when).json()
        assert (one["scope"], one["tiers"]) == (SHOP, {"guest": 1, "member": 1})
        assert api.client.get(url, params=when).json()["tiers"] == {"guest": 1, "member": 2}
    assert api.client.get(url, params={"scope": "nobody"}).json()["tiers"] == {"guest": 0, "member": 0}


def assert_search(api: Api, position: int) -> None:
    def found(*scoped: dict, **more: str) -> set[str]:
        query = {"scoped": list(scoped), **more}
        answer = api.client.post("/v1/segments/search", json=query, params={"at_least": position, "wait": 20})
        assert answer.status_code == 200, answer.text
        return {user["user_id"] for user in answer.json()["users"]}

    shop = {"scheme": "members", "scope": SHOP}
    assert found(shop | {"tier": "member"}) == {"u-2"}
    assert found(shop) == {"u-1", "u-2"}
    assert found(shop, {"scheme": "members", "scope": "m-1", "tier": "member"}) == {"u-1"}
    assert found(shop, where="tag('vip')") == set()
    search = "/v1/segments/search"
    assert problem(api.client.post(search, json={"where": "tier.members = 'member'"}), 422)["errors"][0]["line"] == 1
    wrong = api.client.post(search, json={"scoped": [shop | {"scheme": "nope"}]})
    assert problem(wrong, 422)["errors"][0]["field"] == "scoped.0.scheme"


def test_a_scheme_of_the_platform_has_no_scopes(at_work: Api) -> None:
    at_work.activate()
    url = "/v1/schemes/value/distribution"
    assert problem(at_work.client.get(url, params={"scope": "m-1"}), 422)["errors"][0]["field"] == "scope"
    assert problem(at_work.client.get(url, params={"scope": ""}), 422)["errors"][0]["field"] == "scope"


def test_growth_value_is_shown_settled_and_found(at_work: Api) -> None:
    at_work.activate(CLUB)
    position = at_work.record(bought("u-1", "a", 8_000, None))
    growing = shown(at_work, position)["standings"]["club"]
    assert (growing["tier"], growing["next_tier"]) == ("bronze", "silver")
    assert growing["growth"] == {"balance": 80, "carried": 0, "settled_at": None}
    assert growing["missing"] == [{"of": "growth", "is": 80, "needs": ">= 100", "missing": 20}]
    position = at_work.record(bought("u-1", "b", 4_000, None))
    risen = shown(at_work, position)["standings"]["club"]
    assert (risen["tier"], risen["growth"]["balance"]) == ("silver", 120)
    assert risen["may_drop_on"] == "2026-02-09T00:00:00Z"
    query = {"where": "growth >= 100"}
    search = at_work.client.post("/v1/segments/search", json=query, params={"at_least": position, "wait": 20})
    assert search.json()["total"] == 1
    at_work.client.put("/v1/clock", json={"now": "2026-02-10T00:00:00Z"})
    settled = shown(at_work, position)["standings"]["club"]
    assert settled["growth"] == {"balance": 60, "carried": 60, "settled_at": "2026-02-09T00:00:00Z"}
    assert settled["tier"] == "bronze"
    events = at_work.client.get("/v1/users/u-1/history").json()["events"]
    (settlement,) = [event for event in events if event["topic"] == "user-tier.growth-settled.v1"]
    told = settlement["data"]
    assert [told[name] for name in ("carried", "earned", "deducted", "balance")] == [0, 120, 60, 60]
    assert told["scheme"] == "club" and settlement["receipt"]
