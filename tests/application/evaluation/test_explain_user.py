"""Explanations on a real ledger: why, what next, and what would make it drop and when, in both languages."""

import json
from typing import Any

import pytest

from application.evaluation.explain_user import ExplainUser
from application.overrides.freeze_standing import FreezeStanding
from application.overrides.pin_tier import PinTier
from application.overrides.ports import Wanted
from application.queries import UnknownScheme, UnknownUser
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.create_tier_model import CreateTierModel
from domain.facts.fact import Fact
from domain.facts.instants import SECOND, parse_instant
from domain.tier_model.migration import Migration
from domain.tier_model.words import LANGUAGES
from domain.user_tier.holds import PinMode
from domain.user_tier.overriding import NoStanding
from infrastructure.evaluation.override_requests import PostgresOverrideRequests
from infrastructure.queries.ledger import PostgresLedgerQueries
from tests.support.ledger import LedgerSystem, order

DAY = 86_400 * SECOND
START = parse_instant("2026-03-01T16:00:00Z")  # a midnight in Shanghai
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "Asia/Shanghai",
    "currency": "CNY",
    "tiers": ["low", "mid", "high"],
    "features": {"orders": {"count": "order", "within": "30 days"}, "spend": {"sum": "order.amount"}},
    "scores": {"m": {"of": "spend", "cuts": [10_000, 50_000]}},
    "rules": {"mid": {"enter": "orders >= 2", "keep": "orders >= 1"}, "high": "m >= 3 and orders >= 3"},
    "policy": {"downgrade": {"review": "monthly", "grace": "10 days"}},
    "labels": {
        "mid": {"zh-CN": "银卡", "en": "Silver"},
        "high": {"zh-CN": "金卡", "en": "Gold"},
        "orders": {"zh-CN": "近30天订单数", "en": "Orders in 30 days"},
        "spend": {"zh-CN": "累计消费额", "en": "Total spend"},
        "m": {"zh-CN": "消费得分", "en": "Spend score"},
    },
}
MORE = {"refunds": {"count": "refund"}}


@pytest.fixture
def system(database: str):
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        system.activate(MODEL)
        system.facts([{**order(f"o{n}", "ann", START, 10_000), "currency": "CNY"} for n in range(2)])
        system.settle()
        yield system


def pin(system: LedgerSystem, tier: str, mode: PinMode = "exact", until: int | None = None) -> None:
    requests = PostgresOverrideRequests(system.pool, system.evaluation)
    pin_tier = PinTier(system.evaluation, requests, {}, "required")
    assert pin_tier(Wanted("ann", "value", tier, mode, "why", until), "test").changed


def freeze(system: LedgerSystem, until: int) -> None:
    assert FreezeStanding(system.evaluation)("ann", "value", "test", reason="why", until=until).changed


def explained(system: LedgerSystem, user_id: str = "ann", language: str = "en", **options: Any) -> dict[str, Any]:
    explain = ExplainUser(system.evaluation, PostgresLedgerQueries(system.pool, system.keyring))
    return explain(user_id, language, **options).explanations["value"]


def test_why_what_next_and_when_it_drops(system: LedgerSystem) -> None:
    found = explained(system)
    assert (found["tier"], found["tier_name"], found["qualified"], found["next_tier"]) == (
        "mid",
        "Silver",
        "mid",
        "high",
    )
    assert found["why"] == [
        "The tier is Silver, since 2 March 2026.",
        "It was given at the first decision.",
        "By version 1 of the rules the user qualifies for Silver now: Orders in 30 days is at least 2.",
        "Orders in 30 days: 2.",
    ]
    assert found["next"] == [
        "For Gold it takes that Spend score is at least 3 (Total spend is above CNY 500.00) (now 2 (Total spend CNY "
        "200.00), CNY 300.01 short) and Orders in 30 days is at least 3 (now 2, 1 short)."
    ]
    assert found["drop"] == [
        "It is kept while Orders in 30 days is at least 1.",
        "Whoever no longer meets the conditions of a tier falls at the review at the beginning of a month, after 10 "
        "days of grace.",
        "Grace begins on 1 April 2026.",
        "If nothing more happens, it falls to low on 11 April 2026.",
        "By then, Orders in 30 days: 0 (now 2).",
    ]
    assert found["may_drop_on"] == "2026-04-10T16:00:00Z"
    assert found["text"].count("\n") == 2


