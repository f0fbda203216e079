"""A model file becomes types, or a list of faults with their places."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.tier_model.lint import lint_text
from domain.tier_model.spec import (
    DaysSince,
    Downgrade,
    ModelInvalid,
    ReviewEvery,
    Sum,
    Window,
    canonical_json,
    parse_model,
)

MODEL = """\
scheme: value
dimension: value            # value | behaviour | feature
time_zone: Asia/Shanghai
currency: CNY
labels: {high: {zh-CN: 高价值, en: High value}}
tiers: [low, mid, high]
features:
  recency:   {days_since: order, first: true}
  frequency: {count: order, within: 1 year}
  spend:     {sum: order.amount, minus: refund.amount, within: 365 days, through: yesterday}
  season:    {count: visit, within: this quarter}
  interests: {top: order.lines.category, by: amount, since: anniversary}
  share:     {share: order.amount, of: "channel = 'app'", where: amount > money(1)}
  growth:    {trend: sum order.amount, within: 1 month, after: 7 days, refunds: at_order}
  pace:      {rate: order, per: 30 days}
scores:
  r: {of: recency,   bins: 5, best: low,  cuts: fitted}
  m: {of: spend,     cuts: [5000, 20000.5, 80000]}
  all: {weighted: {r: 1, m: 2.5}, missing: 0}
rules:
  high: {enter: "r >= 4 and m >= 4", keep: "m >= 4"}
  mid: "m >= 3"
policy:
  upgrade: at_review
  downgrade: {review: {every: 6 months, day: 31}, grace: 1 day, steps: 1}
  minimum_stay: 30 days
  validity: 12 months
  warn: 7 days
