"""One budget: its terms, and what waits for a second person."""

from typing import Any
from uuid import UUID, uuid5

import msgspec
from eventsourcing.domain import BaseAggregate

from domain.benefits.refusals import UnknownBudget
from domain.budgets.events import AGGREGATE_TOPIC, BudgetEvent, Changed, Closed, Defined, Proposed, Reopened
from domain.budgets.refusals import BudgetDefined, NothingWaits, OwnBudgetChange, StaleBudgetChange
from domain.budgets.terms import BudgetTerms, require_amount, terms_from_json
from domain.facts.instants import to_datetime
from domain.tier_model.version import By

_NAMESPACE = UUID("8e2b51f4-2d67-5c1a-9b0d-6a4f7c93e015")


class Proposal(msgspec.Struct, frozen=True):
    """What waits. proposed_at: microseconds."""

    terms: BudgetTerms
    proposed_by: str
    proposed_at: int


def budget_id_of(budget: str) -> UUID:
    """The stream of a budget."""
    return uuid5(_NAMESPACE, budget)


class Budget(BaseAggregate[UUID]):
    """The stream of one budget. terms: None before it is defined; waiting: None when nothing waits."""

    TOPIC = AGGREGATE_TOPIC

    # Named for the library, which then defines no event classes of its own.
    Event = BudgetEvent
    Created = Defined

    budget: str
    terms: BudgetTerms | None
    is_open: bool
    waiting: Proposal | None

    def __init__(self, budget: str) -> None:
        self.budget = budget
        self.terms, self.is_open, self.waiting = None, True, None

    @staticmethod
    def create_id(budget: str) -> UUID:
        """Derived from the name: two definitions of one budget conflict."""
        return budget_id_of(budget)

    @classmethod
    def begin(cls, budget: str, terms: BudgetTerms, *, waits: bool, by: By) -> "Budget":
        """A budget of which nothing was recorded. waits: until somebody else agrees. terms: sound ones."""
        told: dict[str, Any] = {"budget": budget, "terms": terms.to_json(), **by.told}
        event = Proposed if waits else Defined
        told |= {} if waits else {"approved_by": None}
        return cls._create(event, id=budget_id_of(budget), timestamp=to_datetime(by.at), **told)

    def define(self, terms: BudgetTerms, *, waits: bool, by: By) -> None:
        """What was only proposed so far is defined, or proposed anew. The same again records nothing.

        Raises BudgetDefined.
        """
        if self.terms is not None:
            if self.terms != terms:
                raise BudgetDefined(self.budget)
        elif waits:
            self._propose(terms, by)
        else:
            self._record(Defined, by, terms=terms.to_json(), approved_by=None)

    def change(self, terms: BudgetTerms, *, waits: bool, by: By) -> None:
        """Another amount or end; terms: what there is, with these. What waits is taken back, also by the terms there
        are; without either nothing is recorded. Raises UnknownBudget, BudgetInvalid."""
        require_amount(terms)
        if self.require_defined() == terms and self.waiting is None:
            return
        if waits:
            self._propose(terms, by)
        else:
            self._change(terms, None, by)

    def approve(self, *, proposed_at: int | None, by: By) -> None:
        """Agree to what waits. proposed_at: of what was looked at, None: whatever waits.

        Raises NothingWaits, StaleBudgetChange, OwnBudgetChange.
        """
        waiting = self.waiting
        if waiting is None:
            raise NothingWaits(self.budget)
        if proposed_at is not None and proposed_at != waiting.proposed_at:
            raise StaleBudgetChange(self.budget, proposed_at, waiting.proposed_at)
        if by.actor == waiting.proposed_by:
            raise OwnBudgetChange(self.budget, by.actor)
        if self.terms is None:
            self._record(Defined, by, terms=waiting.terms.to_json(), approved_by=by.actor)
        else:
            self._change(waiting.terms, by.actor, by)

    def close(self, *, reason: str, by: By) -> None:
        """Charge nothing more to it. Twice is once. Raises UnknownBudget."""
        self.require_defined()
        if self.is_open:
            self._record(Closed, by, reason=reason)

    def reopen(self, *, reason: str, by: By) -> None:
        """Charge it again. Twice is once. Raises UnknownBudget."""
        self.require_defined()
        if not self.is_open:
            self._record(Reopened, by, reason=reason)

    def require_defined(self) -> BudgetTerms:
        """Its terms. Raises UnknownBudget."""
        if self.terms is None:
            raise UnknownBudget(self.budget)
        return self.terms

    def evolve(self, event: BudgetEvent) -> None:
        """The whole fold."""
        match event:
            case Proposed():
                self.waiting = Proposal(terms_from_json(event.terms), event.actor, event.effective_at)
            case Defined():
                self.terms, self.waiting = terms_from_json(event.terms), None
            case Changed():
                changed = {"amount": event.amount, "ends_at": event.ends_at}
                self.terms, self.waiting = msgspec.structs.replace(self.require_defined(), **changed), None
            case Closed():
                self.is_open = False
            case Reopened():
                self.is_open = True
            case _:
                pass

    def _propose(self, terms: BudgetTerms, by: By) -> None:
        if self.waiting is None or (self.waiting.terms, self.waiting.proposed_by) != (terms, by.actor):
            self._record(Proposed, by, terms=terms.to_json())

    def _change(self, terms: BudgetTerms, approved_by: str | None, by: By) -> None:
        self._record(Changed, by, amount=terms.amount, ends_at=terms.ends_at, approved_by=approved_by)

    def _record(self, event_class: type[BudgetEvent], by: By, **fields: Any) -> None:
        self.trigger_event(event_class, timestamp=to_datetime(by.at), budget=self.budget, **by.told, **fields)
