"""One scheme's tier model: its versions and which of them is in force."""

from typing import Any
from uuid import UUID, uuid5

import msgspec
from eventsourcing.domain import BaseAggregate

from domain.facts.instants import to_datetime
from domain.tier_model.events import (
    AGGREGATE_TOPIC,
    Activated,
    Approved,
    CutsFitted,
    Drafted,
    ModelEvent,
    Rejected,
    Retired,
    Revised,
    Scheduled,
    Shadowed,
    Submitted,
    Unscheduled,
)
from domain.tier_model.migration import Migration, migration_from_json
from domain.tier_model.refusals import (
    ActivationTooEarly,
    AlreadyInForce,
    AlreadyScheduled,
    CutsNotFitted,
    InForceStays,
    NotApproved,
    NotScheduled,
    RolloutShrinks,
    ScheduledInPast,
    ShadowNeedsLive,
    VersionPublished,
    VersionRetired,
    VersionUnknown,
)
from domain.tier_model.reviewing import approved, rejected, require_rejectable, submitted, to_be_approved
from domain.tier_model.timeline import REASSESS
from domain.tier_model.version import By, ModelVersion, Review

_DAY = 86_400_000_000
_NAMESPACE = UUID("6f1f4a0e-2a0b-5d0c-9c53-7d1c0a5e8b11")


def model_id_of(scheme: str) -> UUID:
    """The stream of a scheme's model."""
    return uuid5(_NAMESPACE, scheme)


