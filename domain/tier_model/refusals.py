"""What a definition with versions refuses, and why. of: what the name is of, a scheme or a benefit."""

from collections.abc import Collection

from domain.facts.instants import format_instant
from domain.refusal import Complaint, Refusal


class VersionUnknown(Refusal):
    """There is no such version."""

    def __init__(self, scheme: str, version: int, versions: list[int], of: str = "scheme") -> None:
        super().__init__(
            f"{of} {scheme!r} has no version {version}", Complaint("version", version, f"name one of {versions}")
        )


class CutsNotFitted(Refusal):
    """A version whose scores still lack cuts, or are still to be learned, cannot be activated."""

    def __init__(self, scheme: str, version: int, scores: list[str], learned: Collection[str] = ()) -> None:
        self.scores = scores
        super().__init__(
            f"version {version} of scheme {scheme!r} has unfitted cuts",
            *(
                Complaint(f"scores.{score}.learned", None, "fit the version, and say what is to learn it")
                if score in learned
                else Complaint(f"scores.{score}.cuts", "fitted", "fit the cuts, or write them")
                for score in scores
            ),
        )


class VersionPublished(Refusal):
    """A version that is or was in force never changes."""

    def __init__(self, scheme: str, version: int, status: str, of: str = "scheme") -> None:
        super().__init__(
            f"version {version} of {of} {scheme!r} is {status} and cannot change",
            Complaint("version", version, "draft a new version"),
        )


class VersionRetired(Refusal):
    """A version that was retired before it was ever in force does not come back; one that was, does (roll back)."""

    def __init__(self, scheme: str, version: int, of: str = "scheme") -> None:
        super().__init__(
            f"version {version} of {of} {scheme!r} is retired and was never in force",
            Complaint("version", version, "draft a new version with its content and activate that"),
        )


class ActivationTooEarly(Refusal):
    """Activations of a scheme follow each other in time."""

    def __init__(self, scheme: str, at: int, last_at: int) -> None:
        super().__init__(
            f"scheme {scheme!r} was last activated at {format_instant(last_at)}",
            Complaint("at", format_instant(at), f"activate at an instant after {format_instant(last_at)}"),
        )


class NotSubmitted(Refusal):
    """Only what its makers have submitted is approved or rejected."""

    def __init__(self, scheme: str, version: int, status: str, of: str = "scheme") -> None:
        super().__init__(
            f"version {version} of {of} {scheme!r} is {status}, not submitted",
            Complaint("status", status, "submit the version first"),
        )


class OwnDraft(Refusal):
    """Who made a version does not approve it."""

    def __init__(self, scheme: str, version: int, actor: str, of: str = "scheme") -> None:
        super().__init__(
            f"{actor} has made version {version} of {of} {scheme!r} or submitted it, and cannot approve it",
            Complaint("actor", actor, "ask somebody else to approve, with a key of their own"),
        )


class StaleDraft(Refusal):
    """The version has changed since it was looked at."""

    def __init__(self, scheme: str, version: int, content_hash: str, is_now: str, of: str = "scheme") -> None:
        super().__init__(
            f"version {version} of {of} {scheme!r} is not what was looked at",
            Complaint("content_hash", content_hash, f"look at the version again; its content is {is_now} now"),
        )


class NotApproved(Refusal):
    """The version needs somebody else's agreement before it comes into force."""

    def __init__(self, scheme: str, version: int, status: str, rejected: bool, of: str = "scheme") -> None:
        why = "was rejected" if rejected else f"is {status}"
        remedy = "have another person approve it" if status == "submitted" else "submit it, and have it approved"
        super().__init__(
            f"version {version} of {of} {scheme!r} {why}, not approved", Complaint("status", status, remedy)
        )


class ScheduledInPast(Refusal):
    """The instant has passed, or leaves less than the time of notice."""

    def __init__(self, at: int, earliest: int, notice_days: int) -> None:
        why = f"with {notice_days} days of notice" if notice_days else "from now on"
        super().__init__(
            f"{format_instant(at)} is too early to come into force",
            Complaint("at", format_instant(at), f"give an instant after {format_instant(earliest)} ({why})"),
        )


class InForceChanged(Refusal):
    """Another version is in force than whoever activates has seen."""

    def __init__(self, scheme: str, seen: int, there: int | None) -> None:
        now = "none is" if there is None else f"version {there} is"
        super().__init__(
            f"{now} in force on scheme {scheme!r}, not version {seen}: somebody was quicker",
            Complaint("instead_of", seen, "look at what is in force now, and at what this version changes of that"),
        )


class AlreadyScheduled(Refusal):
    """A scheme has one activation ahead of it at a time."""

    def __init__(self, scheme: str, version: int, at: int) -> None:
        super().__init__(
            f"version {version} of scheme {scheme!r} is scheduled for {format_instant(at)}",
            Complaint("version", version, "take that back first"),
        )


class AlreadyInForce(Refusal):
    """Nothing to schedule: the version is in force, and reaches as many already."""

    def __init__(self, scheme: str, version: int, reached: float) -> None:
        super().__init__(
            f"version {version} of scheme {scheme!r} is in force for {reached:g} percent already",
            Complaint("version", version, "schedule another version"),
        )


class NotScheduled(Refusal):
    """Nothing to take back: it was never scheduled, or its instant has come."""

    def __init__(self, scheme: str, version: int, status: str) -> None:
        super().__init__(
            f"version {version} of scheme {scheme!r} is {status}, not scheduled",
            Complaint("status", status, "read the version again"),
        )


class ShadowNeedsLive(Refusal):
    """A candidate is compared with a version in force, which is another one."""

    def __init__(self, scheme: str, version: int) -> None:
        super().__init__(
            f"version {version} of scheme {scheme!r} has no other version in force to be compared with",
            Complaint("version", version, "shadow a version that is not in force, of a scheme that has one that is"),
        )


class InForceStays(Refusal):
    """The version in force is retired by the one that takes its place alone."""

    def __init__(self, scheme: str, version: int, status: str) -> None:
        super().__init__(
            f"version {version} of scheme {scheme!r} is {status}",
            Complaint("version", version, "activate another version, or take the schedule back"),
        )


class RolloutShrinks(Refusal):
    """A rollout reaches more people, or is rolled back by another version."""

    def __init__(self, scheme: str, version: int, percent: float, reached: float) -> None:
        more = f"give more than {reached:g}, or " if reached < 100 else ""
        super().__init__(
            f"version {version} of scheme {scheme!r} is in force for {reached:g} percent",
            Complaint("migration.percent", percent, f"{more}activate the version before"),
        )
