"""Strategies and users as tests write them."""

from typing import Any
from uuid import UUID

from domain.strategies.admission import Person
from domain.strategies.cause import Cause
from domain.strategies.spec import StrategySpec, read_strategy
from domain.tier_model.calendar import Calendar, calendar_of
from domain.user_tier.observation import Observation, SchemeObservation, Standing

DAY = 86_400_000_000
NOW = 1_772_355_600_000_000  # 2026-03-01T09:00:00Z, 17:00 in Shanghai
CALENDARS: dict[str, Calendar] = {"value": calendar_of("Asia/Shanghai")}

TEXT = """
strategy: welcome
label: {zh-CN: 迎新, en: Welcome}
time_zone: Asia/Shanghai
currency: CNY
trigger: {entered: value.high}
do: [{notify: sms, template: hello}]
"""


def strategy(text: str = TEXT, **changes: Any) -> StrategySpec:
    """The welcome strategy; changed keys as plain values."""
    spec, _ = read_strategy(text)
    return spec if not changes else StrategySpec.model_validate({**_plain(spec), **changes})


def _plain(spec: StrategySpec) -> dict[str, Any]:
    return spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def observation(tier: str = "high", since: int = NOW, tags: tuple[str, ...] = (), **attributes: Any) -> Observation:
    """Of one who stands on the tier of scheme value and has spent 200.00."""
    standing = Standing(tier=tier, since=since, valid_from=since, last_decided=since)
    seen = SchemeObservation(1, standing, tier, {"spend": 20_000, "recency": 0}, {}, days={"recency": 20_513})
    return Observation({"value": {"": seen}}, attributes=attributes, tags=list(tags))


def person(number: int = 1, **told: Any) -> Person:
    """One who stands on high; as in observation."""
    return Person(UUID(int=number), observation(**told))


def entered(at: int = NOW, tier: str = "high", event_id: str = "e-1") -> Cause:
    """They came to stand on the tier."""
    return Cause("entered", event_id, at, "value", "", tier)
