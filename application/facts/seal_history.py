"""Seal a history session: it takes no more facts, and its subjects are decided."""

from dataclasses import dataclass
from uuid import UUID

from application.facts.ports import HistorySessions
from domain.facts.history import HistorySession


@dataclass(frozen=True, slots=True)
class SealHistory:
    """actor: who asks."""

    history_id: UUID
    actor: str


class SealHistoryHandler:
    """Seals sessions."""

    def __init__(self, sessions: HistorySessions) -> None:
        self._sessions = sessions

    def __call__(self, command: SealHistory) -> HistorySession:
        """Sealing twice is sealing once. Raises UnknownHistory."""
        return self._sessions.seal(command.history_id, command.actor)
