"""Redeem a grant, whole or in part."""

from application.benefits.decided import once_decided
from application.benefits.ports import GrantDesk, MoveWanted, Recorded
from application.evaluation.evaluate_user import EvaluateUser
from domain.benefits.granting import LONGEST_TEXT, require_line
from domain.benefits.refusals import GrantRequestInvalid
from domain.benefits.spec import LARGEST


class RedeemGrant:
    """What is redeemed is spent from then on, in every account that the grant was charged to."""

    def __init__(self, desk: GrantDesk, evaluate_user: EvaluateUser) -> None:
        self._desk, self._evaluate_user = desk, evaluate_user

    def __call__(
        self, grant_id: str, actor: str, *, units: int | None = None, order_id: str = "", command_id: str = ""
    ) -> Recorded:
        """units None: all that is left. Under one command_id it happens once.

        Raises UnknownGrant, GrantEnded, MoreThanLeft, NotInPart, RedeemedTooOften, NotEntitled, GrantRequestInvalid,
        UserKeepsMoving.
        """
        if units is not None and not 1 <= units <= LARGEST:
            raise GrantRequestInvalid("units", units, f"give a whole number from 1 to {LARGEST}, or leave it out")
        require_line("order_id", order_id, LONGEST_TEXT)
        wanted = MoveWanted("redeem", grant_id, actor, units, order_id, command_id=command_id)
        return once_decided(lambda: self._desk.move(wanted), self._evaluate_user)
