"""One benefit: its versions, and which of them is granted."""

from typing import Any
from uuid import UUID, uuid5

import msgspec
from eventsourcing.domain import BaseAggregate

from domain.benefits.events import (
    AGGREGATE_TOPIC,
    Activated,
    Approved,
    BenefitEvent,
    Drafted,
    Rejected,
    Retired,
    Revised,
    Submitted,
)
from domain.benefits.version import BENEFIT, BenefitVersion
from domain.facts.instants import to_datetime
from domain.tier_model.refusals import NotApproved, VersionPublished, VersionRetired, VersionUnknown
from domain.tier_model.reviewing import approved, rejected, require_rejectable, submitted, to_be_approved
from domain.tier_model.version import By, Review

_NAMESPACE = UUID("0c9b6a1e-58a4-5f0b-8f6e-3b6f0a2d7c41")


def benefit_id_of(benefit: str) -> UUID:
    """The stream of a benefit."""
    return uuid5(_NAMESPACE, benefit)


class Benefit(BaseAggregate[UUID]):
    """The stream of one benefit. versions: by number, from 1."""

    TOPIC = AGGREGATE_TOPIC

    # Named for the library, which then defines no event classes of its own.
    Event = BenefitEvent
    Created = Drafted

    benefit: str
    versions: dict[int, BenefitVersion]

    def __init__(self, benefit: str) -> None:
        self.benefit = benefit
        self.versions = {}

    @staticmethod
    def create_id(benefit: str) -> UUID:
        """Derived from the name: two first drafts of one benefit conflict."""
        return benefit_id_of(benefit)

    @classmethod
    def first_draft(cls, benefit: str, *, spec: dict[str, Any], content_hash: str, by: By) -> "Benefit":
        """A benefit's first version."""
        return cls._create(
            Drafted,
            id=benefit_id_of(benefit),
            timestamp=to_datetime(by.at),
            benefit_version=1,
            spec=spec,
            content_hash=content_hash,
            benefit=benefit,
            **by.told,
        )

    @property
    def active(self) -> BenefitVersion | None:
        """The version that is granted, or None."""
        return next((version for version in self.versions.values() if version.status == "active"), None)

    def draft(self, *, spec: dict[str, Any], content_hash: str, by: By) -> int:
        """A further version; answers its number."""
        number = max(self.versions) + 1
        self._record(Drafted, number, by, spec=spec, content_hash=content_hash)
        return number

    def revise(self, number: int, *, spec: dict[str, Any], content_hash: str, by: By) -> None:
        """Replace a version's spec before it was ever in force; a submission and an approval are lost. The same content
        records nothing. Raises VersionUnknown, VersionPublished."""
        if self._unpublished(number).content_hash != content_hash:
            self._record(Revised, number, by, spec=spec, content_hash=content_hash)

    def submit(self, number: int, *, note: str, by: By) -> None:
        """Lay a version before somebody who may approve it. Submitting twice records nothing.

        Raises VersionUnknown, VersionPublished.
        """
        version = self._unpublished(number)
        if version.status == "draft":
            self._record(Submitted, number, by, content_hash=version.content_hash, note=note)

    def approve(self, number: int, *, content_hash: str, note: str, by: By) -> None:
        """Agree to a version as it was looked at. Approving what is approved records nothing.

        Raises VersionUnknown, StaleDraft, OwnDraft, NotSubmitted.
        """
        if to_be_approved(self.benefit, self._existing(number), content_hash, by, BENEFIT):
            self._record(Approved, number, by, content_hash=content_hash, note=note)

    def reject(self, number: int, *, reason: str, by: By) -> None:
        """Send a submitted (or approved) version back. Raises VersionUnknown, NotSubmitted."""
        require_rejectable(self.benefit, self._existing(number), BENEFIT)
        self._record(Rejected, number, by, reason=reason)

    def activate(self, number: int, *, may_skip: bool, by: By) -> None:
        """Granted from by.at on, instead of the version before. Activating what is active records nothing; what was in
        force before comes back.

        may_skip: a version that was never submitted needs no approval. Raises VersionUnknown, VersionRetired,
        NotApproved.
        """
        version = self._existing(number)
        if version.status == "active":
            return
        if version.status == "retired" and version.activated_at is None:
            raise VersionRetired(self.benefit, number, BENEFIT)
        if version.status in ("draft", "submitted"):
            back = version.review.rejected_at is not None
            asked = version.status == "submitted" or back
            if asked or (version.needs_approval and not may_skip):
                raise NotApproved(self.benefit, number, version.status, back, BENEFIT)
        self._record(Activated, number, by, approved_by=version.review.approved_by or None)

    def retire(self, number: int, *, by: By) -> None:
        """Not granted any more; what was granted stays. Retiring twice records nothing. Raises VersionUnknown."""
        if self._existing(number).status != "retired":
            self._record(Retired, number, by)

    def evolve(self, event: BenefitEvent) -> None:
        """The whole fold."""
        number, who, at = event.benefit_version, event.actor, event.effective_at
        match event:
            case Drafted():
                self.versions[number] = BenefitVersion(
                    number, "draft", event.spec, event.content_hash, who, at, makers=frozenset({who})
                )
            case Revised():
                makers = self.versions[number].makers | {who}
                content = {"spec": event.spec, "content_hash": event.content_hash}
                self._replace(number, status="draft", review=Review(), makers=makers, **content)
            case Submitted():
                makers = self.versions[number].makers | {who}
                self._replace(number, status="submitted", review=submitted(who, at, event.note), makers=makers)
            case Approved():
                review = approved(self.versions[number].review, who, at, event.note)
                self._replace(number, status="approved", review=review)
            case Rejected():
                review = rejected(self.versions[number].review, who, at, event.reason)
                self._replace(number, status="draft", review=review)
            case Activated():
                for other in self.versions.values():
                    if other.status == "active":
                        self._replace(other.number, status="retired")
                self._replace(number, status="active", activated_at=at)
            case Retired():
                self._replace(number, status="retired")
            case _:
                pass

    def _record(self, event_class: type[BenefitEvent], number: int, by: By, **fields: Any) -> None:
        fields |= {"benefit": self.benefit, "benefit_version": number, **by.told}
        self.trigger_event(event_class, timestamp=to_datetime(by.at), **fields)

    def _existing(self, number: int) -> BenefitVersion:
        version = self.versions.get(number)
        if version is None:
            raise VersionUnknown(self.benefit, number, sorted(self.versions), BENEFIT)
        return version

    def _unpublished(self, number: int) -> BenefitVersion:
        version = self._existing(number)
        if version.status in ("active", "retired"):
            raise VersionPublished(self.benefit, number, version.status, BENEFIT)
        return version

    def _replace(self, number: int, **changes: Any) -> None:
        self.versions[number] = msgspec.structs.replace(self.versions[number], **changes)
