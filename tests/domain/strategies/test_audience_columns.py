"""Conditions on columns say of many users what they say of each."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.strategies.audience import row_of, tags_at
from domain.strategies.audience_columns import matching
from domain.tier_model.calendar import calendar_of
from domain.tier_model.column import Type
from domain.tier_model.expression import compile_segment
from domain.user_tier.holds import Freeze, Pin
from domain.user_tier.observation import Observation, SchemeObservation, Standing
from tests.domain.strategies.worded import NOW

DAY = 86_400_000_000
CALENDARS = {"value": calendar_of("Asia/Shanghai"), "feature": calendar_of("UTC")}
NAMES = {
    "tier.value": Type.text,
    "pinned.value": Type.text,
    "frozen.value": Type.boolean,
    "spend": Type.money,
    "value.spend": Type.money,
    "feature.spend": Type.money,
    "recency": Type.integer,
    "mean": Type.number,
    "city": Type.scalar,
    "tag_value.score": Type.number,
}
CONDITIONS = [
    "tier.value = 'high'",
    "tier.value in ('high', 'mid') and spend >= money(100.00)",
    "value.spend > feature.spend",
    "spend is null or recency < 30",
    "pinned.value is not null",
    "frozen.value",
    "not frozen.value",
    "mean * 2 > 10 or tag('vip')",
    "tag('vip') and not tag('new')",
    "city = 'Oslo'",
    "tag_value.score > 0.5",
    "coalesce(recency, 99) between 5 and 60",
]
scalars = st.one_of(st.none(), st.integers(-10, 20_000), st.floats(allow_infinity=False, width=32))


@st.composite
def seen(draw: Any, tiers: tuple[str, ...] = ("low", "mid", "high")) -> SchemeObservation:
    pin = draw(st.one_of(st.none(), st.just(Pin("floor", "mid", NOW))))
    frozen = draw(st.one_of(st.none(), st.just(Freeze(NOW))))
    tier = draw(st.sampled_from(tiers))
    standing = Standing(tier=tier, since=NOW, valid_from=NOW, last_decided=NOW, pin=pin, frozen=frozen)
    features: dict[str, Any] = draw(st.fixed_dictionaries({}, optional={"spend": scalars, "mean": scalars}))
    features |= draw(st.fixed_dictionaries({}, optional={"city": st.sampled_from(["Oslo", "Lima", 7, True, None])}))
    days = draw(st.fixed_dictionaries({}, optional={"recency": st.one_of(st.none(), st.integers(20_400, 20_520))}))
    return SchemeObservation(1, standing, tier, {**features, **dict.fromkeys(days, 0)}, {}, days=days)


@st.composite
def observations(draw: Any) -> Observation:
    schemes = draw(st.fixed_dictionaries({}, optional={"value": seen(), "feature": seen(), "old": seen()}))
    tags = draw(st.lists(st.sampled_from(["vip", "new"]), unique=True))
    until = {tag: draw(st.sampled_from([NOW - DAY, NOW, NOW + DAY])) for tag in tags if draw(st.booleans())}
    values = {"score": draw(scalars)} if draw(st.booleans()) else {}
    placed = {scheme: {draw(st.sampled_from(["", "", "shop"])): one} for scheme, one in schemes.items()}
    return Observation(placed, tags=tags, tag_until=until, tag_values=values)


@given(st.lists(observations(), max_size=6), st.sampled_from(CONDITIONS))
def test_the_same_as_of_each(many: list[Observation], text: str) -> None:
    condition = compile_segment(text, NAMES, currency="CNY")
    alone = [condition.holds(row_of(one, CALENDARS, NOW), frozenset(tags_at(one, NOW))) is True for one in many]
    assert matching(condition, many, CALENDARS, NOW) == alone
