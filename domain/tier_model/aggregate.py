"""One scheme's tier model: its versions and which of them is in force."""

from typing import Any, Literal
from uuid import UUID, uuid5

import msgspec
from eventsourcing.domain import BaseAggregate

from domain.facts.instants import to_datetime
from domain.tier_model.events import AGGREGATE_TOPIC, Activated, CutsFitted, Drafted, ModelEvent, Retired, Revised
from domain.tier_model.refusals import (
    ActivationTooEarly,
    CutsNotFitted,
    VersionPublished,
    VersionRetired,
    VersionUnknown,
)

Status = Literal["draft", "fitted", "active", "retired"]
_NAMESPACE = UUID("6f1f4a0e-2a0b-5d0c-9c53-7d1c0a5e8b11")


class By(msgspec.Struct, frozen=True):
    """Who commands, and when (microseconds)."""

    at: int
    actor: str
    command_id: str = ""
    causation: str = ""


class ModelVersion(msgspec.Struct, frozen=True):
    """One version. spec: the canonical model, fitted cuts inside; unfitted: scores that still lack cuts."""

    number: int
    status: Status
    spec: dict[str, Any]
    content_hash: str
    unfitted: tuple[str, ...]
    author: str
    drafted_at: int
    activated_at: int | None = None


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
            **_clear_fields(scheme, by),
        )

    @property
    def active(self) -> ModelVersion | None:
        """The version in force, or None."""
        return next((version for version in self.versions.values() if version.status == "active"), None)

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

    def activate(self, number: int, *, by: By) -> None:
        """In force from by.at; the version in force before is retired. Activating the one in force records nothing.

        Raises VersionUnknown, CutsNotFitted, VersionRetired, ActivationTooEarly.
        """
        version = self._existing(number)
        if version.status == "active":
            return
        if version.status == "retired":
            raise VersionRetired(self.scheme, number)
        if version.unfitted:
            learned = [name for name, score in version.spec.get("scores", {}).items() if "learned" in score]
            raise CutsNotFitted(self.scheme, number, list(version.unfitted), learned)
        last = max((v.activated_at for v in self.versions.values() if v.activated_at is not None), default=None)
        if last is not None and by.at <= last:
            raise ActivationTooEarly(self.scheme, by.at, last)
        self._record(Activated, number, by)

    def retire(self, number: int, *, by: By) -> None:
        """Not to be used any more. Retiring twice records nothing. Raises VersionUnknown."""
        if self._existing(number).status != "retired":
            self._record(Retired, number, by)

    def evolve(self, event: ModelEvent) -> None:
        """The whole fold."""
        match event:
            case Drafted():
                self.versions[event.model_version] = ModelVersion(
                    number=event.model_version,
                    status="draft" if event.unfitted else "fitted",
                    spec=event.spec,
                    content_hash=event.content_hash,
                    unfitted=tuple(event.unfitted),
                    author=event.actor,
                    drafted_at=event.effective_at,
                )
            case Revised():
                self._replace(
                    event.model_version,
                    status="draft" if event.unfitted else "fitted",
                    spec=event.spec,
                    content_hash=event.content_hash,
                    unfitted=tuple(event.unfitted),
                )
            case CutsFitted():
                done = {*event.cuts, *event.spec.get("fitted", {}).get("learned", {})}
                unfitted = tuple(score for score in self.versions[event.model_version].unfitted if score not in done)
                self._replace(
                    event.model_version,
                    status="draft" if unfitted else "fitted",
                    spec=event.spec,
                    content_hash=event.content_hash,
                    unfitted=unfitted,
                )
            case Activated():
                if self.active is not None:
                    self._replace(self.active.number, status="retired")
                self._replace(event.model_version, status="active", activated_at=event.effective_at)
            case Retired():
                self._replace(event.model_version, status="retired")
            case _:
                pass

    def _record(self, event_class: type[ModelEvent], number: int, by: By, **fields: Any) -> None:
        self.trigger_event(
            event_class,
            timestamp=to_datetime(by.at),
            model_version=number,
            **_clear_fields(self.scheme, by),
            **fields,
        )

    def _existing(self, number: int) -> ModelVersion:
        version = self.versions.get(number)
        if version is None:
            raise VersionUnknown(self.scheme, number, sorted(self.versions))
        return version

    def _unpublished(self, number: int) -> None:
        version = self._existing(number)
        if version.status in ("active", "retired"):
            raise VersionPublished(self.scheme, number, version.status)

    def _replace(self, number: int, **changes: Any) -> None:
        self.versions[number] = msgspec.structs.replace(self.versions[number], **changes)


def _clear_fields(scheme: str, by: By) -> dict[str, Any]:
    return {
        "scheme": scheme,
        "effective_at": by.at,
        "actor": by.actor,
        "command_id": by.command_id,
        "causation": by.causation,
    }
