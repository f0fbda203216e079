"""Whether a strategy takes a user in, how, and why not. Pure: what is asked about comes in as values."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

from domain.strategies.arms import Drawn, Holdout, draw
from domain.strategies.audience import place_of, row_of, still_holds, tags_at
from domain.strategies.audience_columns import matching
from domain.strategies.cause import Cause
from domain.strategies.consent import suppressed_before
from domain.strategies.spec import Left, StrategySpec, Tagged
from domain.strategies.timing import due_at
from domain.tier_model.calendar import Calendar
from domain.tier_model.expression import Condition
from domain.user_tier.observation import Observation

_NAMESPACE = UUID("5a3e5a3e-8f1b-5c8e-9a59-2f0b8a0cf3d1")

Reason = Literal[
    "trigger-over",
    "too-old",
    "already-assigned",
    "opted-out",
    "minor",
    "risk-listed",
    "unsubscribed",
    "excluded",
    "too-often",
]


@dataclass(frozen=True, slots=True)
class Running:
    """A strategy that has been started. where, joins: its conditions, compiled. global_holdout: percent, as it was at
    the start; campaign: whose it is, empty for none."""

    spec: StrategySpec
    version: int
    where: Condition | None = None
    joins: Condition | None = None
    global_holdout: float = 0.0
    campaign: str = ""

    @property
    def name(self) -> str:
        """The strategy's."""
        return self.spec.strategy

    @property
    def conditions(self) -> list[Condition]:
        """All that have to hold."""
        return [condition for condition in (self.where, self.joins) if condition is not None]


class Live(NamedTuple):
    """An assignment that goes on."""

    strategy: str
    group: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """One user before a strategy. live: what goes on for them; assigned_at: when this strategy took them in before."""

    subject_id: UUID
    observation: Observation
    live: Collection[Live] = ()
    assigned_at: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Assigned:
    """The user is taken in. arm: None for who is held out; due_at: when the actions follow, None: there are none."""

    assignment_id: UUID
    arm: str | None
    holdout: Holdout
    due_at: int | None
    ends_at: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """The user is not taken in, and why. detail: more of it, such as what excludes it."""

    reason: Reason
    detail: str = ""


Admission = Assigned | Skipped | None
"""None: the strategy is not for this user, which is nothing to record."""


def assignment_id_of(strategy: str, subject_id: UUID, event_id: str) -> UUID:
    """The id of the one assignment that a cause can lead to: whoever comes twice finds it there."""
    return uuid5(_NAMESPACE, f"{strategy}/{subject_id.hex}/{event_id}")


def admit(running: Running, person: Person, cause: Cause, calendars: Mapping[str, Calendar], now: int) -> Admission:
    """Hold a user against a started strategy. Whether they are addressed comes first, whom it may reach next, and only
    then the arm is drawn: who is left out is left out of every arm."""
    spec, observation = running.spec, person.observation
    if not is_addressed(running, observation, calendars, now):
        return None
    why = _refused(spec, person, cause, now)
    if why is not None:
        return why
    return _assigned(running, person, cause, draw(spec, running.global_holdout, person.subject_id), now)


def assign_by_hand(running: Running, person: Person, cause: Cause, arm: str | None, now: int) -> Admission:
    """The same for a hand's call: whom people choose is in the audience by that, and may be given an arm."""
    spec = running.spec
    why = _refused(spec, person, cause, now)
    if why is not None:
        return why
    drawn = draw(spec, running.global_holdout, person.subject_id) if arm is None else Drawn(arm)
    return _assigned(running, person, cause, drawn, now)


def is_addressed(running: Running, observation: Observation, calendars: Mapping[str, Calendar], now: int) -> bool:
    """Whether the conditions of the strategy hold of the user."""
    conditions = running.conditions
    if not conditions:
        return True
    row, tags = row_of(observation, calendars, now), tags_at(observation, now)
    return all(condition.holds(row, tags) is True for condition in conditions)


def are_addressed(
    running: Running, observations: Sequence[Observation], calendars: Mapping[str, Calendar], now: int
) -> list[bool]:
    """Of each of many what is_addressed answers of one."""
    addressed = [True] * len(observations)
    for condition in running.conditions:
        held = matching(condition, observations, calendars, now)
        addressed = [both and one for both, one in zip(addressed, held, strict=True)]
    return addressed


def in_audience(running: Running, observation: Observation, calendars: Mapping[str, Calendar], now: int) -> bool:
    """Whether the user is as those are whom the strategy reaches for: on the tier that its trigger names, or with its
    tag, and as its conditions say. Of who has left a tier it is not known any more, and everybody else is taken."""
    trigger = running.spec.trigger
    if isinstance(trigger, Tagged) and trigger.tagged not in tags_at(observation, now):
        return False
    place = place_of(trigger)
    if place is not None and place.tier is not None:
        seen = observation.schemes.get(place.scheme, {}).values()
        there = any(one.standing.tier == place.tier for one in seen)
        if there == isinstance(trigger, Left):
            return False
    return is_addressed(running, observation, calendars, now)


def baseline_of(observation: Observation) -> dict[str, Any]:
    """Where the user stood, and on what, as it is frozen with an assignment: by scheme, and by scope of those that have
    any."""
    tiers: dict[str, Any] = {}
    features: dict[str, Any] = {}
    for scheme, scopes in observation.schemes.items():
        for scope, seen in scopes.items():
            place = f"{scheme}@{scope}" if scope else scheme
            tiers[place], features[place] = seen.standing.tier, seen.features
    return {"tiers": tiers, "features": features}


def _assigned(running: Running, person: Person, cause: Cause, drawn: Drawn, now: int) -> Assigned:
    spec = running.spec
    acts = drawn.arm is not None and bool(spec.treatments[drawn.arm].do)
    return Assigned(
        assignment_id_of(spec.strategy, person.subject_id, cause.event_id),
        drawn.arm,
        drawn.holdout,
        due_at(spec, person.observation.attributes, now) if acts else None,
        now + spec.lasts.micros,
    )


def _refused(spec: StrategySpec, person: Person, cause: Cause, now: int) -> Skipped | None:
    if now - cause.at > spec.max_age.micros and cause.kind != "held":
        return Skipped("too-old")
    if not still_holds(spec.trigger, cause, person.observation, now):
        return Skipped("trigger-over")
    if any(live.strategy == spec.strategy for live in person.live):
        return Skipped("already-assigned")
    suppressed = suppressed_before(spec, person.observation.attributes)
    if suppressed is not None:
        return Skipped(suppressed)
    if spec.group is not None:
        holder = next((live.strategy for live in person.live if live.group == spec.group), None)
        if holder is not None:
            return Skipped("excluded", holder)
    often = spec.when.at_most
    if often is not None and sum(at > now - often.within.micros for at in person.assigned_at) >= often.times:
        return Skipped("too-often")
    return None
