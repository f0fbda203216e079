"""A version in words: every language says the same things, and every condition of the shipped models can be said."""

import re
from pathlib import Path
from string import Formatter

import pytest

from domain.tier_model.compiled import CompiledModel
from domain.tier_model.spec import CutScore, parse_model, with_cuts
from domain.tier_model.words import LANGUAGES, Language, ModelWords
from domain.tier_model.words.catalogue import CATALOGUES, phrase

MODELS = sorted((Path(__file__).parents[4] / "examples" / "models").glob("*.yaml"))
VALUE = """
scheme: value
dimension: value
time_zone: Asia/Shanghai
currency: CNY
tiers: [low, mid, high]
features:
  orders: {count: order, within: 90 days, through: yesterday, where: "channel = 'app'"}
  spend: {sum: order.amount, minus: refund.amount, since: standing}
  recency: {days_since: order}
scores:
  r: {of: recency, best: low, cuts: [7, 30]}
  m: {of: spend, cuts: [5000, 20000]}
rules:
  high: {enter: "r = 3 and m >= 3", keep: "not (m < 2 or tag('fraud'))"}
  mid: "spend >= money(1000.00) or tier.behaviour in ('core', 'active')"
policy: {downgrade: {review: {every: 2 months, day: 5}, grace: 30 days, steps: 1}, minimum_stay: 1 day,
         validity: 1 year to end of month, warn: 14 days}
labels: {low: {zh-CN: 普通}, high: {zh-CN: 高价值, en: High}, m: {en: Spend score}, value: {zh-CN: 价值}}
"""


def words(text: str, language: Language) -> ModelWords:
    return ModelWords(CompiledModel(parse_model(text), 3), language)


def test_every_language_has_the_same_phrases_with_the_same_places_to_fill_in() -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    first = CATALOGUES["en"]
    for language in LANGUAGES:
        assert CATALOGUES[language].keys() == first.keys()
        for key, text in first.items():
            assert places(CATALOGUES[language][key]) == places(text), (language, key)


def test_a_version_in_english() -> None:
    told = words(VALUE, "en")
    assert told.rules() == [
        "High: r is 3 (days since the last of the orders is at most 7) and Spend score is at least 3 (total amount of "
        "orders less amount of refunds since entering the tier is above CNY 200.00).",
        "High is kept while Spend score is at least 2 (total amount of orders less amount of refunds since entering "
        "the tier is above CNY 50.00) and the tag “fraud” is not there.",
        "mid: total amount of orders less amount of refunds since entering the tier is at least CNY 1,000.00 or tier "
        "on behaviour is one of “core”, “active”.",
        "普通: everybody else.",
    ]
    assert told.policy() == [
        "A higher tier is given as soon as its conditions are met.",
        "Whoever no longer meets the conditions of a tier falls at the review on day 5 of every 2 months, after 30 "
        "days of grace, by 1 tier at most.",
        "A tier is held for at least 1 day.",
        "A tier is valid for 1 year from entry or renewal on, and to the end of the month.",
        "A warning is given 14 days before a review or the end of validity.",
    ]
    assert told.feature("orders") == (
        "number of orders in the last 90 days up to yesterday, counting where channel is “app”"
    )


def test_a_version_in_chinese() -> None:
    told = words(VALUE, "zh-CN")
    assert told.scheme() == "价值"
    assert told.rules()[2:] == [
        "mid：进入当前层级以来订单金额合计减去退款金额不低于1,000.00元或behaviour的层级为“core”、“active”之一。",
        "普通：其他所有用户。",
    ]
    assert told.policy()[1] == "不再满足层级条件的用户在每2个月第5日考核时，经过30天宽限期后降级，每次最多1级。"
    assert told.feature("orders") == "近90天（截至昨日）订单次数（仅计channel为“app”）"


