"""From qualified tier q and standing c to the new standing, at one instant. Rule: "Policy", rules 1 and 4-7.

`decide` is asked at least at every instant that matters; asking more often changes nothing.
"""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

from tests.reference.zones import Zone, add_months

CHANGED, REQUALIFIED, SETTLED = "tier-changed", "tier-requalified", "growth-settled"
DEFERRED, AT_RISK = "downgrade-deferred", "tier-at-risk"
_MONTHS_BETWEEN = {"monthly": 1, "quarterly": 3, "half-yearly": 6, "yearly": 12}


@dataclass(frozen=True)
class Standing:
    """c and what the rules remember about it. All but `tier` are instants."""

    tier: str
    since: int
    valid_from: int  # "validity is counted from entry or the last tier-requalified"
    grace_until: int | None = None
    dropped_at: int | None = None  # the last drop under this entry: the next one waits
    validity_ended_at: int | None = None  # an end that has been a review already
    warned_of: frozenset[int] = frozenset()  # reviews and validity ends


@dataclass(frozen=True)
class Policy:
    """The `policy` section, read."""

    upgrade: str
    review: str | dict | None  # None: `downgrade: never`
    grace: int
    steps: int | None  # None: all
    minimum_stay: int
    validity: tuple[int, str] | None
    validity_period: str | None  # "… to end of month|quarter|year"
    warn: int | None


@dataclass(frozen=True)
class Moment:
    """The instant of a decision, and since when the version in force is (None: it always was)."""

    at: int
    local: Zone
    activated_at: int | None = None


def read_policy(section: dict | None) -> Policy:
    """Defaults: "upgrade immediate, review continuous, steps all, no grace, no validity" (rule 7)."""
    section = section or {}
    downgrade = section.get("downgrade", {})
    never = downgrade == "never"
    downgrade = {} if never else downgrade
    validity, _, period = section.get("validity", "").partition(" to end of ")
    steps = downgrade.get("steps", "all")
    return Policy(
        upgrade=section.get("upgrade", "immediate"),
        review=None if never else downgrade.get("review", "continuous"),
        grace=_days(downgrade.get("grace")) or 0,
        steps=None if steps == "all" else int(steps),
        minimum_stay=_days(section.get("minimum_stay")) or 0,
        validity=_length(validity) if validity else None,
        validity_period=period or None,
        warn=_days(section.get("warn")),
    )


def first(tier: str, at: int) -> Standing:
    """Rule 1: "First decision: enter q at once"."""
    return Standing(tier, since=at, valid_from=at)


def decide_unordered(standing: Standing, qualified: str, policy: Policy, moment: Moment) -> tuple[Standing, list[str]]:
    """Rule 7: "a change happens at once, after minimum_stay"."""
    if qualified == standing.tier or moment.at < _minimum_stay_end(standing, policy, moment.local):
        return standing, []
    return first(qualified, moment.at), [CHANGED]


def decide(
    standing: Standing, qualified: str, tiers: list[str], policy: Policy, moment: Moment
) -> tuple[Standing, list[str]]:
    """The new standing and what is recorded, for an ordered scheme."""
    ends = validity_ends(standing, policy, moment)
    if ends:
        standing = replace(standing, validity_ended_at=moment.at)
    review = ends or _is_review(standing, policy, moment)
    rank, goal = tiers.index(standing.tier), tiers.index(qualified)
    if goal > rank and (policy.upgrade == "immediate" or review):
        decided, recorded = first(qualified, moment.at), [CHANGED]
    elif goal >= rank:
        decided, recorded = _qualifies(standing, goal == rank and ends, moment)
    else:
        decided, recorded = _falls_short(standing, rank - goal, tiers, policy, review, moment)
    if tiers.index(decided.tier) > goal:
        warned_of = _to_warn_of(decided, policy, moment)
        recorded = recorded + [AT_RISK] * len(warned_of)
        decided = replace(decided, warned_of=decided.warned_of | warned_of)
    return decided, recorded


def validity_ends(standing: Standing, policy: Policy, moment: Moment) -> bool:
    """Whether validity ends now: a review, before which growth settles."""
    end = _validity_end(standing, policy, moment)
    return end is not None and moment.at >= end


def growth_settles(standing: Standing, policy: Policy, moment: Moment, settled_at: int | None) -> bool:
    """Rule: growth value settles where validity ends, once: an end that had been settled before an activation put it
    off to the next midnight is settled no second time."""
    return validity_ends(standing, policy, moment) and (
        settled_at is None or _counted_end(standing, policy, moment.local) > settled_at
    )


def _qualifies(standing: Standing, renewed: bool, moment: Moment) -> tuple[Standing, list[str]]:
    """Rule 4: "q at or above c ends a running grace at once (tier-requalified…)". Rule 5: a validity "ending with q
    at or above c is renewed (tier-requalified)"."""
    if standing.grace_until is None and not renewed:
        return standing, []
    return replace(standing, grace_until=None, valid_from=moment.at, validity_ended_at=None), [REQUALIFIED]


def _falls_short(
    standing: Standing, rungs: int, tiers: list[str], policy: Policy, review: bool, moment: Moment
) -> tuple[Standing, list[str]]:
    """Rule 6: "With grace the first such review starts it …; at its end, q still below c, the drop happens without
    another review; without grace it happens now."."""
    if standing.grace_until is not None:
        if moment.at < standing.grace_until:
            return standing, []
        return _drop(standing, rungs, tiers, policy, moment)
    if not review or policy.review is None or not _may_drop(standing, policy, moment):
        return standing, []
    if policy.grace:
        until = moment.local.midnight(moment.local.day(moment.at) + timedelta(days=policy.grace))
        return replace(standing, grace_until=until), [DEFERRED, AT_RISK]
    return _drop(standing, rungs, tiers, policy, moment)


