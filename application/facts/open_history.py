"""Open a history session: from now on it takes facts of the past."""

from dataclasses import dataclass

from application.facts.ports import HistorySessions
from domain.facts.history import HistorySession


@dataclass(frozen=True, slots=True)
class OpenHistory:
    """actor: who asks."""

    actor: str


class OpenHistoryHandler:
    """Every call opens a session of its own."""

    def __init__(self, sessions: HistorySessions) -> None:
        self._sessions = sessions

    def __call__(self, command: OpenHistory) -> HistorySession:
        return self._sessions.open(command.actor)