def test_a_fall_after_grace_is_not_said_to_be_at_once() -> None:
    always = VALUE.replace("{every: 2 months, day: 5}", "continuous")
    assert words(always, "en").policy()[1] == (
        "Whoever no longer meets the conditions of a tier falls after 30 days of grace, by 1 tier at most."
    )
    assert words(always, "zh-CN").policy()[1] == "不再满足层级条件的用户经过30天宽限期后降级，每次最多1级。"


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("m > 1", "Spend score is above 1 (spend is above CNY 50.00)"),
        ("m < 2", "Spend score is below 2 (spend is at most CNY 50.00)"),
        ("m = 2", "Spend score is 2 (spend is above CNY 50.00 and at most CNY 200.00)"),
        ("r >= 2", "r is at least 2 (recency is at most 30)"),
        ("r <= 1", "r is at most 1 (recency is above 30)"),
        ("m <> 2", "Spend score is not 2"),
        ("m >= 1", "Spend score is at least 1"),
        ("m >= 9", "Spend score is at least 9"),
        ("money(10.00) <= spend", "spend is at least CNY 10.00"),
        ("orders * 2 > 10 - orders", "orders * 2 is above 10 - orders"),
        ("orders is null or orders not in (1, 2)", "orders is not known or orders is none of 1, 2"),
        ("coalesce(orders, 0) - (1 - 2) > -3", "the first known of orders, 0 - (1 - 2) is above -3"),
        (
            "orders > 1 and (orders < 9 or recency < 3)",
            "orders is above 1 and (orders is below 9 or recency is below 3)",
        ),
        ("not tag('x') and not (orders > 2)", "the tag “x” is not there and orders is at most 2"),
    ],
)
def test_conditions(condition: str, said: str) -> None:
    labels = "".join(f", {name}: {{en: {name}}}" for name in ("spend", "orders", "recency"))
    text = VALUE.replace("m: {en: Spend score}", "m: {en: Spend score}" + labels).replace(
        '''mid: "spend >= money(1000.00) or tier.behaviour in ('core', 'active')"''', f'mid: "{condition}"'
    )
    told = words(text, "en")
    assert told.condition(told.model.rules[0].enter) == said


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shipped_models_can_be_said(path: Path, language: Language) -> None:
    spec = parse_model(path.read_text())
    cuts = {
        name: list(range(1, score.bins or 2))
        for name, score in spec.scores.items()
        if isinstance(score, CutScore) and not score.fitted
    }
    told = ModelWords(CompiledModel(with_cuts(spec, cuts, 0, "test"), 1), language)
    sentences = [*told.rules(), *told.policy(), *told.growth(), *(told.feature(name) for name in spec.features)]
    end = "。" if language == "zh-CN" else "."
    assert len(told.rules()) >= len(spec.tiers) - 1
    assert all(sentence.endswith(end) for sentence in told.rules() + told.policy() + told.growth())
    assert not [sentence for sentence in sentences if re.search(r"[{}]|\(order|None", sentence)]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            {"of": "spend", "is": 5, "needs": ">= 100000", "missing": 99_995},
            "CNY 1,000.00 (now CNY 0.05, CNY 999.95 short)",
        ),
        ({"of": "spend", "is": None, "needs": "a value", "missing": None}, "is known (now not known)"),
        ({"of": "orders", "is": 1, "needs": "in (3, 5)", "missing": 2}, "is one of 3, 5 (now 1, 2 short)"),
        ({"of": "recency", "is": 9, "needs": "<= 7", "missing": 2}, "is at most 7 (now 9)"),
        (
            {"of": "tag('fraud')", "is": True, "needs": "= false", "missing": None},
            "the tag “fraud” is not there (now yes)",
        ),
        (
            {"of": "spend", "is": -5, "needs": "in (0, 100)", "missing": 5},
            "one of CNY 0.00, CNY 1.00 (now CNY -0.05, CNY 0.05 short)",
        ),
    ],
)
def test_missing_parts(part: dict, said: str) -> None:
    assert words(VALUE, "en").missing(part, {}).endswith(said)


def test_a_phrase_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(KeyError):
        phrase("en", "no such phrase")
