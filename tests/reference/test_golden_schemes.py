"""Several schemes, scopes and tags, worked out by hand."""

from tests.reference.evaluator import TagCommand, Version, decide_subject
from tests.reference.stories import fact, ladder, numbered, told_all_schemes
from tests.reference.zones import instant


def timeline(models: list[dict], *facts: dict, until: str, tags: tuple[TagCommand, ...] = ()) -> list[str]:
    schemes = {model["scheme"]: [Version(model, 0)] for model in models}
    return told_all_schemes(decide_subject(numbered(list(facts)), schemes, list(tags), instant(until)))


def mood(rules: dict, **further) -> dict:
    """A scheme of classes that reads the ladder `value`; its name comes before that one's."""
    base = ladder() | {"scheme": "mood", "unordered": True, "tiers": [*rules, "other"], "default": "other"}
    return base | {"features": {}, "rules": rules} | further


def order(day: str, clock: str = "10:00:00", **further) -> dict:
    return fact("order", f"2026-{day}T{clock}Z", **further)


def test_a_rule_reads_another_tier_after_its_decision_at_the_same_instant():
    reader = mood({"lost": "tier.value = 't0'", "loyal": "tier.value in ('t1', 't2')"})
    assert timeline([reader, ladder()], order("01-01"), until="2026-03-01T00:00:00Z") == [
        "2026-01-01T10:00:00Z value tier-changed None>t1 evaluation",
        "2026-01-01T10:00:00Z mood tier-changed None>loyal evaluation",
        "2026-01-31T00:00:00Z value tier-changed t1>t0 timer",
        "2026-01-31T00:00:00Z mood tier-changed loyal>lost timer",
    ]


def test_a_tier_is_null_before_the_scheme_has_one():
    reader = mood({"early": "tier.value is null", "late": "tier.value is not null"})
    schemes = {"mood": [Version(reader, 0)], "value": [Version(ladder(), instant("2026-01-03T12:00:00Z"))]}
    facts = numbered([order("01-01")])
    assert told_all_schemes(decide_subject(facts, schemes, [], instant("2026-01-05T00:00:00Z"))) == [
        "2026-01-01T10:00:00Z mood tier-changed None>early evaluation",
        "2026-01-03T12:00:00Z value tier-changed None>t1 model-change",
        "2026-01-03T12:00:00Z mood tier-changed early>late model-change",
    ]


def test_schemes_read_each_other_in_a_chain():
    middle = mood({"calm": "tier.value = 't0'"})
    last = mood({"wake": "tier.mood = 'calm'"}) | {"scheme": "action"}
    story = timeline([last, middle, ladder()], order("01-01"), until="2026-03-01T00:00:00Z")
    assert [line for line in story if "2026-01-31" in line] == [
        "2026-01-31T00:00:00Z value tier-changed t1>t0 timer",
        "2026-01-31T00:00:00Z mood tier-changed other>calm timer",
        "2026-01-31T00:00:00Z action tier-changed other>wake timer",
    ]


def test_each_shop_has_a_standing_of_its_own():
    model = ladder() | {"per": "shop"}
    facts = [
        order("01-01", shop="a"),
        order("01-02", shop="b", fact_id="b1"),
        order("01-03", shop="b", fact_id="b2"),
        order("01-04"),
        order("01-05", shop=7),
    ]
    assert timeline([model], *facts, until="2026-02-01T12:00:00Z") == [
        "2026-01-01T10:00:00Z value[a] tier-changed None>t1 evaluation",
        "2026-01-02T10:00:00Z value[b] tier-changed None>t1 evaluation",
        "2026-01-03T10:00:00Z value[b] tier-changed t1>t2 evaluation",
        "2026-01-31T00:00:00Z value[a] tier-changed t1>t0 timer",
        "2026-02-01T00:00:00Z value[b] tier-changed t2>t1 timer",
    ]


