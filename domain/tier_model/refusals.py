"""What a tier model refuses. Each names the field, its value and the remedy."""


class ModelRefusal(Exception):
    """A command on a tier model that its rules do not allow. field and value say which part of it, remedy what to do."""

    def __init__(self, sentence: str, *, field: str, value: object, remedy: str) -> None:
        self.field, self.value, self.remedy = field, value, remedy
        super().__init__(f"{sentence}: {remedy}")


class VersionUnknown(ModelRefusal):
    """The scheme has no such version."""

    def __init__(self, scheme: str, version: int, versions: list[int]) -> None:
        super().__init__(
            f"scheme {scheme!r} has no version {version}",
            field="version",
            value=version,
            remedy=f"name one of {versions}",
        )


class CutsNotFitted(ModelRefusal):
    """A version whose scores still lack cuts cannot be activated."""

    def __init__(self, scheme: str, version: int, scores: list[str]) -> None:
        self.scores = scores
        super().__init__(
            f"version {version} of scheme {scheme!r} has unfitted cuts for {', '.join(scores)}",
            field="version",
            value=version,
            remedy="fit the cuts first, or write them into the model",
        )


class VersionPublished(ModelRefusal):
    """A version that is or was in force never changes."""

    def __init__(self, scheme: str, version: int, status: str) -> None:
        super().__init__(
            f"version {version} of scheme {scheme!r} is {status} and cannot change",
            field="version",
            value=version,
            remedy="draft a new version",
        )


class VersionRetired(ModelRefusal):
    """A retired version does not come back."""

    def __init__(self, scheme: str, version: int) -> None:
        super().__init__(
            f"version {version} of scheme {scheme!r} is retired",
            field="version",
            value=version,
            remedy="draft a new version with its content and activate that",
        )


class ActivationTooEarly(ModelRefusal):
    """Activations of a scheme follow each other in time."""

    def __init__(self, scheme: str, at: int, last_at: int) -> None:
        super().__init__(
            f"scheme {scheme!r} was last activated at {last_at}, which is not before {at}",
            field="effective_at",
            value=at,
            remedy="activate at a later instant",
        )
