"""History sessions: facts of the past, known when they occurred, decided when the session is sealed."""

from dataclasses import dataclass
from uuid import UUID

from domain.facts.instants import format_instant
from domain.refusal import Complaint, Refusal


@dataclass(frozen=True, slots=True)
class HistorySession:
    """Instants in microseconds. sealed_at and sealed_position are None while it is open."""

    history_id: UUID
    opened_at: int
    opened_by: str
    sealed_at: int | None = None
    sealed_by: str | None = None
    sealed_position: int | None = None


@dataclass(frozen=True, slots=True)
class HistoryStatus:
    """A session with its progress: subjects that wait for a decision, and the facts of those."""

    session: HistorySession
    subjects_pending: int
    facts_pending: int


class UnknownHistory(Refusal):
    """No session has this id."""

    def __init__(self, history_id: UUID) -> None:
        remedy = "open a session first, and use the id it answers"
        super().__init__(f"There is no history session {history_id}.", Complaint("history", str(history_id), remedy))


class HistorySealed(Refusal):
    """A sealed session takes no further facts."""

    def __init__(self, history_id: UUID, sealed_at: int) -> None:
        super().__init__(
            f"History session {history_id} was sealed at {format_instant(sealed_at)} and takes no further facts.",
            Complaint("history", str(history_id), "open another session, or send the facts as live facts"),
        )


class SubjectInHistory(Refusal):
    """A command on a subject that belongs to a history session not yet decided."""

    def __init__(self, user_id: str, history_id: UUID) -> None:
        super().__init__(
            f"User {user_id!r} belongs to history session {history_id}, which is not decided yet.",
            Complaint("user_id", user_id, f"seal history session {history_id}, and try again once it is decided"),
        )