def test_a_void_without_the_attribute_takes_away_the_fact_of_a_shop():
    void = fact("void", "2026-01-05T10:00:00Z", fact_id="v") | {"attributes": {"fact_id": "o"}}
    facts = [order("01-01", shop="a", fact_id="o"), order("01-02", shop="b"), void]
    assert timeline([ladder() | {"per": "shop"}], *facts, until="2026-01-20T00:00:00Z") == [
        "2026-01-01T10:00:00Z value[a] tier-changed None>t1 evaluation",
        "2026-01-02T10:00:00Z value[b] tier-changed None>t1 evaluation",
        "2026-01-05T10:00:00Z value[a] tier-changed t1>t0 late-fact",
    ]


def test_a_scope_comes_to_be_when_its_first_fact_is_known():
    """It occurs on the 9th but is known on the 5th, and nothing of it is visible before the 9th."""
    facts = [order("01-01"), order("01-09", known="2026-01-05T10:00:00Z", shop="a")]
    assert timeline([ladder() | {"per": "shop"}], *facts, until="2026-01-20T00:00:00Z") == [
        "2026-01-05T10:00:00Z value[a] tier-changed None>t0 timer",
        "2026-01-09T10:00:00Z value[a] tier-changed t0>t1 evaluation",
    ]


def test_a_shop_reads_the_platform_and_schemes_of_the_same_shop():
    local = ladder(tiers=2) | {"scheme": "local", "per": "shop"}
    both = mood({"home": "tier.local = 't1' and tier.value = 't2'"}, per="shop")
    facts = [order("01-01", shop="a"), order("01-02", fact_id="plain"), fact("visit", "2026-01-02T11:00:00Z", shop="b")]
    assert timeline([both, local, ladder()], *facts, until="2026-01-10T00:00:00Z") == [
        "2026-01-01T10:00:00Z local[a] tier-changed None>t1 evaluation",
        "2026-01-01T10:00:00Z value tier-changed None>t1 evaluation",
        "2026-01-01T10:00:00Z mood[a] tier-changed None>other evaluation",
        "2026-01-02T10:00:00Z value tier-changed t1>t2 evaluation",
        "2026-01-02T10:00:00Z mood[a] tier-changed other>home evaluation",
        "2026-01-02T11:00:00Z local[b] tier-changed None>t0 evaluation",
        "2026-01-02T11:00:00Z mood[b] tier-changed None>other evaluation",
    ]


def test_tags_are_added_removed_and_end():
    model = ladder(tiers=2)
    model["rules"] = {"t1": "tag('vip') and not tag('blocked')"}
    tags = (
        TagCommand(instant("2026-01-02T10:00:00Z"), "vip", True),
        TagCommand(instant("2026-01-03T10:00:00Z"), "blocked", True, instant("2026-01-05T10:00:00Z")),
        TagCommand(instant("2026-01-06T10:00:00Z"), "vip", False),
    )
    assert timeline([model], order("01-01"), tags=tags, until="2026-01-20T00:00:00Z") == [
        "2026-01-01T10:00:00Z value tier-changed None>t0 evaluation",
        "2026-01-02T10:00:00Z value tier-changed t0>t1 evaluation",
        "2026-01-03T10:00:00Z value tier-changed t1>t0 evaluation",
        "2026-01-05T10:00:00Z value tier-changed t0>t1 timer",
        "2026-01-06T10:00:00Z value tier-changed t1>t0 evaluation",
    ]


def test_a_tag_added_again_lasts_as_the_last_command_says():
    model = ladder(tiers=2)
    model["rules"] = {"t1": "tag('vip')"}
    tags = (
        TagCommand(instant("2026-01-02T10:00:00Z"), "vip", True, instant("2026-01-04T10:00:00Z")),
        TagCommand(instant("2026-01-03T10:00:00Z"), "vip", True, instant("2026-01-06T10:00:00Z")),
    )
    assert timeline([model], order("01-01"), tags=tags, until="2026-01-20T00:00:00Z")[1:] == [
        "2026-01-02T10:00:00Z value tier-changed t0>t1 evaluation",
        "2026-01-06T10:00:00Z value tier-changed t1>t0 timer",
    ]
