"""Register a further kind of fact."""

from dataclasses import dataclass

from application.facts.ports import FactKinds
from domain.facts.kinds import KindDefinition, check_definition


@dataclass(frozen=True, slots=True)
class RegisterFactKind:
    """kind: its name. definition: what facts of it must carry. A registered kind does not change."""

    kind: str
    definition: KindDefinition


class RegisterFactKindHandler:
    """Registers kinds, each once."""

    def __init__(self, kinds: FactKinds) -> None:
        self._kinds = kinds

    def __call__(self, command: RegisterFactKind) -> None:
        """Raises KindRefused for a name or definition that cannot be, or a name taken by another definition."""
        check_definition(command.kind, command.definition)
        self._kinds.register(command.kind, command.definition)