def test_what_it_says_is_what_happens(system: LedgerSystem) -> None:
    falls = parse_instant(explained(system)["may_drop_on"])
    system.clock.set(falls - SECOND)
    system.settle()
    assert system.observed("ann").schemes["value"][""].standing.tier == "mid"
    in_grace = explained(system)
    assert "Its conditions are no longer met; grace holds it until 11 April 2026." in in_grace["why"]
    assert "qualifies for low now: no other tier's conditions are met." in in_grace["why"][2]
    system.clock.set(falls + 1)
    system.settle()
    fallen = explained(system)
    assert fallen["tier"] == "low"
    assert "It fell from Silver when the grace was over." in fallen["why"]
    assert fallen["drop"] == ["There is no lower tier."]


@pytest.mark.parametrize("by", ["a pin", "a promise"])
def test_a_grace_that_is_over_is_not_told(system: LedgerSystem, by: str) -> None:
    system.clock.set(START + 32 * DAY)
    system.settle()
    grace = "Its conditions are no longer met; grace holds it until 11 April 2026."
    if by == "a pin":
        pin(system, "mid", "floor")
    else:
        view, _ = CreateTierModel(system.models)(json.dumps({**MODEL, "features": MODEL["features"] | MORE}), "test")
        ActivateTierModel(system.models)("value", view.version, "test", migration=Migration("up-only"))
        system.settle()
    assert (grace in explained(system)["why"]) == (by == "a promise"), "a floor keeps the tier beyond it"
    system.clock.set(START + 44 * DAY)
    system.settle()
    found = explained(system)
    assert (found["tier"], found["qualified"]) == ("mid", "low")
    assert not any("no longer met" in told for told in found["why"]), "what holds it is told already"


def test_a_tier_is_called_as_the_version_called_it_that_had_it(system: LedgerSystem) -> None:
    """Twice renamed: one way back after the other, and a user whose own tier kept its name."""
    system.facts([{**order(f"b{n}", "bob", START, 20_000), "currency": "CNY"} for n in range(2)])
    system.settle()
    system.facts([{**order("b2", "bob", START, 20_000), "currency": "CNY"}])
    system.settle()
    assert "It was reached from Silver, for the conditions were met." in explained(system, "bob")["why"]
    renamed = {
        **MODEL,
        "tiers": ["low", "plus", "high"],
        "rules": {"plus": MODEL["rules"]["mid"], "high": MODEL["rules"]["high"]},
        "labels": {"plus": {"zh-CN": "银卡＋", "en": "Silver Plus"}},
    }
    view, _ = CreateTierModel(system.models)(json.dumps(renamed), "test")
    activate = ActivateTierModel(system.models)
    activate("value", view.version, "test", migration=Migration(mapping={"mid": "plus"}))
    system.settle()
    assert "It was Silver in the version before, and goes by this name now." in explained(system)["why"]
    assert "在上一版本中为银卡，现更名为此层级。" in explained(system, language="zh-CN")["why"]
    assert "It was reached from Silver, for the conditions were met." in explained(system, "bob")["why"]
    activate("value", 1, "test", migration=Migration(mapping={"plus": "mid"}))
    assert "It was Silver Plus in the version before, and goes by this name now." in explained(system)["why"]


def test_no_drop_is_told_that_a_pins_end_takes_back_at_once(system: LedgerSystem) -> None:
    """Underneath is mid, and the rules say high: when the pin ends, mid lasts no time."""
    until = START + 44 * DAY
    pin(system, "high", until=until)
    system.clock.set(START + 40 * DAY)
    facts = [{**order(f"n{n}", "ann", START + 39 * DAY, 20_000), "currency": "CNY"} for n in range(3)]
    system.facts(facts)
    system.settle()
    found = explained(system)
    assert "If nothing more happens, it falls to low on 11 June 2026." in found["drop"]
    assert "Grace begins on 1 June 2026." in found["drop"]
    assert found["may_drop_on"] == "2026-06-10T16:00:00Z"
    system.clock.set(until + 1)
    system.settle()
    assert [(e["from"], e["to"]) for e in system.events()["ann"] if e["at"] == until and e["from"] != e["to"]] == [
        ("high", "mid"),
        ("mid", "high"),
    ]
    assert explained(system)["tier"] == "high"


