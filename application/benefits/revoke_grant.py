"""Revoke what is left of a grant."""

from application.benefits.decided import once_decided
from application.benefits.ports import GrantDesk, MoveWanted, Recorded
from application.evaluation.evaluate_user import EvaluateUser
from domain.benefits.granting import LONGEST_TEXT, require_line


class RevokeGrant:
    """What is left is released: budgets and stock may promise it again. What was redeemed stays."""

    def __init__(self, desk: GrantDesk, evaluate_user: EvaluateUser) -> None:
        self._desk, self._evaluate_user = desk, evaluate_user

    def __call__(self, grant_id: str, actor: str, *, reason: str = "", command_id: str = "") -> Recorded:
        """Under one command_id it happens once. Raises UnknownGrant, GrantEnded, GrantRequestInvalid."""
        require_line("reason", reason, LONGEST_TEXT)
        wanted = MoveWanted("revoke", grant_id, actor, reason=reason, command_id=command_id)
        return once_decided(lambda: self._desk.move(wanted), self._evaluate_user)
