"""A command on what is decided: whatever is due for the user comes first."""

from collections.abc import Callable

from application.benefits.ports import Recorded, Undecided
from application.evaluation.evaluate_user import EvaluateUser
from domain.refusal import Complaint, Refusal

_ATTEMPTS = 10


class UserKeepsMoving(Refusal):
    """Facts about the user kept coming while they were being decided."""

    def __init__(self, user_id: str) -> None:
        super().__init__(
            f"User {user_id[:200]!r} kept changing while the command was under way.",
            Complaint("user_id", user_id, "send the command again"),
        )


def once_decided(command: Callable[[], Recorded | Undecided], evaluate_user: EvaluateUser) -> Recorded:
    """Carry the command out on a user for whom nothing is due. Raises UserKeepsMoving, and what the command raises."""
    outcome = command()
    for _ in range(_ATTEMPTS):
        if isinstance(outcome, Recorded):
            return outcome
        evaluate_user(outcome.user_id)
        outcome = command()
    if isinstance(outcome, Recorded):
        return outcome
    raise UserKeepsMoving(outcome.user_id)
