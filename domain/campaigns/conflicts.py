"""What campaigns get in each other's way with: the same days, and then the same people, budget or group. Pure."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from domain.campaigns.spec import CampaignSpec
from domain.strategies.audience import place_of
from domain.strategies.spec import Joined, Left, StrategySpec, Tagged


class Conflict(NamedTuple):
    """Two campaigns at once. about: of what there is one; what: its name; people: how many are in both, of people."""

    campaign: str
    about: Literal["budget", "group", "people"]
    what: str
    since: int
    until: int
    people: int | None = None


def overlap(one: CampaignSpec, other: CampaignSpec) -> tuple[int, int] | None:
    """From when to when both run, microseconds."""
    since, until = max(one.start, other.start), min(one.end, other.end)
    return (since, until) if since < until else None


def conflicts_of(
    spec: CampaignSpec, others: Iterable[CampaignSpec], strategies: Mapping[str, StrategySpec]
) -> list[Conflict]:
    """Of the days, the budget and the groups."""
    found = []
    groups = _groups(spec, strategies)
    for other in others:
        days = overlap(spec, other)
        if days is None:
            continue
        if spec.budget is not None and spec.budget == other.budget:
            found.append(Conflict(other.campaign, "budget", spec.budget, *days))
        shared = groups & _groups(other, strategies)
        found += [Conflict(other.campaign, "group", name, *days) for name in sorted(shared)]
    return found


def audience_condition(spec: StrategySpec) -> str | None:
    """Whom a strategy reaches for, as a condition of the segment language; None: whom people choose, or everybody."""
    parts = [spec.where]
    trigger, place = spec.trigger, place_of(spec.trigger)
    if place is not None and place.tier is not None:
        parts.append(f"tier.{place.scheme} {'<>' if isinstance(trigger, Left) else '='} '{place.tier}'")
    if isinstance(trigger, Tagged):
        parts.append(f"tag('{trigger.tagged}')")
    if isinstance(trigger, Joined):
        parts.append(trigger.joins)
    said = [f"({part})" for part in parts if part]
    return " and ".join(said) if said else None


def _groups(spec: CampaignSpec, strategies: Mapping[str, StrategySpec]) -> set[str]:
    named = (strategies[name].group for name in spec.strategies if name in strategies)
    return {group for group in named if group is not None}
