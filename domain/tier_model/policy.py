"""The policy of a scheme: from a qualified tier and a standing to the next standing, at one instant. Pure.

Follows the rules "Policy" of the model's semantics, in their order. Tiers are ranks (indices into the model's tiers).
"""

from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from domain.tier_model.calendar import Calendar, add_months_to, day_of_date, year_month_day
from domain.user_tier.observation import Standing

Kind = Literal["tier-changed", "tier-requalified", "downgrade-deferred", "tier-at-risk", "growth-settled"]


@dataclass(frozen=True, slots=True)
class Reviews:
    """When standings are reviewed: at every decision, on a calendar, at anniversaries of `since`; else only where
    validity ends."""

    continuous: bool = False
    anniversary: bool = False
    every_months: int = 0  # calendar reviews, counted from January
    day: int = 1  # of the month, clamped to its last

    @property
    def on_calendar(self) -> bool:
        """Whether there are reviews that the calendar alone brings."""
        return self.anniversary or self.every_months > 0


@dataclass(frozen=True, slots=True)
class Policy:
    """A model's policy block, resolved. Lengths in local days or months; None: none."""

    upgrade_at_review: bool = False
    downgrade: bool = True
    reviews: Reviews = Reviews(continuous=True)
    grace_days: int | None = None
    steps: int | None = None  # rungs a drop may take; None: all
    minimum_stay_days: int | None = None
    validity_days: int | None = None
    validity_months: int | None = None
    validity_to_end_of: int | None = None  # then on to the end of the calendar period of so many months
    warn_days: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing a decision records. until: the end of the grace, or the review that is warned of. growth: of a
    settlement."""

    kind: Kind
    clause: str
    from_tier: str | None
    to_tier: str
    until: int | None = None
    growth: "Settlement | None" = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """Growth value when validity ended: what was carried in and earned since, what was deducted, what is carried on."""

    carried: int
    earned: int
    deducted: int
    balance: int


class PolicyRules:
    """A policy on a ladder of tiers in a time zone."""

    def __init__(self, policy: Policy, tiers: tuple[str, ...], unordered: bool, calendar: Calendar) -> None:
        self.policy = policy
        self.tiers = tiers
        self.rank = {tier: rank for rank, tier in enumerate(tiers)}
        self.unordered = unordered
        self.calendar = calendar

    # ------------------------------------------------------------------------------------------------------ deciding

    def decide(self, standing: Standing | None, qualified: int, t: int) -> tuple[Standing, list[Outcome]]:
        """The standing after the decision at t, and what it records: nothing when nothing changed."""
        after, outcomes = self._change(standing, qualified, t)
        if self.unordered or qualified >= self.rank[after.tier]:
            return after, outcomes
        review = self._warned_review(after, t)
        if review is None:
            return after, outcomes
        warning = Outcome("tier-at-risk", "warned", after.tier, after.tier, review)
        ahead = tuple(end for end in after.warned_of if end > t)
        return replace(after, warned_of=(*ahead, review), last_decided=t), [*outcomes, warning]

    def _change(self, standing: Standing | None, qualified: int, t: int) -> tuple[Standing, list[Outcome]]:
        if standing is None:
            return self._move(None, qualified, t, "first-decision")
        current = self.rank[standing.tier]
        if self.unordered:
            if qualified != current and t >= self._stay_end(standing):
                return self._move(standing, qualified, t, "class-changed")
            return standing, []
        if qualified > current and (not self.policy.upgrade_at_review or self._is_review(standing, t)):
            clause = "upgrade-at-review" if self.policy.upgrade_at_review else "upgrade-immediate"
            return self._move(standing, qualified, t, clause)
        if qualified >= current:
            return self._hold(standing, t)
        return self._fall(standing, current, qualified, t)

    def _hold(self, standing: Standing, t: int) -> tuple[Standing, list[Outcome]]:
        if standing.grace_until is not None:
            return self._requalify(standing, t, "grace-cleared")
        if standing.validity_until is not None and t == self.validity_end(standing):
            return self._requalify(standing, t, "validity-renewed")
        return standing, []

    def _fall(self, standing: Standing, current: int, qualified: int, t: int) -> tuple[Standing, list[Outcome]]:
        if standing.grace_until is not None:
            if t >= standing.grace_until:
                return self._drop(standing, current, qualified, t, "grace-ended")
            return standing, []
        if not self.policy.downgrade or t < self._fall_from(standing) or not self._is_review(standing, t):
            return standing, []
        if not self.policy.grace_days:
            return self._drop(standing, current, qualified, t, "downgrade-at-review")
        until = self.calendar.midnight_of(self.calendar.day_of(t) + self.policy.grace_days)
        kinds: tuple[Kind, ...] = ("downgrade-deferred", "tier-at-risk")
        deferred = [Outcome(kind, "grace-started", standing.tier, standing.tier, until) for kind in kinds]
        return replace(standing, grace_until=until, last_decided=t), deferred

    def _drop(
        self, standing: Standing, current: int, qualified: int, t: int, clause: str
    ) -> tuple[Standing, list[Outcome]]:
        lowest = qualified if self.policy.steps is None else max(qualified, current - self.policy.steps)
        moved, outcomes = self._move(standing, lowest, t, clause)
        return replace(moved, stepped_at=t), outcomes

    def _move(self, standing: Standing | None, to: int, t: int, clause: str) -> tuple[Standing, list[Outcome]]:
        tier = self.tiers[to]
        moved = Standing(
            tier=tier,
            since=t,
            valid_from=t,
            last_decided=t,
            validity_until=self._validity_from(t),
        )
        if standing is not None:
            moved = replace(
                moved,
                window_from=self.window_from(standing, t),
                growth_carried=standing.growth_carried,
                growth_settled_at=standing.growth_settled_at,
            )
        return moved, [Outcome("tier-changed", clause, standing.tier if standing else None, tier)]

    def _requalify(self, standing: Standing, t: int, clause: str) -> tuple[Standing, list[Outcome]]:
        renewed = replace(
            standing,
            grace_until=None,
            valid_from=t,
            validity_until=self._validity_from(t),
            last_decided=t,
            window_from=self.window_from(standing, t),
        )
        return renewed, [Outcome("tier-requalified", clause, standing.tier, standing.tier)]

    def adopt(self, standing: Standing, t: int) -> Standing:
        """A standing of the version before under this policy: keeps tier, since, grace and validity's start."""
        until = None if self.unordered else self._validity_from(standing.valid_from)
        if until is not None and until < t:
            until = self.calendar.midnight_of(self.calendar.day_of(t) + 1)
        return replace(standing, validity_until=until)

    # ----------------------------------------------------------------------------------------------- what windows read

    def window_from(self, standing: Standing, t: int) -> int | None:
        """After which instant a window since standing holds facts at t; None: it holds all."""
        return standing.valid_from if self.restart(standing) <= t else standing.window_from

    def restart(self, standing: Standing) -> int:
        """The first midnight after entry or the last requalification, at which windows since standing restart."""
        return self.calendar.midnight_of(self.calendar.day_of(standing.valid_from) + 1)

    # ------------------------------------------------------------------------------------------------------ deadlines

    def next_instant(self, standing: Standing, qualified: int, t: int) -> int | None:
        """The first instant after t at which, with the same qualified tier, time alone can change the answer."""
        current = self.rank[standing.tier]
        candidates: list[int] = []
        if self.unordered:
            if qualified != current:
                candidates.append(self._stay_end(standing))
        else:
            if standing.validity_until is not None:
                candidates.append(self.validity_end(standing))
            if qualified > current and self.policy.upgrade_at_review and self._reviewed_by_itself:
                candidates.append(self._next_review(standing, t))
            if qualified < current:
                candidates += self._fall_instants(standing, t)
        return min((instant for instant in candidates if instant > t), default=None)

    def _fall_instants(self, standing: Standing, t: int) -> list[int]:
        instants = []
        if standing.grace_until is not None:
            instants.append(standing.grace_until)
        elif self.policy.downgrade and self.policy.reviews.continuous:
            instants.append(self._fall_from(standing))
        elif self.policy.downgrade and self.policy.reviews.on_calendar:
            instants.append(self._next_review(standing, max(t, self._stay_end(standing) - 1)))
        warning = self._next_warning(standing, t)
        return instants if warning is None else [*instants, warning]

    def _stay_end(self, standing: Standing) -> int:
        if not self.policy.minimum_stay_days:
            return standing.since
        return self.calendar.midnight_of(self.calendar.day_of(standing.since) + self.policy.minimum_stay_days)

    def _fall_from(self, standing: Standing) -> int:
        """The first instant at which a review may lower the tier (or start its grace)."""
        earliest = self._stay_end(standing)
        if self.policy.reviews.continuous and standing.stepped_at is not None:
            return max(earliest, self.calendar.midnight_of(self.calendar.day_of(standing.stepped_at) + 1))
        return earliest

    def _validity_from(self, start: int) -> int | None:
        if self.unordered:
            return None
        policy, day = self.policy, self.calendar.day_of(start)
        if policy.validity_days is not None:
            day += policy.validity_days
        elif policy.validity_months is not None:
            day = add_months_to(day, policy.validity_months)
        else:
            return None
        if policy.validity_to_end_of is not None:
            year, month, _ = year_month_day(day)
            first = day_of_date(year, month - (month - 1) % policy.validity_to_end_of, 1)
            if first < day:  # what ends with a period's first midnight has come to the end of one: renewals do
                day = add_months_to(first, policy.validity_to_end_of)
        return self.calendar.midnight_of(day)

    def validity_end(self, standing: Standing) -> int:
        """The end of validity; inside the minimum stay it waits for that to end. Only while there is a validity."""
        assert standing.validity_until is not None
        return max(standing.validity_until, self._stay_end(standing))

    # -------------------------------------------------------------------------------------------------------- reviews

    @property
    def _reviewed_by_itself(self) -> bool:
        """Whether there are other reviews than the ends of validity."""
        return self.policy.reviews.continuous or self.policy.reviews.on_calendar

    def _is_review(self, standing: Standing, t: int) -> bool:
        if self.policy.reviews.continuous:
            return True
        if standing.validity_until is not None and t == self.validity_end(standing):
            return True
        return self.policy.reviews.on_calendar and self._next_review(standing, t - 1) == t

    def _next_review(self, standing: Standing, t: int) -> int:
        """The first calendar review after t and after `since`. Under continuous reviews, the instant after t."""
        after = max(t, standing.since)
        reviews = self.policy.reviews
        if reviews.continuous:
            return after + 1
        if reviews.anniversary:
            return self._next_anniversary(self.calendar.day_of(standing.since), after)
        day = self.calendar.day_of(after)
        year, month, _ = year_month_day(day)
        while True:
            if (month - 1) % reviews.every_months == 0:
                instant = self.calendar.midnight_of(day_of_date(year, month, reviews.day))
                if instant > after:
                    return instant
            year, month = year + month // 12, month % 12 + 1

    def _next_anniversary(self, start: int, after: int) -> int:
        year_of_start = year_month_day(start)[0]
        years = max(1, year_month_day(self.calendar.day_of(after))[0] - year_of_start)
        while True:
            instant = self.calendar.midnight_of(add_months_to(start, 12 * years))
            if instant > after:
                return instant
            years += 1

    def _warnings(self, standing: Standing, t: int) -> list[tuple[int, int]]:
        """(warning, review) pairs that lie ahead of t - 1: of the validity end and of the first calendar reviews."""
        days = self.policy.warn_days
        if not days:
            return []
        reviews = [self.validity_end(standing)] if standing.validity_until is not None else []
        if self.policy.reviews.on_calendar:
            after = t - 1
            while True:
                after = self._next_review(standing, after)
                reviews.append(after)
                if self._warning_of(after, days) > t:
                    break
        pairs = [(self._warning_of(review, days), review) for review in reviews]
        return [pair for pair in pairs if pair[0] >= t]

    def _warning_of(self, review: int, days: int) -> int:
        return self.calendar.midnight_of(self.calendar.day_of(review) - days)

    def _warned_review(self, standing: Standing, t: int) -> int | None:
        due = [review for warning, review in self._warnings(standing, t) if warning == t < review]
        return next((review for review in due if review not in standing.warned_of), None)

    def _next_warning(self, standing: Standing, t: int) -> int | None:
        return min((warning for warning, _ in self._warnings(standing, t) if warning > t), default=None)