def _drop(
    standing: Standing, rungs: int, tiers: list[str], policy: Policy, moment: Moment
) -> tuple[Standing, list[str]]:
    """Rule: "The drop is `steps` rungs, never below q, and sets since = t"."""
    down = rungs if policy.steps is None else min(rungs, policy.steps)
    lower = tiers[tiers.index(standing.tier) - down]
    return replace(first(lower, moment.at), dropped_at=moment.at), [CHANGED]


def _may_drop(standing: Standing, policy: Policy, moment: Moment) -> bool:
    """Rule: "not before midnight(day(since) + minimum_stay)"; after a drop the next one "waits for the next review,
    under `continuous` for the next local midnight" (calendar reviews count strictly after `since` anyway)."""
    if moment.at < _minimum_stay_end(standing, policy, moment.local):
        return False
    if standing.dropped_at is None or policy.review != "continuous":
        return True
    return moment.at >= moment.local.midnight(moment.local.day(standing.dropped_at) + timedelta(days=1))


def _minimum_stay_end(standing: Standing, policy: Policy, local: Zone) -> int:
    return local.midnight(local.day(standing.since) + timedelta(days=policy.minimum_stay))


def _validity_end(standing: Standing, policy: Policy, moment: Moment) -> int | None:
    """Rule: "ends at midnight(day(start) + validity), clamped to the month (if an activation puts that into the
    past: at the next midnight)"; "to end of …": at the first such period's start from there on; "An end inside minimum
    stay waits for that to end". None: no validity, or it has ended already."""
    if policy.validity is None:
        return None
    local = moment.local
    end = _counted_end(standing, policy, local)
    if moment.activated_at is not None and end < moment.activated_at:
        end = local.midnight(local.day(moment.activated_at) + timedelta(days=1))
    if standing.validity_ended_at is not None and end <= standing.validity_ended_at:
        return None
    return max(end, _minimum_stay_end(standing, policy, local))


def _counted_end(standing: Standing, policy: Policy, local: Zone) -> int:
    """Where the length alone ends."""
    number, unit = policy.validity
    start = local.day(standing.valid_from)
    day = start + timedelta(days=number) if unit == "day" else add_months(start, number * (12 if unit == "year" else 1))
    while policy.validity_period is not None and not _begins(policy.validity_period, day):
        day = add_months(day.replace(day=1), 1)
    return local.midnight(day)


def _is_review(standing: Standing, policy: Policy, moment: Moment) -> bool:
    """Rule: "under `continuous` every decision"; else a calendar's midnight, "strictly after `since`". Without a
    calendar (`never`) every decision is one, which lets `at_review` upgrades through."""
    if policy.review is None or policy.review == "continuous":
        return True
    return moment.at > standing.since and any(
        _is_review_day(day, standing, policy.review, moment.local) for day in moment.local.days_beginning_at(moment.at)
    )


def _is_review_day(day: date, standing: Standing, review: str | dict, local: Zone) -> bool:
    """Rule: "the first midnights of local months, quarters, half-years, years, of day D every N months (counted from
    January, D clamped to the month), or of the anniversaries of `since`"; under `validity` only its ends are."""
    if review == "validity":
        return False
    if review == "anniversary":
        since = local.day(standing.since)
        return day.year > since.year and day == add_months(since, 12 * (day.year - since.year))
    if isinstance(review, dict):
        months, wanted = _length(review["every"])[0], review["day"]
    else:
        months, wanted = _MONTHS_BETWEEN[review], 1
    return (day.month - 1) % months == 0 and day == add_months(date(2000, 1, wanted), _months_after_2000(day))


def _begins(period: str, day: date) -> bool:
    return day.day == 1 and (day.month - 1) % {"month": 1, "quarter": 3, "year": 12}[period] == 0


def _months_after_2000(day: date) -> int:
    return (day.year - 2000) * 12 + day.month - 1


def _to_warn_of(standing: Standing, policy: Policy, moment: Moment) -> set[int]:
    """Rule: "with `warn: N days` is recorded, if q is below c then, at the midnight N days before a calendar review
    or validity end, once for each." One that is both counts once, and so does one of which another version warned; an
    end that has come is not warned of (where a date is skipped, the midnight a day before is its own). The day of an
    end is day(end), also where a date is skipped and two days begin at once."""
    if policy.warn is None:
        return set()
    later = [day + timedelta(days=policy.warn) for day in moment.local.days_beginning_at(moment.at)]
    ahead = [end for end, day in ((moment.local.midnight(day), day) for day in later) if moment.local.day(end) == day]
    validity_end = _validity_end(standing, policy, moment)
    return {
        end
        for end in ahead
        if moment.at < end
        and end not in standing.warned_of
        and (
            end == validity_end
            or (policy.review not in (None, "continuous") and _is_review(standing, policy, replace(moment, at=end)))
        )
    }


def _days(length: str | None) -> int | None:
    return None if length is None else _length(length)[0]


def _length(length: str) -> tuple[int, str]:
    number, unit = re.fullmatch(r"(\d+) (day|month|year)s?", length.strip()).groups()
    return int(number), unit
