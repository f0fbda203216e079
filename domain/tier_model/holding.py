"""What is done to standings from outside their rules: pins, freezes, openings, and activations. Pure.

Rules 1 to 3 of the policy, and what a migration makes of the standings that an activation finds.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from domain.tier_model.migration import Migration
from domain.tier_model.outcome import Missed, Outcome
from domain.tier_model.policy import PolicyRules
from domain.user_tier.holds import HoldChange, Opening, Pin
from domain.user_tier.observation import Protection, Standing


class Held(NamedTuple):
    """A standing brought to an instant, before the rules are asked. occasion: the cause of what they then decide, when
    nothing else is; empty: none of its own."""

    standing: Standing | None
    outcomes: list[Outcome]
    missed: Missed
    occasion: str


def adopted(rules: PolicyRules, standing: Standing, t: int, migration: Migration) -> tuple[Standing, list[Outcome]]:
    """A standing of the version before under this policy: keeps tier, since, grace and validity's start."""
    tier = migration.mapping.get(standing.tier, standing.tier)
    kept = _under(rules, standing, t, migration)
    if migration.mode != "reassess" and not rules.unordered:
        days = migration.grace_days
        landing = None if days is None else rules.calendar.midnight_of(rules.calendar.day_of(t) + days)
        until = migration.until if landing is None else landing
        kept = _promised(kept, until, one_rung=landing is not None)
    if tier == standing.tier:
        return kept, []
    clause = "tier-mapped"
    renamed = Outcome("tier-changed", clause, standing.tier, tier, cause="model-change", keeps_since=True)
    return replace(kept, last_decided=t), [renamed]


def _promised(standing: Standing, until: int | None, *, one_rung: bool) -> Standing:
    """A promise holds for what a pin covers, too: that returns when the pin ends."""
    covered = standing.covered
    return replace(
        standing,
        protected=Protection(standing.tier, standing.tier, until, one_rung=one_rung),
        covered=None if covered is None else _promised(covered, until, one_rung=one_rung),
    )


def _under(rules: PolicyRules, standing: Standing, t: int, migration: Migration) -> Standing:
    until = standing.validity_until
    if not standing.validity_given:
        until = None if rules.unordered else rules.validity_from(standing.valid_from)
        if until is not None and until < t:
            until = rules.calendar.midnight_of(rules.calendar.day_of(t) + 1)
    pin, covered = standing.pin, standing.covered
    return replace(
        standing,
        tier=migration.mapping.get(standing.tier, standing.tier),
        validity_until=until,
        pin=None if pin is None else replace(pin, tier=migration.mapping.get(pin.tier, pin.tier)),
        covered=None if covered is None else _under(rules, covered, t, migration),
        protected=None,
    )


def held(rules: PolicyRules, standing: Standing | None, changes: Sequence[HoldChange], t: int) -> Held:
    """The standing at t, after what people did to it then and what ended by itself. changes: those of t alone."""
    return _Holding(rules, standing, t).after(changes)


def demanded(rules: PolicyRules, standing: Standing, pin: Pin) -> int:
    """The rank on which a pin wants a standing, as seen from what is covered."""
    base, pinned = rules.rank[(standing.covered or standing).tier], rules.rank[pin.tier]
    if pin.mode == "exact":
        return pinned
    return max(base, pinned) if pin.mode == "floor" else min(base, pinned)


