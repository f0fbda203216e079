"""A version beside the one before, for the notice: what differs is said, what does not is not, in both languages."""

from itertools import pairwise
from pathlib import Path

import pytest

from domain.facts.instants import parse_instant
from domain.tier_model.migration import Migration
from domain.tier_model.words import LANGUAGES, Language
from domain.tier_model.words.notice import changes, transition
from tests.domain.tier_model.words.test_words import VALUE, words

GROWTH = """
scheme: growth
dimension: value
time_zone: Asia/Shanghai
currency: CNY
tiers: [low, high]
features: {orders: {count: order}}
growth:
  earn: {spend: {of: order.amount, each: money(1.00), points: 1}, visit: {of: visit, points: 2}}
  deduct: {high: 500}
rules: {high: "growth >= 1000"}
policy: {validity: 1 year}
"""


def said(old: str, new: str, language: Language = "en", **mapping: str) -> list[str]:
    return changes(words(old, language), words(new, language), mapping)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_rules_are_no_change(language: Language) -> None:
    assert said(VALUE, VALUE, language) == []
    assert said(VALUE, VALUE.replace("  r:", "  r:  ") + "# a comment\n", language) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "spend >= money(1000.00) or",
            "spend >= money(1200.00) or",
            "mid: total amount of orders less amount of refunds since entering the tier is at least CNY 1,200.00 or "
            "tier on behaviour is one of “core”, “active”. Before: mid: total amount of orders less amount of refunds "
            "since entering the tier is at least CNY 1,000.00 or tier on behaviour is one of “core”, “active”.",
        ),
        (
            "grace: 30 days",
            "grace: 60 days",
            "Whoever no longer meets the conditions of a tier falls at the review on day 5 of every 2 months, after 60 "
            "days of grace, by 1 tier at most. Before: Whoever no longer meets the conditions of a tier falls at the "
            "review on day 5 of every 2 months, after 30 days of grace, by 1 tier at most.",
        ),
        (", warn: 14 days", "", "No longer: A warning is given 14 days before a review or the end of validity."),
        ("time_zone: Asia/Shanghai", "time_zone: UTC", "Days now turn over at midnight in UTC; before: Asia/Shanghai."),
    ],
)
def test_one_change_is_one_sentence(old: str, new: str, told: str) -> None:
    assert old in VALUE
    assert said(VALUE, VALUE.replace(old, new)) == [told]


def test_thresholds_and_other_ways_to_calculate_are_told() -> None:
    cuts = said(VALUE, VALUE.replace("cuts: [5000, 20000]", "cuts: [6000, 20000]"))
    assert cuts[-1] == ("The thresholds of Spend score are now CNY 60.00, CNY 200.00; before: CNY 50.00, CNY 200.00.")
    turned = said(VALUE, VALUE.replace("r: {of: recency, best: low", "r: {of: recency, best: high"))
    assert turned[-1] == "r is calculated in another way."


def test_what_a_label_hides_is_told() -> None:
    labelled = VALUE.replace("labels: {", "labels: {spend: {en: Spend}, ")
    told = said(labelled, labelled.replace("since: standing", "within: 30 days"))
    assert told == [
        "Spend: total amount of orders less amount of refunds in the last 30 days. "
        "Before: Spend: total amount of orders less amount of refunds since entering the tier."
    ]


def test_tiers_are_added_removed_and_renamed() -> None:
    inserted = VALUE.replace("tiers: [low, mid, high]", "tiers: [low, mid, fine, high]").replace(
        "  mid:", '  fine: "orders >= 9"\n  mid:'
    )
    told = said(VALUE, inserted)
    assert told[:2] == ["There is a new tier: fine.", "The tiers now are, lowest first: 普通, mid, fine, High."]
    assert told[2].startswith("New: fine: number of orders") and len(told) == 3
    removed = said(inserted, VALUE, fine="mid")
    assert removed[0] == "The tier fine becomes mid." and len(removed) == 1
    gone = said(inserted, VALUE)
    assert gone[0] == "The tier fine ends." and gone[1].startswith("No longer: fine: ")
    renamed = VALUE.replace("mid", "middle")
    told = said(VALUE, renamed, mid="middle")
    assert told[0] == "The tier mid becomes middle."
    assert told[1].startswith("middle: total amount") and " Before: mid: total amount" in told[1] and len(told) == 2
    named = said(VALUE, VALUE.replace("high: {zh-CN: 高价值, en: High}", "high: {zh-CN: 金卡, en: Gold}"))
    assert named[0] == "The tier High becomes Gold."


def test_growth_value_by_rule() -> None:
    told = said(GROWTH, GROWTH.replace("points: 2", "points: 3").replace("high: 500", "high: all"))
    assert told == [
        "3 points of growth value for visits. Before: 2 points of growth value for visits.",
        "When validity ends on high, all points are deducted. Before: When validity ends on high, 500 points are "
        "deducted.",
    ]
    dropped = GROWTH.replace(", visit: {of: visit, points: 2}", "")
    assert said(GROWTH, dropped) == ["No longer: 2 points of growth value for visits."]
    assert said(dropped, GROWTH) == ["New: 2 points of growth value for visits."]


def test_in_chinese() -> None:
    told = said(VALUE, VALUE.replace("minimum_stay: 1 day", "minimum_stay: 7 days"), "zh-CN")
    assert told == ["进入层级后至少停留7天。原为：进入层级后至少停留1天。"]
    inserted = VALUE.replace("tiers: [low, mid, high]", "tiers: [low, mid, fine, high]").replace(
        "  mid:", '  fine: "orders >= 9"\n  mid:'
    )
    assert said(VALUE, inserted, "zh-CN")[:2] == ["新增层级：fine。", "层级由低到高现为：普通、mid、fine、高价值。"]


@pytest.mark.parametrize(
    ("migration", "english", "chinese"),
    [
        (Migration(), "From then on everybody is looked at by the new rules.", "所有用户按新规则重新评定"),
        (Migration(mode="up-only"), "Nobody falls by the change", "规则变更本身不会降级"),
        (
            Migration(mode="grandfather", until=parse_instant("2026-04-30T16:00:00Z")),
            "no longer than until 1 May 2026.",
            "最晚至2026年5月1日。",
        ),
        (
            Migration(mode="soft-landing", grace_days=30, percent=12.5),
            "Nobody falls within 30 days of the change; then by one tier at a time, until the new rules have been met "
            "once. The change begins with 12.5% of the members.",
            "变更后30天内不降级；此后每次最多降一级，直至首次满足新规则。 先对12.5%的会员生效。",
        ),
    ],
)
def test_what_becomes_of_who_stands_there(migration: Migration, english: str, chinese: str) -> None:
    assert english in " ".join(transition(words(VALUE, "en").vocabulary, migration))
    assert chinese in " ".join(transition(words(VALUE, "zh-CN").vocabulary, migration))


@pytest.mark.parametrize("language", LANGUAGES)
def test_any_two_public_programmes_can_be_told_apart(language: Language) -> None:
    programmes = Path(__file__).parents[3] / "conformance"
    texts = [path.read_text() for path in sorted(programmes.glob("*/model.yaml"))]
    for old, new in pairwise(texts):
        assert said(old, new, language)
