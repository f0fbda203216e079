"""One campaign: its content, its approval, and what time and people make of it."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID, uuid5

from eventsourcing.domain import BaseAggregate

from domain.campaigns.events import (
    AGGREGATE_TOPIC,
    Approved,
    CampaignEvent,
    Defined,
    Ended,
    Paused,
    Rejected,
    Retired,
    Revised,
    Scheduled,
    Started,
    Submitted,
)
from domain.campaigns.spec import CampaignSpec, as_plain, content_hash
from domain.facts.instants import to_datetime
from domain.strategies.refusals import (
    OwnStrategy,
    StaleStrategy,
    StrategyNotApproved,
    StrategyNotSubmitted,
    StrategyOver,
    StrategyStanding,
    WindowInPast,
)
from domain.tier_model.version import By

Status = Literal["draft", "submitted", "approved", "scheduled", "running", "resting", "paused", "ended", "retired"]
_NAMESPACE = UUID("6c1a9d1e-3f55-5a6f-9a0b-5d8a7f0c4e11")


def campaign_id_of(name: str) -> UUID:
    """The stream of a campaign."""
    return uuid5(_NAMESPACE, name)


class Campaign(BaseAggregate[UUID]):
    """The stream of one campaign. makers: who wrote or submitted this content; resting: paused by its timers."""

    TOPIC = AGGREGATE_TOPIC

    # Named for the library, which then defines no event classes of its own.
    Event = CampaignEvent
    Created = Defined

    def __init__(self, campaign: str, spec: dict[str, Any], content_hash: str) -> None:
        self.name, self.spec, self.content_hash = campaign, spec, content_hash
        self.status: Status = "draft"
        self.makers: frozenset[str] = frozenset()
        self.approved_by: str | None = None
        self.strategies: dict[str, str] = {}
        self.started_at: int | None = None

    @staticmethod
    def create_id(campaign: str, **_: Any) -> UUID:
        """Derived from the name: two of one name conflict."""
        return campaign_id_of(campaign)

    @classmethod
    def define(cls, spec: CampaignSpec, by: By) -> "Campaign":
        """Its first content."""
        return cls._create(
            Defined,
            id=campaign_id_of(spec.campaign),
            timestamp=to_datetime(by.at),
            campaign=spec.campaign,
            spec=as_plain(spec),
            content_hash=content_hash(spec),
            **by.told,
        )

    @property
    def read(self) -> CampaignSpec:
        """The content as a value."""
        return CampaignSpec.model_validate(self.spec)

    def revise(self, spec: CampaignSpec, by: By) -> None:
        """Another content, until it is scheduled. The same records nothing. Raises StrategyOver, StrategyStanding."""
        self._require_not_over()
        if content_hash(spec) == self.content_hash:
            return
        if self.status not in ("draft", "submitted", "approved"):
            raise StrategyStanding(self._told, self.status, "changed", "end it, and clone it")
        self._record(Revised, by, spec=as_plain(spec), content_hash=content_hash(spec))

    def submit(self, *, note: str, by: By) -> None:
        """Lay it before somebody who may approve it. Twice is once. Raises StrategyOver, StrategyStanding."""
        self._require_not_over()
        if self.status in ("submitted", "approved"):
            return
        if self.status != "draft":
            raise StrategyStanding(self._told, self.status, "submitted", "it was agreed to already")
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

    def schedule(self, *, strategies: Mapping[str, str], needs_approval: bool, may_skip: bool, by: By) -> None:
        """Let it start by itself at its instant. strategies: the content of each by its hash.

        Twice is once. Raises StrategyOver, StrategyStanding, StrategyNotApproved, WindowInPast.
        """
        self._require_not_over()
        if self.status == "scheduled":
            return
        if self.status not in ("draft", "submitted", "approved"):
            raise StrategyStanding(self._told, self.status, "scheduled", "it has started already")
        if self.read.end <= by.at:
            raise WindowInPast("ends_at", self.read.end, by.at)
        if needs_approval and self.status != "approved" and not may_skip:
            raise StrategyNotApproved(self._told, self.status)
        self._record(Scheduled, by, strategies=dict(strategies), approved_by=self.approved_by)

    def resume(self, *, by: By) -> bool:
        """End a pause by hand; whether that is to be carried out. Raises StrategyOver, StrategyStanding."""
        self._require_not_over()
        if self.status in ("running", "resting", "scheduled"):
            return False
        if self.status != "paused":
            raise StrategyStanding(self._told, self.status, "resumed", "schedule it first")
        return self.read.moment(by.at) == "running"

    def started(self, *, left_out: list[str], by: By) -> None:
        """It runs, and so do its strategies. Twice is once."""
        if self.status != "running":
            self._record(Started, by, left_out=left_out)

    def pause(self, *, reason: str, by: By, by_itself: bool = False) -> None:
        """Rest. Twice is once. Raises StrategyOver, StrategyStanding."""
        self._require_not_over()
        if self.status == ("resting" if by_itself else "paused"):
            return
        if self.status not in ("running", "resting"):
            raise StrategyStanding(self._told, self.status, "paused", "only what runs can pause")
        self._record(Paused, by, reason=reason, by_itself=by_itself)

    def end(self, *, reason: str, by: By) -> None:
        """For good. Twice is once. Raises StrategyStanding."""
        if self.status in ("ended", "retired"):
            return
        if self.status not in ("scheduled", "running", "resting", "paused"):
            raise StrategyStanding(self._told, self.status, "ended", "it was never scheduled: retire it")
        self._record(Ended, by, reason=reason)

    def retire(self, *, by: By) -> None:
        """Put it away. Twice is once. Raises StrategyStanding."""
        if self.status == "retired":
            return
        if self.status not in ("draft", "submitted", "approved", "ended"):
            raise StrategyStanding(self._told, self.status, "retired", "end it first")
        self._record(Retired, by)

    def wants(self, now: int) -> Literal["start", "rest", "end"] | None:
        """What its timers ask for at an instant; None: nothing. A pause by hand is ended by hand, or by its end."""
        if self.status not in ("scheduled", "running", "resting", "paused"):
            return None
        moment = self.read.moment(now)
        if moment == "over":
            return "end"
        if moment == "running" and self.status in ("scheduled", "resting"):
            return "start"
        return "rest" if moment == "resting" and self.status == "running" else None

    # ------------------------------------------------------------------------------------------------------------ fold

    def evolve(self, event: CampaignEvent) -> None:
        """The whole fold."""
        match event:
            case Defined() | Revised():
                self.spec, self.content_hash = event.spec, event.content_hash
                self.status, self.makers, self.approved_by = "draft", frozenset({event.actor}), None
            case Submitted():
                self.status, self.makers = "submitted", self.makers | {event.actor}
            case Approved():
                self.status, self.approved_by = "approved", event.actor
            case Rejected():
                self.status, self.approved_by = "draft", None
            case Scheduled():
                self.status, self.strategies = "scheduled", event.strategies
            case Started():
                self.status, self.started_at = "running", self.started_at or event.effective_at
            case Paused():
                self.status = "resting" if event.by_itself else "paused"
            case Ended():
                self.status = "ended"
            case Retired():
                self.status = "retired"
            case _:
                pass

    @property
    def _told(self) -> str:
        return f"Campaign {self.name}"

    def _require_not_over(self) -> None:
        if self.status in ("ended", "retired"):
            raise StrategyOver(self._told, self.status)

    def _record(self, event_class: type[CampaignEvent], by: By, **fields: Any) -> None:
        self.trigger_event(event_class, timestamp=to_datetime(by.at), campaign=self.name, **by.told, **fields)
