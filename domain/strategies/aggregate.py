"""One strategy: its content, its approval, and whether it runs."""

from typing import Any, Literal
from uuid import UUID, uuid5

from eventsourcing.domain import BaseAggregate

from domain.facts.instants import to_datetime
from domain.strategies.events import (
    AGGREGATE_TOPIC,
    Approved,
    Defined,
    Ended,
    Paused,
    Rejected,
    Retired,
    Revised,
    Started,
    StrategyEvent,
    Submitted,
)
from domain.strategies.refusals import (
    DesignFixed,
    OwnStrategy,
    StaleStrategy,
    StrategyNotApproved,
    StrategyNotSubmitted,
    StrategyOver,
    StrategyStanding,
)
from domain.strategies.spec import StrategySpec, as_plain, content_hash
from domain.tier_model.version import By

Status = Literal["draft", "submitted", "approved", "running", "paused", "ended", "retired"]
_NAMESPACE = UUID("0b9a5c56-7c1b-5f0e-8d55-3f4d1e6f7a20")


def strategy_id_of(name: str) -> UUID:
    """The stream of a strategy."""
    return uuid5(_NAMESPACE, name)


class Strategy(BaseAggregate[UUID]):
    """The stream of one strategy. content_version: from 1; running_version: of what was started last, 0 for
    never; makers: who wrote or submitted this content."""

    TOPIC = AGGREGATE_TOPIC

    # Named for the library, which then defines no event classes of its own.
    Event = StrategyEvent
    Created = Defined

    def __init__(self, strategy: str, spec: dict[str, Any], content_hash: str) -> None:
        self.name = strategy
        self.content_version = 0
        self.spec, self.content_hash = spec, content_hash
        self.status: Status = "draft"
        self.makers: frozenset[str] = frozenset()
        self.approved_by: str | None = None
        self.started_at: int | None = None
        self.running_since: int | None = None
        self.running_version = 0
        self.global_holdout: float | None = None
        self.campaign = ""
        self.design: dict[str, Any] | None = None

    @staticmethod
    def create_id(strategy: str, **_: Any) -> UUID:
        """Derived from the name: two of one name conflict."""
        return strategy_id_of(strategy)

    @classmethod
    def define(cls, spec: StrategySpec, by: By) -> "Strategy":
        """Its first content."""
        return cls._create(
            Defined,
            id=strategy_id_of(spec.strategy),
            timestamp=to_datetime(by.at),
            strategy=spec.strategy,
            spec=as_plain(spec),
            content_hash=content_hash(spec),
            **by.told,
        )

    def revise(self, spec: StrategySpec, by: By) -> None:
        """Another content; an approval is lost with the one before. The same content records nothing.

        Raises StrategyOver, StrategyStanding, DesignFixed.
        """
        self._require_not_over()
        digest = content_hash(spec)
        if digest == self.content_hash:
            return
        if self.status == "running":
            raise StrategyStanding(self._told, self.status, "changed", "pause it first")
        for field, fixed in (self.design or {}).items():
            if spec.design[field] != fixed:
                raise DesignFixed(self.name, field, fixed, spec.design[field])
        self._record(Revised, by, spec=as_plain(spec), content_hash=digest)

    def submit(self, *, note: str, by: By) -> None:
        """Lay it before somebody who may approve it. Twice is once. Raises StrategyOver, StrategyStanding."""
        self._require_not_over()
        if self.status == "running" or (self.status == "paused" and self.running_version == self.content_version):
            raise StrategyStanding(self._told, self.status, "submitted", "it was started: change it first")
        if self.status not in ("submitted", "approved"):
            self._record(Submitted, by, content_hash=self.content_hash, note=note)

    def approve(self, *, seen: str, note: str, by: By) -> None:
        """Agree to it as it was looked at. Twice is once. Raises StaleStrategy, OwnStrategy, StrategyNotSubmitted."""
        if seen != self.content_hash:
            raise StaleStrategy(self._told, seen, self.content_hash)
        if by.actor in self.makers:
            raise OwnStrategy(self._told, by.actor)
        if self.status == "approved":
            return
        if self.status != "submitted":
            raise StrategyNotSubmitted(self._told, self.status)
        self._record(Approved, by, content_hash=seen, note=note)

    def reject(self, *, reason: str, by: By) -> None:
        """Send it back. Raises StrategyNotSubmitted."""
        if self.status not in ("submitted", "approved"):
            raise StrategyNotSubmitted(self._told, self.status)
        self._record(Rejected, by, reason=reason)

    def start(self, *, by: By, global_holdout: float, may_skip: bool, campaign: str = "") -> None:
        """Take users in from now on. One that runs goes on. global_holdout counts at the first start alone.

        may_skip: what needs approval needs none. Raises StrategyOver, StrategyNotApproved.
        """
        self._require_not_over()
        if self.status == "running":
            return
        agreed = self.status == "approved" or (self.status == "paused" and self.running_version == self.content_version)
        if not agreed and not may_skip and StrategySpec.model_validate(self.spec).needs_approval:
            raise StrategyNotApproved(self._told, self.status)
        self._record(
            Started,
            by,
            strategy_version=self.content_version,
            global_holdout=global_holdout if self.global_holdout is None else self.global_holdout,
            approved_by=self.approved_by,
            campaign=campaign or self.campaign,
        )

    def pause(self, *, reason: str, by: By) -> None:
        """Take nobody in for now. Twice is once. Raises StrategyOver, StrategyStanding."""
        self._require_not_over()
        if self.status == "paused":
            return
        if self.status != "running":
            raise StrategyStanding(self._told, self.status, "paused", "only what runs can pause")
        self._record(Paused, by, reason=reason)

    def end(self, *, reason: str, by: By) -> None:
        """For good. Twice is once. Raises StrategyStanding."""
        if self.status in ("ended", "retired"):
            return
        if self.started_at is None:
            raise StrategyStanding(self._told, self.status, "ended", "it was never started: retire it")
        self._record(Ended, by, reason=reason)

    def retire(self, *, by: By) -> None:
        """Put it away. Twice is once. Raises StrategyStanding."""
        if self.status == "retired":
            return
        if self.status == "running" or (self.status == "paused"):
            raise StrategyStanding(self._told, self.status, "retired", "end it first")
        self._record(Retired, by)

    # ------------------------------------------------------------------------------------------------------------ fold

    def evolve(self, event: StrategyEvent) -> None:
        """The whole fold."""
        match event:
            case Defined() | Revised():
                self.spec, self.content_hash = event.spec, event.content_hash
                self.content_version += 1
                self.status, self.makers, self.approved_by = "draft", frozenset({event.actor}), None
            case Submitted():
                self.status, self.makers = "submitted", self.makers | {event.actor}
            case Approved():
                self.status, self.approved_by = "approved", event.actor
            case Rejected():
                self.status, self.approved_by = "draft", None
            case Started():
                self.status, self.running_version = "running", event.strategy_version
                self.started_at, self.running_since = self.started_at or event.effective_at, event.effective_at
                self.global_holdout, self.campaign = event.global_holdout, event.campaign
                self.design = StrategySpec.model_validate(self.spec).design
            case Paused():
                self.status = "paused"
            case Ended():
                self.status = "ended"
            case Retired():
                self.status = "retired"
            case _:
                pass

    @property
    def _told(self) -> str:
        return f"Strategy {self.name}"

    def _require_not_over(self) -> None:
        if self.status in ("ended", "retired"):
            raise StrategyOver(self._told, self.status)

    def _record(self, event_class: type[StrategyEvent], by: By, **fields: Any) -> None:
        self.trigger_event(event_class, timestamp=to_datetime(by.at), strategy=self.name, **by.told, **fields)
