"""What speaks against defining, changing or using something that is known by a name."""

from collections.abc import Sequence

from domain.refusal import Complaint, Refusal


class DefinitionExists(Refusal):
    """The name is taken."""

    def __init__(self, kind: str, name: str, retired: bool) -> None:
        state, remedy = (
            ("is there, retired", "use another name") if retired else ("is there", "revise it, or use another name")
        )
        super().__init__(f"The {kind} {name!r} {state}.", Complaint("name", name, remedy))


class DefinitionRetired(Refusal):
    """It is not to be used any more."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(
            f"The {kind} {name!r} is retired.", Complaint("name", name, f"use another {kind}, or define a new one")
        )


class UnknownDefinition(Refusal):
    """Nothing of this kind has this name."""

    def __init__(self, kind: str, name: str, known: Sequence[str] = ()) -> None:
        remedy = f"use one of {', '.join(known)}" if known else f"define the {kind} first"
        super().__init__(f"There is no {kind} {name[:200]!r}.", Complaint("name", name, remedy))


class DefinitionInvalid(Refusal):
    """A definition that says something it cannot say."""
