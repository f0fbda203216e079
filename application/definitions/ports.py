"""What is known by a name: read, and changed under its lock."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from domain.definitions.aggregate import Definition
from domain.tier_model.version import By

DefinitionStatus = Literal["active", "retired"]
D = TypeVar("D", bound=Definition)


@dataclass(frozen=True, slots=True)
class DefinitionView:
    """A definition as it stands. Instants in microseconds; revision: from 1."""

    name: str
    status: DefinitionStatus
    revision: int
    spec: dict[str, Any]
    defined_at: int
    defined_by: str
    changed_at: int
    changed_by: str

    @property
    def retired(self) -> bool:
        """Whether it is not to be used any more."""
        return self.status == "retired"


class DefinitionChange(Protocol[D]):
    """One definition under its kind's lock, in a transaction that save() ends."""

    @property
    def found(self) -> D | None:
        """The definition of the name, if there is any."""
        ...

    @property
    def now(self) -> int:
        """The change's instant, microseconds."""
        ...

    def save(self, definition: D) -> tuple[DefinitionView, int]:
        """Append, keep what is looked up, commit; the position. What stays as it is writes nothing: 0."""
        ...


class Definitions(Protocol[D]):
    """All definitions of one kind."""

    def change(self, name: str) -> AbstractContextManager[DefinitionChange[D]]:
        """Take one to change it; of one kind one at a time is changed."""
        ...

    def find(self, name: str) -> DefinitionView | None:
        """As it stands now."""
        ...

    def list(self) -> Sequence[DefinitionView]:
        """All, retired ones too, by name."""
        ...


def by(change: DefinitionChange[Any], actor: str, command_id: str = "") -> By:
    """Who commands, at the change's instant."""
    return By(change.now, actor, command_id)