class _Holding:
    """One standing at one instant."""

    def __init__(self, rules: PolicyRules, standing: Standing | None, t: int) -> None:
        self.rules, self.standing, self.t = rules, standing, t
        self.outcomes: list[Outcome] = []
        self.missed, self.occasion = Missed(), ""

    def after(self, changes: Sequence[HoldChange]) -> Held:
        for change in changes:
            if change.opening is not None:
                self._open(change.opening)
        if self.standing is not None:
            self._freeze(changes)
            self._pin(changes)
        return Held(self.standing, self.outcomes, self.missed, self.occasion)

    # ------------------------------------------------------------------------------------------------------- openings

    def _open(self, opening: Opening) -> None:
        until = opening.valid_until
        if until is None:
            until = self.rules.validity_from(opening.since)
        if until is not None and until <= self.t:
            until = self.rules.calendar.midnight_of(self.rules.calendar.day_of(self.t) + 1)
        self.standing = Standing(
            tier=opening.tier,
            since=opening.since,
            valid_from=opening.since,
            last_decided=self.t,
            validity_until=None if self.rules.unordered else until,
            validity_given=opening.valid_until is not None,
            growth_carried=opening.growth or 0,
            growth_settled_at=None if opening.growth is None else self.t,
        )
        outcome = Outcome("tier-changed", "opening", None, opening.tier, cause="opening", opening=opening)
        self.outcomes.append(outcome)
        self.occasion = "opening"

    # -------------------------------------------------------------------------------------------------------- freezes

    def _freeze(self, changes: Sequence[HoldChange]) -> None:
        standing = self._there
        lifted = any(change.what == "unfrozen" for change in changes)
        frozen = standing.frozen
        if frozen is not None and (lifted or (frozen.until is not None and frozen.until <= self.t)):
            self.standing = replace(self._overdue(standing, frozen.since), frozen=None)
            self.missed = Missed(frozen.since - 1, frozen.since - 1)
            if lifted:
                self.occasion = "evaluation"
            else:
                self._say(Outcome("tier-unfrozen", "freeze-ended", standing.tier, standing.tier, cause="timer"))
        for change in changes:
            if change.freeze is not None:
                since = self.t if self._there.frozen is None else self._there.frozen.since
                self.standing = replace(self._there, frozen=replace(change.freeze, since=since))

    # ----------------------------------------------------------------------------------------------------------- pins

    def _pin(self, changes: Sequence[HoldChange]) -> None:
        for change in changes:
            if change.what == "unpinned" and self._there.pin is not None:
                self._unpin(self._there.pin)
            elif change.pin is not None:
                before = self._there.pin
                self.standing = replace(
                    self._there, pin=change.pin if before is None else replace(change.pin, since=before.since)
                )
                self.occasion = "override"
        if self._there.frozen is not None:
            return
        pin = self._there.pin
        if pin is not None and pin.until is not None and pin.until <= self.t:
            tier = self._there.tier
            self._say(Outcome("tier-unpinned", "pin-ended", tier, tier, cause="override-ended"))
            self._unpin(pin)
        if self._there.pin is not None:
            self._enforce(self._there.pin)
        elif self._there.covered is not None:
            self._uncover(self._there.covered)

    def _unpin(self, pin: Pin) -> None:
        standing = self._there
        before = pin.since - 1  # a review at the very instant at which it began fell inside
        since = before if self.missed.reviews_since is None else min(before, self.missed.reviews_since)
        self.missed = Missed(since, self.missed.warnings_since)
        self.occasion = "override-ended"
        covered, frozen = standing.covered, standing.frozen
        if frozen is not None:  # what was missed is missed until the freeze ends
            standing = replace(standing, frozen=replace(frozen, since=min(frozen.since, pin.since)))
        if covered is None:
            self.standing = replace(self._overdue(standing, pin.since), pin=None, grace_until=None)
        else:
            self.standing = replace(standing, pin=None, covered=self._overdue(covered, pin.since))

    def _enforce(self, pin: Pin) -> None:
        """Move where the pin's mode demands it, as seen from what it covers."""
        standing, rank = self._there, self.rules.rank
        base, wanted = standing.covered or standing, demanded(self.rules, standing, pin)
        if rank[standing.tier] == wanted:
            return
        if rank[base.tier] == wanted:
            self._uncover(base, "override")
            return
        moved, outcomes = self.rules.move(standing, wanted, self.t, "pinned", cause="override")
        covered = replace(base, pin=None, frozen=None, covered=None, event_id="")
        self.standing = replace(moved, covered=covered)
        self.outcomes += outcomes

    def _uncover(self, covered: Standing, cause: str = "override-ended") -> None:
        """The covered standing returns; what is no part of a tier goes on."""
        standing = self._there
        returned = replace(
            covered,
            grace_until=None,
            pin=standing.pin,
            covered=None,
            window_from=self.rules.window_from(standing, self.t),
            entered_at=self.t,
            growth_carried=standing.growth_carried,
            growth_settled_at=standing.growth_settled_at,
        )
        if covered.tier == standing.tier:
            entered = standing.valid_from if standing.entered_at is None else standing.entered_at
            self.standing = replace(returned, entered_at=entered, event_id=standing.event_id)
            return
        self.standing = replace(returned, last_decided=self.t)
        clause = "pin-ended" if cause == "override-ended" else "pinned"
        self.outcomes.append(Outcome("tier-changed", clause, standing.tier, covered.tier, cause=cause))

    # ---------------------------------------------------------------------------------------------------------- parts

    @property
    def _there(self) -> Standing:
        assert self.standing is not None
        return self.standing

    def _say(self, outcome: Outcome) -> None:
        self.standing = replace(self._there, last_decided=self.t)
        self.outcomes.append(outcome)

    def _overdue(self, standing: Standing, since: int) -> Standing:
        """A validity that ended while the standing was held ends now."""
        if standing.validity_until is None or not since <= self.rules.validity_end(standing) <= self.t:
            return standing
        return replace(standing, validity_until=self.t)
