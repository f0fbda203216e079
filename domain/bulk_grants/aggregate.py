"""One bulk grant: planned, previewed, agreed to, and what became of it."""

from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.domain import BaseAggregate

from domain.bulk_grants.events import (
    AGGREGATE_TOPIC,
    Approved,
    BulkGrantEvent,
    Cancelled,
    Finished,
    Paused,
    Planned,
    Previewed,
    Rejected,
    Resumed,
    Reverted,
    RevertStarted,
    Started,
)
from domain.bulk_grants.refusals import BulkGrantNotApproved, BulkGrantOutOfTurn, OwnBulkGrant
from domain.bulk_grants.terms import BulkState, BulkTerms
from domain.facts.instants import to_datetime
from domain.tier_model.reviewing import require_words
from domain.tier_model.version import By


class BulkGrant(BaseAggregate[UUID]):
    """The stream of one bulk grant. approved_by: those who agreed, in their order; because: why it rests or ended."""

    TOPIC = AGGREGATE_TOPIC

    # Named for the library, which then defines no event classes of its own.
    Event = BulkGrantEvent
    Created = Planned

    terms: BulkTerms
    people: int
    planned_by: str
    state: BulkState
    approvals_needed: int
    approved_by: tuple[str, ...]
    skipped: bool
    because: str

    def __init__(self, terms: dict[str, Any], people: int) -> None:
        self.terms, self.people = msgspec.convert(terms, BulkTerms), people
        self.state, self.planned_by = "previewing", ""
        self.approvals_needed, self.approved_by = 0, ()
        self.skipped, self.because = False, ""

    @classmethod
    def plan(cls, run_id: UUID, terms: BulkTerms, people: int, by: By) -> "BulkGrant":
        """One whose members are fixed."""
        told = {"terms": terms.to_json(), "people": people, **by.told}
        planned = cls._create(Planned, id=run_id, timestamp=to_datetime(by.at), **told)
        planned.planned_by = by.actor
        return planned

    def preview(self, *, cost: int, approvals_needed: int, problem: str, by: By) -> None:
        """What it would do. Raises BulkGrantOutOfTurn."""
        self._require("previewed", "previewing")
        told = {"cost": cost, "currency": self.terms.currency, "approvals_needed": approvals_needed}
        self._record(Previewed, by, problem=problem, **told)

    def approve(self, *, note: str, by: By) -> None:
        """Agree to it as it was previewed; twice is once. Raises OwnBulkGrant, BulkGrantOutOfTurn, WordsInvalid."""
        require_words("note", note)
        self._require("approved", "previewed")
        if by.actor == self.planned_by:
            raise OwnBulkGrant(str(self.id), by.actor)
        if by.actor not in self.approved_by:
            self._record(Approved, by, note=note)

    def reject(self, *, reason: str, by: By) -> None:
        """Send it back for good. Raises BulkGrantOutOfTurn, WordsInvalid."""
        require_words("reason", reason, needed=True)
        self._require("rejected", "previewed")
        self._record(Rejected, by, reason=reason)

    def start(self, *, may_skip: bool, by: By) -> None:
        """Grant it from now on. Twice is once. may_skip: without those who have to agree.

        Raises BulkGrantOutOfTurn, BulkGrantNotApproved.
        """
        if self.state in ("running", "finished"):
            return
        self._require("started", "previewed")
        skipped = len(self.approved_by) < self.approvals_needed
        if skipped and not may_skip:
            raise BulkGrantNotApproved(str(self.id), self.approvals_needed, len(self.approved_by))
        self._record(Started, by, approved_by=list(self.approved_by), skipped=skipped)

    def pause(self, *, reason: str, by: By, by_itself: bool = False) -> None:
        """Grant nothing more for now. Twice is once. Raises BulkGrantOutOfTurn, WordsInvalid."""
        require_words("reason", reason)
        if self.state != "paused":
            self._require("paused", "running")
            self._record(Paused, by, reason=reason, by_itself=by_itself)

    def resume(self, by: By) -> None:
        """Go on. Twice is once. Raises BulkGrantOutOfTurn."""
        if self.state != "running":
            self._require("resumed", "paused")
            self._record(Resumed, by)

    def cancel(self, *, reason: str, by: By) -> None:
        """Grant nothing more of it, ever; what was granted stays. Twice is once.

        Raises BulkGrantOutOfTurn, WordsInvalid.
        """
        require_words("reason", reason)
        if self.state != "cancelled":
            self._require("cancelled", "previewing", "previewed", "running", "paused")
            self._record(Cancelled, by, reason=reason)

    def finish(self, *, granted: int, skipped: int, cost: int, by: By) -> None:
        """Nobody is left. Raises BulkGrantOutOfTurn."""
        self._require("finished", "running")
        self._record(Finished, by, granted=granted, skipped=skipped, cost=cost)

    def revert(self, *, reason: str, by: By) -> None:
        """Revoke what is unredeemed of it. Twice is once. Raises BulkGrantOutOfTurn, WordsInvalid."""
        require_words("reason", reason, needed=True)
        if self.state not in ("reverting", "reverted"):
            self._require("reverted", "paused", "cancelled", "finished")
            self._record(RevertStarted, by, reason=reason)

    def end_revert(self, *, revoked: int, units: int, by: By) -> None:
        """Nothing is left to revoke. Raises BulkGrantOutOfTurn."""
        self._require("reverted", "reverting")
        self._record(Reverted, by, revoked=revoked, units=units)

    def evolve(self, event: BulkGrantEvent) -> None:
        """The whole fold."""
        match event:
            case Planned():
                self.planned_by = event.actor
            case Previewed():
                self.state, self.approvals_needed, self.because = "previewed", event.approvals_needed, event.problem
            case Approved():
                self.approved_by = (*self.approved_by, event.actor)
            case Rejected():
                self.state, self.because = "rejected", event.reason
            case Started():
                self.state, self.skipped, self.because = "running", event.skipped, ""
            case Paused():
                self.state, self.because = "paused", event.reason
            case Resumed():
                self.state, self.because = "running", ""
            case Cancelled():
                self.state, self.because = "cancelled", event.reason
            case Finished():
                self.state, self.because = "finished", ""
            case RevertStarted():
                self.state, self.because = "reverting", event.reason
            case Reverted():
                self.state = "reverted"
            case _:
                pass

    def _require(self, act: str, *possible: BulkState) -> None:
        if self.state not in possible:
            raise BulkGrantOutOfTurn(str(self.id), act, self.state, possible)

    def _record(self, event_class: type[BulkGrantEvent], by: By, **fields: Any) -> None:
        self.trigger_event(event_class, timestamp=to_datetime(by.at), **by.told, **fields)
