"""The policy of a scheme: from a qualified tier and a standing to the next standing, at one instant. Pure.

Follows the rules "Policy" of the model's semantics, in their order. Tiers are ranks (indices into the model's tiers).
"""

from dataclasses import dataclass

from msgspec.structs import replace

from domain.tier_model.calendar import Calendar, add_months_to, day_of_date, year_month_day
from domain.tier_model.outcome import NOTHING_MISSED, Kind, Missed, Outcome
from domain.user_tier.observation import Standing


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


class PolicyRules:
    """A policy on a ladder of tiers in a time zone."""

    def __init__(self, policy: Policy, tiers: tuple[str, ...], unordered: bool, calendar: Calendar) -> None:
        self.policy = policy
        self.tiers = tiers
        self.rank = {tier: rank for rank, tier in enumerate(tiers)}
        self.unordered = unordered
        self.calendar = calendar
        self._reviews_after: dict[int, int] = {}  # on the calendar alone, by the local day: asked for again and again

    # ------------------------------------------------------------------------------------------------------ deciding

    def decide(
        self, standing: Standing | None, qualified: int, t: int, missed: Missed = NOTHING_MISSED
    ) -> tuple[Standing, list[Outcome]]:
        """The standing after the decision at t, and what it records: nothing when nothing changed."""
        if standing is not None and self.is_still(standing):
            return standing, []
        after, outcomes = self._change(self._borne_out(standing, qualified, t), qualified, t, missed)
        if not self.policy.warn_days or self.unordered or qualified >= self.rank[after.tier]:
            return after, outcomes
        reviews = self._warned_reviews(after, t, missed)
        if not reviews:
            return after, outcomes
        warnings = [Outcome("tier-at-risk", "warned", after.tier, after.tier, review) for review in reviews]
        ahead = tuple(end for end in after.warned_of if end > t)
        return replace(after, warned_of=(*ahead, *reviews), last_decided=t), [*outcomes, *warnings]

    def _change(
        self, standing: Standing | None, qualified: int, t: int, missed: Missed
    ) -> tuple[Standing, list[Outcome]]:
        if standing is None:
            return self.move(None, qualified, t, "first-decision")
        current = self.rank[standing.tier]
        if self.unordered:
            if qualified != current and t >= self._stay_end(standing):
                return self.move(standing, qualified, t, "class-changed")
            return standing, []
        reached = min(qualified, self._ceiling(standing))
        if reached > current and (not self.policy.upgrade_at_review or self._is_review(standing, t, missed)):
            clause = "upgrade-at-review" if self.policy.upgrade_at_review else "upgrade-immediate"
            return self.move(standing, reached, t, clause)
        if qualified >= current:
            return self._hold(standing, t)
        return self._fall(standing, current, qualified, t, missed)

    def _hold(self, standing: Standing, t: int) -> tuple[Standing, list[Outcome]]:
        if standing.grace_until is not None:
            return self._requalify(standing, t, "grace-cleared")
        if standing.validity_until is not None and t == self.validity_end(standing):
            return self._requalify(standing, t, "validity-renewed")
        return standing, []

    def _fall(
        self, standing: Standing, current: int, qualified: int, t: int, missed: Missed
    ) -> tuple[Standing, list[Outcome]]:
        if current <= self.floor(standing, t):
            return standing, []
        if standing.grace_until is not None:
            if t >= standing.grace_until:
                return self._drop(standing, current, qualified, t, "grace-ended")
            return standing, []
        if not self.policy.downgrade or t < self._fall_from(standing) or not self._is_review(standing, t, missed):
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
        landing = standing.protected is not None and standing.protected.one_rung
        steps = 1 if landing else self.policy.steps
        lowest = qualified if steps is None else max(qualified, current - steps)
        moved, outcomes = self.move(standing, max(lowest, self.floor(standing, t)), t, clause)
        return replace(moved, stepped_at=t), outcomes

    def move(
        self, standing: Standing | None, to: int, t: int, clause: str, cause: str = ""
    ) -> tuple[Standing, list[Outcome]]:
        """Enter a tier. What was covered by a pin is replaced by it; the pin, a promise and growth value stay."""
        tier = self.tiers[to]
        until = self.validity_from(t)
        if standing is None:
            moved = Standing(tier=tier, since=t, valid_from=t, last_decided=t, validity_until=until)
            return moved, [Outcome("tier-changed", clause, None, tier, cause=cause)]
        moved = Standing(
            tier=tier,
            since=t,
            valid_from=t,
            last_decided=t,
            validity_until=until,
            window_from=self.window_from(standing, t),
            growth_carried=standing.growth_carried,
            growth_settled_at=standing.growth_settled_at,
            pin=standing.pin,
            protected=standing.protected,
        )
        return moved, [Outcome("tier-changed", clause, standing.tier, tier, cause=cause)]

    def _requalify(self, standing: Standing, t: int, clause: str) -> tuple[Standing, list[Outcome]]:
        renewed = replace(
            standing,
            grace_until=None,
            valid_from=t,
            validity_until=self.validity_from(t),
            validity_given=False,
            validity_settled=False,
            last_decided=t,
            window_from=self.window_from(standing, t),
            entered_at=None,
            covered=None,
        )
        return renewed, [Outcome("tier-requalified", clause, standing.tier, standing.tier)]

    # ------------------------------------------------------------------------------------------------ what holds it

    def is_still(self, standing: Standing) -> bool:
        """Whether nothing moves: frozen, or pinned exactly."""
        return standing.frozen is not None or (standing.pin is not None and standing.pin.mode == "exact")

    def rests(self, standing: Standing, qualified: int) -> bool:
        """Whether no decision changes anything, and time alone never will, while the qualified tier is this one."""
        return (
            qualified == self.rank[standing.tier]
            and standing.grace_until is None
            and standing.validity_until is None
            and standing.pin is None
            and standing.frozen is None
            and standing.protected is None
        )

    def floor(self, standing: Standing, t: int) -> int:
        """The lowest rank that a pin or a migration's promise lets it fall to at t."""
        pin, promise, lowest = standing.pin, standing.protected, 0
        if pin is not None and pin.mode == "floor" and (pin.until is None or pin.until > t):
            lowest = self.rank[pin.tier]
        if promise is not None and promise.floor is not None and (promise.until is None or promise.until > t):
            lowest = max(lowest, self.rank[promise.floor])
        return lowest

    def _ceiling(self, standing: Standing) -> int:
        if standing.pin is not None and standing.pin.mode == "ceiling":
            return self.rank[standing.pin.tier]
        return len(self.tiers) - 1

    def _borne_out(self, standing: Standing | None, qualified: int, t: int) -> Standing | None:
        """A migration's promise is over once the rules qualify for what it kept; its floor falls with its date."""
        if standing is None or standing.protected is None:
            return standing
        promise = standing.protected
        if qualified >= self.rank[promise.earned]:
            return replace(standing, protected=None)
        if promise.until is not None and promise.until <= t:
            return replace(standing, protected=replace(promise, floor=None, until=None) if promise.one_rung else None)
        return standing

    # ----------------------------------------------------------------------------------------------- what windows read

    def window_from(self, standing: Standing, t: int) -> int | None:
        """After which instant a window since standing holds facts at t; None: it holds all."""
        return _entered(standing) if self.restart(standing) <= t else standing.window_from

    def restart(self, standing: Standing) -> int:
        """The first midnight after entry or the last requalification, at which windows since standing restart."""
        return self.calendar.midnight_of(self.calendar.day_of(_entered(standing)) + 1)

    # ------------------------------------------------------------------------------------------------------ deadlines

    def next_instant(self, standing: Standing, qualified: int, t: int) -> int | None:
        """The first instant after t at which, with the same qualified tier, time alone can change the answer."""
        current = self.rank[standing.tier]
        candidates: list[int] = []
        if standing.pin is not None or standing.frozen is not None or standing.protected is not None:
            candidates += [end for end in self._hold_ends(standing) if end is not None]
            if self.is_still(standing):
                return _first_after(t, candidates)
        if self.unordered:
            if qualified != current:
                candidates.append(self._stay_end(standing))
        else:
            if standing.validity_until is not None:
                candidates.append(self.validity_end(standing))
            reached = min(qualified, self._ceiling(standing))
            if reached > current and self.policy.upgrade_at_review and self._reviewed_by_itself:
                candidates.append(self._next_review(standing, t))
            if qualified < current:
                candidates += self._fall_instants(standing, t)
        return _first_after(t, candidates)

    @staticmethod
    def _hold_ends(standing: Standing) -> tuple[int | None, ...]:
        """Of a freeze, which stops the clocks of all else; or of a pin and a promise."""
        if standing.frozen is not None:
            return (standing.frozen.until,)
        pin, promise = standing.pin, standing.protected
        if pin is None and promise is None:
            return ()
        return (pin.until if pin is not None else None, promise.until if promise is not None else None)

    def _fall_instants(self, standing: Standing, t: int) -> list[int]:
        instants = []
        if standing.grace_until is not None:
            instants.append(standing.grace_until)
        elif self.policy.downgrade and self.policy.reviews.continuous:
            instants.append(self._fall_from(standing))
        elif self.policy.downgrade and self.policy.reviews.on_calendar:
            instants.append(self._next_review(standing, max(t, self._stay_end(standing) - 1)))
        if self.policy.warn_days:
            instants += [warning for warning, _ in self._warnings(standing, t, t)]
        return instants

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

    def validity_from(self, start: int) -> int | None:
        """The end of a validity that is counted from an instant; None: there is none."""
        policy = self.policy
        if self.unordered or (policy.validity_days is None and policy.validity_months is None):
            return None
        day = self.calendar.day_of(start)
        if policy.validity_days is not None:
            day += policy.validity_days
        else:
            day = add_months_to(day, policy.validity_months or 0)
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

    def is_settled(self, standing: Standing) -> bool:
        """Whether growth value was settled at this end of validity. A pin or an activation may bring that once more; a
        length or zone under which it ends after that settlement makes another end of it."""
        if not standing.validity_settled:
            return False
        counted, settled_at = self.validity_from(standing.valid_from), standing.growth_settled_at
        return standing.validity_given or counted is None or settled_at is None or counted <= settled_at

    # -------------------------------------------------------------------------------------------------------- reviews

    @property
    def _reviewed_by_itself(self) -> bool:
        """Whether there are other reviews than the ends of validity."""
        return self.policy.reviews.continuous or self.policy.reviews.on_calendar

    def _is_review(self, standing: Standing, t: int, missed: Missed) -> bool:
        if self.policy.reviews.continuous:
            return True
        if standing.validity_until is not None and t == self.validity_end(standing):
            return True
        after = t - 1 if missed.reviews_since is None else missed.reviews_since
        return self.policy.reviews.on_calendar and self._next_review(standing, after) <= t

    def _next_review(self, standing: Standing, t: int) -> int:
        """The first calendar review after t and after `since`. Under continuous reviews, the instant after t."""
        after = max(t, standing.since)
        reviews = self.policy.reviews
        if reviews.continuous:
            return after + 1
        if reviews.anniversary:
            return self._next_anniversary(self.calendar.day_of(standing.since), after)
        day = self.calendar.day_of(after)
        found = self._reviews_after.get(day)
        if found is None:
            found = self._reviews_after[day] = self._calendar_review(day, after)
        return found

    def _calendar_review(self, day: int, after: int) -> int:
        """The first review after an instant of the day: a midnight, so that it is the same for all of these."""
        reviews = self.policy.reviews
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

    def _warnings(self, standing: Standing, since: int, t: int) -> list[tuple[int, int]]:
        """(warning, review) pairs from `since` on: of the validity end, and of calendar reviews up to the first whose
        warning lies beyond t."""
        days = self.policy.warn_days
        if not days:
            return []
        reviews = [self.validity_end(standing)] if standing.validity_until is not None else []
        if self.policy.reviews.on_calendar:
            after = since - 1
            while True:
                after = self._next_review(standing, after)
                reviews.append(after)
                if self._warning_of(after, days) > t:
                    break
        pairs = [(self._warning_of(review, days), review) for review in reviews]
        return [pair for pair in pairs if pair[0] >= since]

    def _warning_of(self, review: int, days: int) -> int:
        return self.calendar.midnight_of(self.calendar.day_of(review) - days)

    def _warned_reviews(self, standing: Standing, t: int, missed: Missed) -> list[int]:
        """The reviews to warn of at t: of whose warnings it is the time, or fell due meanwhile."""
        since = t if missed.warnings_since is None else missed.warnings_since + 1
        found = {
            review
            for warning, review in self._warnings(standing, since, t)
            if warning <= t < review and self.rank[standing.tier] > self.floor(standing, review)
        }
        return sorted(found.difference(standing.warned_of))


def _first_after(t: int, instants: list[int]) -> int | None:
    later = [instant for instant in instants if instant > t]
    return min(later) if later else None


def _entered(standing: Standing) -> int:
    """From where windows since standing count."""
    return standing.valid_from if standing.entered_at is None else standing.entered_at
