"""Decide what is due for a user on the way to something else, if that can be decided at all."""

from collections.abc import Callable
from typing import Protocol

from application.evaluation.evaluate_user import EvaluateUser
from application.strategies.ports import Undecided
from domain.refusal import Refusal

_TOLD_AT_ONCE = 250

Settle = Callable[[str], object]
"""Told a user id. Who cannot be decided stays undecided, and is put off."""


class Tell(Protocol):
    """Records events of users who are decided."""

    def __call__(self, limit: int, *, put_off: bool = False) -> tuple[int, list[Undecided]]:
        """How many, and who is not decided. put_off: these are looked at again in a while."""
        ...


def tell_decided(tell: Tell, settle: Settle) -> int:
    """Tell, deciding first whoever is not decided; who cannot be is put off. How many were told."""
    told, undecided = tell(_TOLD_AT_ONCE)
    if not undecided:
        return told
    for user in undecided:
        settle(user.user_id)
    return told + tell(_TOLD_AT_ONCE, put_off=True)[0]


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
