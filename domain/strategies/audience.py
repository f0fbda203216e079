"""A user's observation as conditions of the segment language read it, and whether a trigger still holds of it."""

from collections.abc import Mapping

from domain.strategies.cause import BY_CALL, Cause
from domain.strategies.spec import AtRisk, Entered, Held, Left, Place, Tagged, Trigger
from domain.tier_model.calendar import Calendar
from domain.user_tier.observation import Observation, Scalar, SchemeObservation

_PLATFORM = ""


def row_of(observation: Observation, calendars: Mapping[str, Calendar], now: int) -> dict[str, Scalar]:
    """tier.SCHEME, pinned.SCHEME, frozen.SCHEME, SCHEME.FEATURE and FEATURE. Days since are counted to now.

    calendars: of the schemes in force; a scheme without one is not read.
    """
    row: dict[str, Scalar] = {}
    for scheme, calendar in calendars.items():
        seen = observation.schemes.get(scheme, {}).get(_PLATFORM)
        if seen is None:
            continue
        row[f"tier.{scheme}"] = seen.standing.tier
        if seen.standing.pin is not None:
            row[f"pinned.{scheme}"] = seen.standing.pin.mode
        if seen.standing.frozen is not None:
            row[f"frozen.{scheme}"] = True
        features = {**seen.features, **_ages(seen, calendar, now)}
        row |= features
        row |= {f"{scheme}.{name}": value for name, value in features.items()}
    return row


def tags_at(observation: Observation, now: int) -> list[str]:
    """The tags that are there at an instant."""
    return [tag for tag in observation.tags if observation.tag_until.get(tag, now + 1) > now]


def still_holds(trigger: Trigger, cause: Cause, observation: Observation, now: int) -> bool:
    """Whether what set the strategy off is still so. Of a condition that is asked anew in any case, and a hand's or a
    schedule's call: yes."""
    if cause.kind in BY_CALL:
        return True
    match trigger:
        case Tagged():
            return trigger.tagged in tags_at(observation, now)
        case Entered() | Held() | Left() | AtRisk():
            seen = observation.schemes.get(cause.scheme, {}).get(cause.scope)
            return seen is not None and _stands(trigger, cause, seen)
        case _:
            return True


def place_of(trigger: Trigger) -> Place | None:
    """The scheme, or tier, that a trigger is about."""
    match trigger:
        case Entered(entered=place) | Left(left=place) | Held(held=place) | AtRisk(at_risk=place):
            return place
        case _:
            return None


def _stands(trigger: Trigger, cause: Cause, seen: SchemeObservation) -> bool:
    standing = seen.standing
    match trigger:
        case Left():
            return standing.tier != cause.tier
        case Held():
            return standing.tier == cause.tier and standing.since == cause.at
        case AtRisk():
            threatened = standing.grace_until is not None or seen.qualified != standing.tier
            return standing.tier == cause.tier and threatened
        case _:
            return standing.tier == cause.tier


def _ages(seen: SchemeObservation, calendar: Calendar, now: int) -> dict[str, Scalar]:
    today = calendar.day_of(now)
    return {name: None if day is None else today - day for name, day in seen.days.items()}
