"""Open a history session: from now on it takes facts of the past."""

from dataclasses import dataclass

from application.facts.ports import HistorySessions
from domain.facts.history import HistorySession


@dataclass(frozen=True, slots=True)
class OpenHistory:
    """actor: who asks. resume: go on with the session that the actor has left open, if there is one."""

    actor: str
    resume: bool = False


class OpenHistoryHandler:
    """Opens sessions."""

    def __init__(self, sessions: HistorySessions) -> None:
        self._sessions = sessions

    def __call__(self, command: OpenHistory) -> HistorySession:
        """A session of its own for every call that does not resume one."""
        left_open = self._sessions.left_open(command.actor) if command.resume else None
        return left_open or self._sessions.open(command.actor)
