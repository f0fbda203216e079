"""One user's recorded story, folded: where the subject stands on every scheme and scope."""

from typing import Any, cast
from uuid import UUID

import msgspec
from eventsourcing.domain import BaseAggregate

from domain.facts.instants import to_datetime
from domain.user_tier.decisions import event_id_of
from domain.user_tier.events import (
    AGGREGATE_TOPIC,
    DowngradeDeferred,
    GrowthSettled,
    SubjectEvent,
    TagAdded,
    TagRemoved,
    TierAtRisk,
    TierChanged,
    TierFrozen,
    TierPinned,
    TierRequalified,
    TierUnfrozen,
    TierUnpinned,
    UserEnrolled,
)
from domain.user_tier.holds import Freeze, Pin, PinMode
from domain.user_tier.observation import Standing
from domain.user_tier.user_ids.events import UserMerged


class UserTier(BaseAggregate[UUID]):
    """The stream of one subject, as the events alone tell it.

    standings: scheme -> scope -> standing. tags: those added and not removed -> when each ends by itself, or None.
    merged_into: the stream that goes on instead, in hex.
    """

    TOPIC = AGGREGATE_TOPIC

    # Named for the library, which then defines no event classes of its own.
    Event = SubjectEvent
    Created = UserEnrolled

    standings: dict[str, dict[str, Standing]]
    tags: dict[str, int | None]
    merged_into: str | None

    def __init__(self) -> None:
        self.standings = {}
        self.tags = {}
        self.merged_into = None

    @classmethod
    def enrol(cls, subject_id: UUID, *, at: int, actor: str, command_id: str, causation: str) -> "UserTier":
        """A subject's first event, at an instant in microseconds."""
        return cls._create(
            UserEnrolled,
            id=subject_id,
            timestamp=to_datetime(at),
            scheme="",
            scope="",
            from_tier=None,
            to_tier=None,
            effective_at=at,
            actor=actor,
            command_id=command_id,
            causation=causation,
        )

    def record(self, event_class: type[SubjectEvent], *, effective_at: int, **fields: Any) -> None:
        """Record one further event, at an instant in microseconds; fields are the event's own."""
        self.trigger_event(event_class, timestamp=to_datetime(effective_at), effective_at=effective_at, **fields)

    def standing(self, scheme: str, scope: str = "") -> Standing | None:
        """Where the subject stands, or None."""
        return self.standings.get(scheme, {}).get(scope)

    def evolve(self, event: SubjectEvent) -> None:
        """The whole fold."""
        match event:
            case TierChanged(to_tier=str(tier)):
                self._put(event, self._moved(event, tier))
            case TierRequalified():
                self._adjust(event, grace_until=None, valid_from=event.effective_at)
            case DowngradeDeferred():
                self._adjust(event, grace_until=event.grace_until)
            case TierAtRisk():
                self._adjust(event)
            case GrowthSettled():
                self._adjust(event, growth_carried=event.balance, growth_settled_at=event.effective_at)
            case TierPinned(to_tier=str(tier)):
                since, until = event.effective_at, event.until
                pin = Pin(cast(PinMode, event.mode), tier, since, until, event.reason)
                self._adjust(event, pin=pin)
            case TierUnpinned():
                self._adjust(event, pin=None)
            case TierFrozen():
                self._adjust(event, frozen=Freeze(event.effective_at, event.until, event.reason))
            case TierUnfrozen():
                self._adjust(event, frozen=None)
            case TagAdded():
                self.tags[event.tag] = event.until
            case TagRemoved():
                self.tags.pop(event.tag, None)
            case UserMerged():
                self.merged_into = event.into
            case _:
                pass

    def _moved(self, event: TierChanged, tier: str) -> Standing:
        event_id = event_id_of(event.originator_id, event.originator_version)
        current = self.standing(event.scheme, event.scope)
        if event.keeps_since and current is not None:
            return msgspec.structs.replace(current, tier=tier, last_decided=event.effective_at, event_id=event_id)
        at = event.effective_at
        if event.opened is not None:
            since, growth = event.opened["since"], event.opened["growth"]
            settled_at = None if growth is None else at
            return Standing(
                tier, since, since, at, event_id=event_id, growth_carried=growth or 0, growth_settled_at=settled_at
            )
        moved = Standing(tier=tier, since=at, valid_from=at, last_decided=at, event_id=event_id)
        if current is None:
            return moved
        carried, settled_at = current.growth_carried, current.growth_settled_at
        return msgspec.structs.replace(
            moved,
            growth_carried=carried,
            growth_settled_at=settled_at,
            pin=current.pin,
            frozen=current.frozen,
        )

    def _adjust(self, event: SubjectEvent, **changes: Any) -> None:
        current = self.standing(event.scheme, event.scope)
        if current is not None:
            self._put(event, msgspec.structs.replace(current, last_decided=event.effective_at, **changes))

    def _put(self, event: SubjectEvent, standing: Standing) -> None:
        self.standings.setdefault(event.scheme, {})[event.scope] = standing