def test_who_is_on_the_lowest_tier_falls_no_lower(system: LedgerSystem) -> None:
    """The end of the pin lifts, and what follows only takes that back."""
    pin(system, "low", until=START + 10 * DAY)
    found = explained(system)
    assert (found["tier"], found["may_drop_on"]) == ("low", None)
    assert "There is no lower tier." in found["drop"]
    system.clock.set(START + 11 * DAY)
    system.settle()
    assert explained(system)["may_drop_on"] == "2026-04-10T16:00:00Z"


def test_the_same_in_chinese(system: LedgerSystem) -> None:
    found = explained(system, language="zh-CN")
    assert found["why"][0] == "自2026年3月2日起为银卡。"
    assert found["next"] == [
        "升至金卡还需：消费得分不低于3（累计消费额超过500.00元）（目前2（累计消费额200.00元），还差300.01元）"
        "且近30天订单数不低于3（目前2，还差1）。"
    ]
    assert found["drop"][-2:] == ["若无其他变化，将于2026年4月11日降至low。", "届时近30天订单数为0（目前2）。"]
    assert found["text"].splitlines()[0].endswith("近30天订单数：2。")


def test_what_if(system: LedgerSystem) -> None:
    fact = Fact("h", "ann", "order", START, amount=40_000, currency="CNY")
    supposed = explained(system, hypothetical_facts=[fact])
    assert (supposed["tier"], supposed["next"]) == ("high", ["This is the highest tier."])
    assert supposed["why"][1] == "It was reached from Silver, for the conditions were met."
    assert explained(system)["tier"] == "mid"
    assert "h" not in json.dumps(system.events()["ann"][-1].get("receipt", {}).get("features", {}))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_holds_it_is_said(system: LedgerSystem, language: str) -> None:
    freeze(system, START + 90 * DAY)
    found = explained(system, language=language)
    frozen = {
        "en": "A person has frozen it until 31 May 2026: nothing moves.",
        "zh-CN": "已人工冻结，至2026年5月31日，层级不变动。",
    }
    assert frozen[language] in found["why"]
    assert {"en": "While it is held, nothing lowers it.", "zh-CN": "锁定或冻结期间不会下降。"}[language] in found[
        "drop"
    ]


@pytest.mark.parametrize(
    ("migration", "language", "told"),
    [
        (
            Migration("up-only"),
            "en",
            "When the rules changed a promise was made: not below Silver until the new rules are met.",
        ),
        (Migration("up-only"), "zh-CN", "规则变更时承诺不低于银卡，直至首次满足新规则。"),
        (
            Migration("grandfather", until=START + 60 * DAY),
            "en",
            "When the rules changed a promise was made: not below Silver until 1 May 2026, or until the new rules "
            "are met before that.",
        ),
        (
            Migration("grandfather", until=START + 60 * DAY),
            "zh-CN",
            "规则变更时承诺不低于银卡，至2026年5月1日为止；若提前首次满足新规则，则至满足时为止。",
        ),
    ],
)
def test_what_a_change_of_the_rules_promised(
    system: LedgerSystem, migration: Migration, language: str, told: str
) -> None:
    rules = {"mid": "orders >= 3", "high": "orders >= 5"}
    view, _ = CreateTierModel(system.models)(json.dumps({**MODEL, "rules": rules}), "test")
    ActivateTierModel(system.models)("value", view.version, "test", migration=migration)
    assert told in explained(system, language=language)["why"]


