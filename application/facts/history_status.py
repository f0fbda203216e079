"""How far a history session is."""

from dataclasses import dataclass
from uuid import UUID

from application.facts.ports import HistorySessions
from domain.facts.history import HistoryStatus


@dataclass(frozen=True, slots=True)
class GetHistoryStatus:
    """Which session."""

    history_id: UUID


class GetHistoryStatusHandler:
    """Asks the session."""

    def __init__(self, sessions: HistorySessions) -> None:
        self._sessions = sessions

    def __call__(self, query: GetHistoryStatus) -> HistoryStatus:
        """Raises UnknownHistory."""
        return self._sessions.status(query.history_id)