"""


def faults(text: str | bytes) -> list[tuple[str, int | None, int | None, str]]:
    with pytest.raises(ModelInvalid) as refused:
        parse_model(text)
    return [
        (fault.path, fault.line, fault.column, f"{fault.message}. {fault.remedy}") for fault in refused.value.errors
    ]


def place_of(text: str, at: str) -> tuple[int, int]:
    """Line and column, from 1, of the first place where the text says so."""
    before = text[: text.index(at)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def changed(old: str, new: str) -> str:
    assert old in MODEL
    return MODEL.replace(old, new)


def test_the_whole_spelling_is_read() -> None:
    spec = parse_model(MODEL)
    assert (spec.scheme, spec.tiers, spec.labels["high"].zh_cn) == ("value", ("low", "mid", "high"), "高价值")
    assert spec.features["recency"] == DaysSince(days_since="order", first=True)
    assert spec.features["frequency"].window == Window(length=1, unit="year")
    assert spec.features["frequency"].window.months == 12
    spend = spec.features["spend"]
    assert isinstance(spend, Sum) and spend.minus is not None and spend.minus.is_amount
    assert (spend.key, spend.kinds) == ("sum", ("order", "refund"))
    assert spend.window == Window(length=365, unit="day", through_yesterday=True)
    assert spec.features["season"].window == Window(calendar="quarter")
    assert spec.features["interests"].window == Window(since="anniversary")
    assert spec.features["interests"].fields[0].of_lines
    assert [spec.features[name].kinds for name in ("share", "growth", "pace")] == [("order",)] * 3
    assert spec.needs_fitting == ("r",)
    assert (spec.rules["mid"].enter, spec.rules["mid"].keep) == ("m >= 3", None)
    assert isinstance(spec.policy.downgrade, Downgrade)
    assert spec.policy.downgrade.review == ReviewEvery.model_validate({"every": "6 months", "day": 31})
    assert spec.policy.validity is not None and spec.policy.validity.length.months == 12


def test_json_says_the_same_also_with_tabs_and_escapes() -> None:
    data = yaml.safe_load(MODEL)
    spec = parse_model(MODEL)
    for text in (
        json.dumps(data),
        json.dumps(data, indent="\t"),
        json.dumps(data, indent=2, ensure_ascii=False).encode(),
    ):
        assert parse_model(text) == spec
    assert parse_model(json.dumps(data).replace("\\u9ad8", "\\ud83d\\ude00")).labels["high"].zh_cn == "\U0001f600价值"


def test_words_that_other_yaml_turns_into_truth_values_stay_words() -> None:
    text = changed("tiers: [low, mid, high]", "tiers: [no, off, y, mid, high]").replace("mid: ", "on: m > 1\n  mid: ")
    assert parse_model(text).tiers[:3] == ("no", "off", "y")
    assert "on" in parse_model(text).rules


@pytest.mark.parametrize(
    ("old", "new", "path", "at", "said"),
    [
        (
            "review: {every: 6 months, day: 31}",
            "review: quartely",
            "policy.downgrade.review",
            "review: q",
            "'quarterly'",
        ),
        ("day: 31", "day: 32", "policy.downgrade.review.day", "day: 32", "31"),
        ("grace: 1 day", "grace: 30", "policy.downgrade.grace", "grace: 30", "30 days"),
        ("grace: 1 day", "grace: 2 weeks", "policy.downgrade.grace", "grace: 2", "N days"),
        (
            "{count: order, within: 1 year}",
            "{cuont: order}",
            "features.frequency",
            "frequency:",
            "exactly one of count",
        ),
        (
            "{count: order, within: 1 year}",
            "{count: order, sum: order.amount}",
            "features.frequency",
            "frequency:",
            "exactly one",
        ),
        ("within: 1 year", "whithin: 1 year", "features.frequency.whithin", "whithin", "Did you mean within?"),
        ("within: 1 year", "within: 1 fortnight", "features.frequency.within", "within: 1 f", "90 days"),
        ("within: 1 year", "within: 0 days", "features.frequency.within", "within: 0", "90 days"),
        ("within: 1 year", "within: 99999 days", "features.frequency.within", "within: 99999", "100 years"),
        ("sum: order.amount, minus", "sum: order, minus", "features.spend.sum", "sum: order,", "KIND.FIELD"),
        ("since: anniversary", "since: birth", "features.interests.since", "since: birth", "'enrolment'"),
        ("since: anniversary", "since: standing, within: 3 days", "features.interests", "interests:", "Keep one"),
        ("bins: 5, best", "bins: 5.5, best", "scores.r.bins", "bins: 5.5", "whole number"),
        ("bins: 5, best: low,", "best: low,", "scores.r", "r: {of", "no bins"),
        ("best: low", "bst: low", "scores.r.bst", "bst", "Did you mean best?"),
        ("20000.5", "'20000.5'", "scores.m.cuts.1", "'20000", "wrong type"),
        ("missing: 0", "missing: 1", "scores.all.missing", "missing: 1", "0"),
        ("Asia/Shanghai", "Asia/Shangai", "time_zone", "time_zone", "IANA"),
        ("currency: CNY", "currency: yuan", "currency", "currency", "three capital letters"),
        ("scheme: value", "scheme: 1", "scheme", "scheme", "quotes"),
        ("scheme: value", "scheme: my scheme", "scheme", "scheme", "letters"),
        ("dimension: value", "dimension: worth", "dimension", "dimension", "'behaviour'"),
        ("mid, high]", "mid, mid, high]", "", "scheme", "twice"),
        ("mid, high]", "mid, 3]", "tiers.2", "3]", "quotes"),
        ("tiers: [", "unordered: true\ntiers: [", "", "scheme", "needs a default"),
        ("tiers: [", "default: low\ntiers: [", "", "scheme", "takes no default"),
        ("zh-CN: 高", "zh: 高", "labels.high.zh", "zh: 高", "zh-CN"),
        ("policy:", "polciy:", "polciy", "polciy", "Did you mean policy?"),
        ('mid: "m >= 3"', "mid: {keep: m > 1}", "rules.mid.enter", "mid: {keep", "missing"),
        ('mid: "m >= 3"', "mid: 5", "rules.mid", "mid: 5", "wrong type"),
    ],
)
def test_a_fault_is_named_with_its_place(old: str, new: str, path: str, at: str, said: str) -> None:
    text = changed(old, new)
    (fault,) = faults(text)
    assert (fault[0], fault[1], fault[2]) == (path, *place_of(text, at))
    assert said in fault[3]


def test_every_fault_is_named_not_only_the_first() -> None:
    text = (
        changed("currency: CNY", "currency: yuan").replace("grace: 1 day", "grace: 1").replace("upgrade: at", "up: at")
    )
    assert [fault[0] for fault in faults(text)] == ["currency", "policy.up", "policy.downgrade.grace"]


def test_what_is_missing_is_named() -> None:
    missing = {fault[0] for fault in faults("scheme: value")}
    assert missing == {"dimension", "time_zone", "currency", "tiers", "features"}


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", (None, None), "is empty"),
        ("# nothing", (None, None), "is empty"),
        ("[1, 2]", (1, 1), "is not a mapping"),
        ("scheme: a\nscheme: b", (2, 1), "twice"),
        ('{"scheme": "a", "scheme": "b"}', (1, 17), "twice"),
        ("a: &x 1\nb: *x", (1, 4), "anchor"),
        ("a: *x", (1, 4), "alias"),
        ("a: !!python/object:os.system x", (1, 4), "tag"),
        ("a: {<<: {b: 1}}", (1, 5), "cannot be used"),
        ("[a, b]: 1", (1, 1), "not text"),
        ("a: 1\n---\nb: 2", (2, 1), "second document"),
        ("a: [1, 2", (1, 9), "not YAML"),
        ("a: b: c", (1, 5), "not YAML"),
        ("a: \x01", (None, None), "not text"),
        ("a: '\ud800'", (None, None), "not"),
        ('a: "\\ud83d"', (1, 4), "half a character"),
        ('a: "x\\0"', (1, 4), "U+0000"),
        ('{"a": {"x\\u0000": 1}}', (1, 8), "cannot be used"),
        (b"\xff\xfe\xff", (None, None), "UTF-8"),
        ("[" * 50_000, (1, 21), "too deeply"),
        ("a: ", (1, 1), "missing"),
        ("x" * 100_001, (None, None), "too long"),
        (b"x" * 400_001, (None, None), "too long"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str | bytes, place: tuple[int | None, int | None], said: str) -> None:
    found = faults(text)
    assert any((fault[1], fault[2]) == place and said in fault[3] for fault in found), found


_LINES = MODEL.splitlines()


@settings(max_examples=150, deadline=None)
@given(
    text=st.one_of(
        st.text(max_size=80),
        st.lists(st.sampled_from(_LINES), max_size=12).map("\n".join),
        st.tuples(st.integers(0, len(MODEL)), st.text(max_size=3)).map(
            lambda cut: MODEL[: cut[0]] + cut[1] + MODEL[cut[0] + len(cut[1]) :]
        ),
        st.binary(max_size=40),
    )
)
@example('"\\U99999999"')
@example("? ")
@example("- - - -")
def test_no_text_does_anything_but_become_a_model_or_be_refused(text: str | bytes) -> None:
    try:
        spec = parse_model(text)
    except ModelInvalid as refused:
        named: list[Any] = refused.errors
        assert named == lint_text(text)
    else:
        assert parse_model(canonical_json(spec)) == spec
        lint_text(text)
