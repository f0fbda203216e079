"""One thing that people define by name: what it is now, and whether it is still to be used."""

from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid5

from eventsourcing.domain import BaseAggregate

from domain.definitions.events import DefinedEvent, DefinitionEvent, RetiredEvent, RevisedEvent
from domain.definitions.refusals import DefinitionExists, DefinitionRetired
from domain.facts.instants import to_datetime
from domain.tier_model.version import By

_NAMESPACE = UUID("3f0a2b60-54f2-5b43-9d6e-5a0c5f3b7a41")
D = TypeVar("D", bound="Definition")


class Definition(BaseAggregate[UUID]):
    """The stream of one definition. spec: plain values, as last defined or revised; revision: from 1.

    A kind of definition says what its events are called; what a spec may say is its own rule.
    """

    KIND: ClassVar[str]
    """What a refusal calls it, and its streams' name."""
    DEFINED: ClassVar[type[DefinedEvent]]
    REVISED: ClassVar[type[RevisedEvent]]
    RETIRED: ClassVar[type[RetiredEvent]]

    def __init__(self, name: str, spec: dict[str, Any]) -> None:
        self.name, self.spec = name, spec
        self.revision, self.retired = 1, False

    @classmethod
    def id_of(cls, name: str) -> UUID:
        """The stream of the definition of this name."""
        return uuid5(_NAMESPACE, f"{cls.KIND}\n{name}")

    @staticmethod
    def create_id(name: str) -> UUID:
        """Not for the library to choose: see `id_of`."""
        raise NotImplementedError(name)

    @classmethod
    def define(cls: type[D], found: D | None, name: str, spec: dict[str, Any], by: By) -> D:
        """A new one. found: the one of this name, if there is any. Raises DefinitionExists."""
        if found is not None:
            raise DefinitionExists(cls.KIND, name, found.retired)
        made: D = cls._create(
            cls.DEFINED, id=cls.id_of(name), timestamp=to_datetime(by.at), name=name, spec=spec, **by.told
        )
        return made

    def revise(self, spec: dict[str, Any], by: By) -> None:
        """Replace the spec; the same again records nothing. Raises DefinitionRetired."""
        if self.retired:
            raise DefinitionRetired(self.KIND, self.name)
        if spec != self.spec:
            self.trigger_event(self.REVISED, timestamp=to_datetime(by.at), name=self.name, spec=spec, **by.told)

    def retire(self, reason: str, by: By) -> None:
        """For good. Retiring twice records nothing."""
        if not self.retired:
            self.trigger_event(self.RETIRED, timestamp=to_datetime(by.at), name=self.name, reason=reason, **by.told)

    def evolve(self, event: DefinitionEvent) -> None:
        """The whole fold."""
        match event:
            case RevisedEvent():
                self.spec, self.revision = event.spec, self.revision + 1
            case RetiredEvent():
                self.retired = True
            case _:
                pass