class TestWhatHoldsItHoldsThatToo:
    def test_under_a_ceiling_nothing_done_raises_it(self, system: LedgerSystem) -> None:
        pin(system, "low", "ceiling", until=START + 10 * DAY)
        found = explained(system)
        back = "After that it goes back to Silver, and the rules decide again."
        assert found["next"] == ["A person keeps it from rising until 12 March 2026.", back]
        assert found["drop"] == ["There is no lower tier."] and found["may_drop_on"] is None
        told = explained(system, language="zh-CN")["next"]
        assert told == ["已人工锁定或冻结，至2026年3月12日，期间不会升级。", "此后恢复为银卡，并重新按规则评定。"]

    def test_what_is_missing_counts_afterwards(self, system: LedgerSystem) -> None:
        pin(system, "mid", "ceiling")
        held, after = explained(system)["next"]
        assert held == "A person keeps it from rising until that is lifted."
        assert after.startswith("After that, for Gold it takes that Spend score is at least 3")
        held, after = explained(system, language="zh-CN")["next"]
        assert held == "已人工锁定或冻结，直至解除，期间不会升级。" and after.startswith("此后升至金卡还需：消费得分")
        assert "While it is held, nothing lowers it." not in explained(system)["drop"], "it may fall"

    def test_a_ceiling_above_holds_nothing(self, system: LedgerSystem) -> None:
        pin(system, "high", "ceiling")
        assert explained(system)["next"][0].startswith("For Gold it takes that")

    def test_a_floor_does_not_keep_it_from_rising(self, system: LedgerSystem) -> None:
        pin(system, "mid", "floor")
        found = explained(system)
        assert found["next"][0].startswith("For Gold it takes that")
        assert found["drop"][:2] == [
            "While it is held, nothing lowers it.",
            "It is kept while Orders in 30 days is at least 1.",
        ]

    def test_what_a_pin_covers_returns(self, system: LedgerSystem) -> None:
        pin(system, "high", until=START + 10 * DAY)
        assert explained(system)["drop"] == [
            "While it is held, nothing lowers it.",
            "After that it goes back to Silver, and the rules decide again.",
            "If nothing more happens, it falls to Silver on 12 March 2026.",
        ]

    @pytest.mark.parametrize(("tier", "part"), [("high", "next"), ("low", "drop")])
    def test_a_pin_put_inside_a_freeze_acts_after_it(self, system: LedgerSystem, tier: str, part: str) -> None:
        freeze(system, START + 10 * DAY)
        pin(system, tier, until=START + 30 * DAY)
        found = explained(system)
        assert found["tier"] == "mid" and found["next"][0] == "A person keeps it from rising until 12 March 2026."
        assert f"After that a person's pin moves it to {'Gold' if tier == 'high' else 'low'}." in found[part]
        assert not any("it takes that" in told for told in found["next"])

    def test_a_class_that_is_held_does_not_change(self, system: LedgerSystem) -> None:
        rules = {"mid": "orders >= 2", "high": "orders >= 3"}
        unordered = {"unordered": True, "default": "low", "rules": rules, "policy": {}}
        system.activate({**MODEL, **unordered, "tiers": ["high", "mid", "low"]})
        system.settle()
        change = "Another class takes its place as soon as its conditions are the first that are met."
        assert explained(system)["drop"] == [change]
        pin(system, "mid")
        assert explained(system)["drop"] == [
            "A person keeps it from changing until that is lifted.",
            "After that another class takes its place as soon as its conditions are the first that are met.",
        ]
        pin(system, "low", until=START + 10 * DAY)
        assert explained(system, language="zh-CN")["drop"] == [
            "已人工锁定或冻结，至2026年3月12日，期间不会转入其他分群。",
            "此后恢复为银卡，并重新按规则评定。",
        ]

    def test_of_a_default_whose_own_rule_does_not_hold_no_rule_is_told(self, system: LedgerSystem) -> None:
        rules = {"high": "orders >= 9", "mid": "orders >= 7", "low": "orders >= 5"}
        unordered = {"unordered": True, "default": "low", "rules": rules, "policy": {}}
        system.activate({**MODEL, **unordered, "tiers": ["high", "mid", "low"], "labels": {}})
        system.settle()
        assert explained(system)["why"][-1] == (
            "By version 2 of the rules the user qualifies for low now: no other tier's conditions are met."
        )


def test_what_is_not_there_is_refused(system: LedgerSystem) -> None:
    with pytest.raises(UnknownUser):
        explained(system, "nobody")
    with pytest.raises(UnknownScheme):
        explained(system, scheme="nowhere")
    with pytest.raises(NoStanding):
        explained(system, scheme="value", scope="m-1")
