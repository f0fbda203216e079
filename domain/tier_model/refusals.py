"""What a tier model refuses, and why."""

from collections.abc import Collection

from domain.refusal import Complaint, Refusal


class VersionUnknown(Refusal):
    """The scheme has no such version."""

    def __init__(self, scheme: str, version: int, versions: list[int]) -> None:
        super().__init__(
            f"scheme {scheme!r} has no version {version}", Complaint("version", version, f"name one of {versions}")
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

    def __init__(self, scheme: str, version: int, status: str) -> None:
        super().__init__(
            f"version {version} of scheme {scheme!r} is {status} and cannot change",
            Complaint("version", version, "draft a new version"),
        )


class VersionRetired(Refusal):
    """A retired version does not come back."""

    def __init__(self, scheme: str, version: int) -> None:
        super().__init__(
            f"version {version} of scheme {scheme!r} is retired",
            Complaint("version", version, "draft a new version with its content and activate that"),
        )


class ActivationTooEarly(Refusal):
    """Activations of a scheme follow each other in time."""

    def __init__(self, scheme: str, at: int, last_at: int) -> None:
        super().__init__(
            f"scheme {scheme!r} was last activated at {last_at}",
            Complaint("effective_at", at, f"activate at an instant after {last_at}"),
        )