class TierModel(BaseAggregate[UUID]):
    """The stream of one scheme. versions: by number, from 1."""

    TOPIC = AGGREGATE_TOPIC

    # Named for the library, which then defines no event classes of its own.
    Event = ModelEvent
    Created = Drafted

    scheme: str
    versions: dict[int, ModelVersion]

    def __init__(self, scheme: str) -> None:
        self.scheme = scheme
        self.versions = {}

    @staticmethod
    def create_id(scheme: str) -> UUID:
        """Derived from the scheme: two first drafts of one scheme conflict."""
        return model_id_of(scheme)

    @classmethod
    def first_draft(
        cls, scheme: str, *, spec: dict[str, Any], content_hash: str, unfitted: list[str], by: By
    ) -> "TierModel":
        """A scheme's first version."""
        return cls._create(
            Drafted,
            id=model_id_of(scheme),
            timestamp=to_datetime(by.at),
            model_version=1,
            spec=spec,
            content_hash=content_hash,
            unfitted=unfitted,
            scheme=scheme,
            **by.told,
        )

    @property
    def active(self) -> ModelVersion | None:
        """The version that came into force last, or None. Others are active beside it while it reaches a part alone."""
        there = [version for version in self.versions.values() if version.status == "active"]
        return max(there, key=lambda version: version.activated_at or 0, default=None)

    @property
    def scheduled(self) -> ModelVersion | None:
        """The version that comes into force by itself, or None."""
        return next((version for version in self.versions.values() if version.scheduled_at is not None), None)

    def draft(self, *, spec: dict[str, Any], content_hash: str, unfitted: list[str], by: By) -> int:
        """A further version; answers its number."""
        number = max(self.versions) + 1
        self._record(Drafted, number, by, spec=spec, content_hash=content_hash, unfitted=unfitted)
        return number

    def revise(self, number: int, *, spec: dict[str, Any], content_hash: str, unfitted: list[str], by: By) -> None:
        """Replace a draft's spec; fitted cuts are lost with it. Raises VersionUnknown, VersionPublished."""
        self._unpublished(number)
        self._record(Revised, number, by, spec=spec, content_hash=content_hash, unfitted=unfitted)

    def fit_cuts(
        self,
        number: int,
        *,
        cuts: dict[str, list[float]],
        fitted_at: int,
        spec: dict[str, Any],
        content_hash: str,
        by: By,
    ) -> None:
        """Freeze fitted cuts into a draft. spec carries them already. Raises VersionUnknown, VersionPublished."""
        self._unpublished(number)
        self._record(CutsFitted, number, by, cuts=cuts, fitted_at=fitted_at, spec=spec, content_hash=content_hash)

    def require_fitted(self, number: int) -> None:
        """Raises VersionUnknown, CutsNotFitted."""
        self._require_fitted(self._existing(number))

    # ------------------------------------------------------------------------------------------------------- approval

    def submit(self, number: int, *, note: str, by: By) -> None:
        """Lay a version before somebody who may approve it. Submitting twice records nothing.

        Raises VersionUnknown, VersionPublished, CutsNotFitted.
        """
        version = self._unpublished(number)
        self._require_fitted(version)
        if version.status not in ("submitted", "approved"):
            self._record(Submitted, number, by, content_hash=version.content_hash, note=note)

    def approve(self, number: int, *, content_hash: str, note: str, by: By) -> None:
        """Agree to a version as it was looked at. Approving what is approved records nothing.

        Raises VersionUnknown, StaleDraft, OwnDraft, NotSubmitted.
        """
        if to_be_approved(self.scheme, self._existing(number), content_hash, by):
            self._record(Approved, number, by, content_hash=content_hash, note=note)

    def reject(self, number: int, *, reason: str, by: By) -> None:
        """Send a submitted (or approved) version back. Raises VersionUnknown, NotSubmitted."""
        require_rejectable(self.scheme, self._existing(number))
        self._record(Rejected, number, by, reason=reason)

    # ------------------------------------------------------------------------------------------------------ activation

    def schedule(self, number: int, *, at: int, migration: Migration, notice_days: int, may_skip: bool, by: By) -> None:
        """Bring a version into force by itself. at: microseconds; notice_days: how long before it has to be known.

        may_skip: as in activate. Raises VersionUnknown, CutsNotFitted, VersionRetired, NotApproved, ScheduledInPast,
        AlreadyScheduled, AlreadyInForce, RolloutShrinks.
        """
        earliest = by.at + notice_days * _DAY
        if at <= earliest:
            raise ScheduledInPast(at, earliest, notice_days)
        ahead = self.scheduled
        if ahead is not None:
            assert ahead.scheduled_at is not None
            raise AlreadyScheduled(self.scheme, ahead.number, ahead.scheduled_at)
        version = self._existing(number)
        if not self._may_come(version, migration, may_skip):
            raise AlreadyInForce(self.scheme, number, version.migration.percent)
        self._record(Scheduled, number, by, at=at, migration=migration.to_json())

    def unschedule(self, number: int, *, reason: str, by: By) -> None:
        """Take a schedule back whose instant has not come. Raises VersionUnknown, NotScheduled."""
        version = self._existing(number)
        if version.scheduled_at is None or version.scheduled_at <= by.at:
            raise NotScheduled(self.scheme, number, version.status)
        self._record(Unscheduled, number, by, reason=reason)

    def carry_out(self, *, by: By) -> ModelVersion | None:
        """The scheduled version is in force from its instant on, if that has come; that version, or None."""
        version = self.scheduled
        if version is None or version.scheduled_at is None or version.scheduled_at >= by.at:
            return None
        self._activated(
            version, version.migration, msgspec.structs.replace(by, at=version.scheduled_at), scheduled=True
        )
        return self.versions[version.number]

    def activate(self, number: int, *, by: By, migration: Migration = REASSESS, may_skip: bool = True) -> None:
        """In force from by.at; the version in force before is retired, unless a part stays on it. Activating the one in
        force records nothing, but for more of a rollout. One that was in force comes back: its approval stands. More of
        another version's rollout that was scheduled does not come any more.

        may_skip: a version that was never submitted needs no approval. Raises VersionUnknown, CutsNotFitted,
        VersionRetired, NotApproved, AlreadyScheduled, RolloutShrinks, ActivationTooEarly.
        """
        version = self._existing(number)
        self.require_unscheduled(number)
        if not self._may_come(version, migration, may_skip):
            return
        last = max((v.activated_at for v in self.versions.values() if v.activated_at is not None), default=None)
        if last is not None and by.at <= last:
            raise ActivationTooEarly(self.scheme, by.at, last)
        raised = self.scheduled
        if raised is not None and raised.status == "active":
            self._record(Unscheduled, raised.number, by, reason=f"version {number} came into force before it")
        self._activated(version, migration, by)

    def require_unscheduled(self, number: int) -> None:
        """Raises VersionUnknown, AlreadyScheduled."""
        at = self._existing(number).scheduled_at
        if at is not None:
            raise AlreadyScheduled(self.scheme, number, at)

    def shadow(self, number: int, *, migration: Migration, by: By) -> None:
        """Decide a version beside the one in force, without effect; another one that was is no longer.

        Raises VersionUnknown, CutsNotFitted, ShadowNeedsLive.
        """
        self._require_fitted(self._existing(number))
        if self.active is None or self.active.number == number:
            raise ShadowNeedsLive(self.scheme, number)
        self.unshadow(by=by)
        self._record(Shadowed, number, by, running=True, migration=migration.to_json())

    def unshadow(self, *, by: By) -> None:
        """No more. Without a shadow nothing is recorded."""
        for version in [version for version in self.versions.values() if version.shadowed]:
            self._record(Shadowed, version.number, by, running=False, migration={})

    def retire(self, number: int, *, by: By) -> None:
        """Not to be used any more. Retiring twice records nothing. Raises VersionUnknown, InForceStays."""
        version = self._existing(number)
        if version.status in ("active", "scheduled"):
            raise InForceStays(self.scheme, number, version.status)
        if version.status != "retired":
            self._record(Retired, number, by)

    def _may_come(self, version: ModelVersion, migration: Migration, may_skip: bool) -> bool:
        """Whether there is something to activate."""
        if version.status == "active":
            reached = version.migration.percent
            latest = self.active is not None and self.active.number == version.number
            if latest and migration.percent == reached:
                return False
            if latest and migration.percent < reached:
                raise RolloutShrinks(self.scheme, version.number, migration.percent, reached)
            return True
        if version.status == "retired":
            if version.activated_at is None:
                raise VersionRetired(self.scheme, version.number)
            return True
        self._require_fitted(version)
        rejected = version.review.rejected_at is not None
        if version.status != "approved" and (version.status != "fitted" or rejected or not may_skip):
            raise NotApproved(self.scheme, version.number, version.status, rejected)
        return True

    def _activated(self, version: ModelVersion, migration: Migration, by: By, scheduled: bool = False) -> None:
        if version.shadowed:  # it is in force now: there is nothing left to compare
            self.unshadow(by=by)
        approved_by = version.review.approved_by or None
        told = migration.to_json() or None
        self._record(Activated, version.number, by, migration=told, approved_by=approved_by, scheduled=scheduled)

    def _require_fitted(self, version: ModelVersion) -> None:
        if version.unfitted:
            learned = [name for name, score in version.spec.get("scores", {}).items() if "learned" in score]
            raise CutsNotFitted(self.scheme, version.number, list(version.unfitted), learned)

    # ------------------------------------------------------------------------------------------------------------ fold

    def evolve(self, event: ModelEvent) -> None:
        """The whole fold."""
        number, who = event.model_version, event.actor
        match event:
            case Drafted():
                self.versions[number] = ModelVersion(
                    number=number,
                    status="draft" if event.unfitted else "fitted",
                    spec=event.spec,
                    content_hash=event.content_hash,
                    unfitted=tuple(event.unfitted),
                    author=who,
                    drafted_at=event.effective_at,
                    makers=frozenset({who}),
                )
            case Revised():
                self._changed(number, who, event.spec, event.content_hash, tuple(event.unfitted))
            case CutsFitted():
                done = {*event.cuts, *event.spec.get("fitted", {}).get("learned", {})}
                unfitted = tuple(score for score in self.versions[number].unfitted if score not in done)
                self._changed(number, who, event.spec, event.content_hash, unfitted)
            case Submitted():
                review = submitted(who, event.effective_at, event.note)
                self._replace(number, status="submitted", review=review, makers=self.versions[number].makers | {who})
            case Approved():
                review = approved(self.versions[number].review, who, event.effective_at, event.note)
                self._replace(number, status="approved", review=review)
            case Rejected():
                review = rejected(self.versions[number].review, who, event.effective_at, event.reason)
                self._replace(number, status="fitted", review=review)
            case Scheduled():
                migration = migration_from_json(event.migration)
                before = self.versions[number]
                self._replace(
                    number,
                    status="active" if before.status == "active" else "scheduled",
                    scheduled_at=event.at,
                    migration=migration,
                    before_schedule=(before.status, before.migration),
                )
            case Unscheduled():
                there = self.versions[number]
                status, migration = there.before_schedule or (there.status, there.migration)
                if there.status != "scheduled":  # what came into force since has retired it, or it is in force still
                    status = there.status
                self._replace(number, status=status, migration=migration, scheduled_at=None, before_schedule=None)
            case Activated():
                self._in_force(number, event.effective_at, migration_from_json(event.migration))
            case Shadowed():
                self._replace(number, shadowed=event.running)
            case Retired():
                self._replace(number, status="retired")
            case _:
                pass

    def _changed(
        self, number: int, who: str, spec: dict[str, Any], content_hash: str, unfitted: tuple[str, ...]
    ) -> None:
        """Any change takes a submission and an approval away."""
        self._replace(
            number,
            status="draft" if unfitted else "fitted",
            spec=spec,
            content_hash=content_hash,
            unfitted=unfitted,
            makers=self.versions[number].makers | {who},
            review=Review(),
        )

    def _in_force(self, number: int, at: int, migration: Migration) -> None:
        if migration.whole:
            for other in self.versions.values():
                if other.status == "active" and other.number != number:
                    self._replace(other.number, status="retired")
        self._replace(
            number, status="active", activated_at=at, migration=migration, scheduled_at=None, before_schedule=None
        )

    def _record(self, event_class: type[ModelEvent], number: int, by: By, **fields: Any) -> None:
        self.trigger_event(
            event_class,
            timestamp=to_datetime(by.at),
            model_version=number,
            scheme=self.scheme,
            **by.told,
            **fields,
        )

    def _existing(self, number: int) -> ModelVersion:
        version = self.versions.get(number)
        if version is None:
            raise VersionUnknown(self.scheme, number, sorted(self.versions))
        return version

    def _unpublished(self, number: int) -> ModelVersion:
        version = self._existing(number)
        if version.status in ("scheduled", "active", "retired"):
            raise VersionPublished(self.scheme, number, version.status)
        return version

    def _replace(self, number: int, **changes: Any) -> None:
        self.versions[number] = msgspec.structs.replace(self.versions[number], **changes)
