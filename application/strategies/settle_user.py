"""Decide what is due for a user on the way to something else, if that can be decided at all."""

from collections.abc import Callable

from application.evaluation.evaluate_user import EvaluateUser
from domain.refusal import Refusal

Settle = Callable[[str], object]
"""Told a user id. Who cannot be decided stays undecided, and is put off."""


class SettleUser:
    """For workers: one user who cannot be decided (the evaluator tells of them) holds nobody else up."""

    def __init__(self, evaluate_user: EvaluateUser) -> None:
        self._evaluate_user = evaluate_user

    def __call__(self, user_id: str) -> bool:
        """Whether they are decided now."""
        try:
            self._evaluate_user(user_id)
        except (Refusal, ValueError, LookupError, AssertionError, TypeError):
            return False
        return True
