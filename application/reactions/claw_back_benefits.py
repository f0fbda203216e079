"""Benefits are taken back by their policy: when a tier falls, and when an order comes back."""

from collections.abc import Callable

from application.benefits.ports import GrantDesk, MoveWanted
from application.benefits.reacting import BenefitReactions, BenefitTurn, Seen

ACTOR = "clawback"
_BATCH = 500


class ClawBackBenefits:
    """From a place in the log, from now on only. A command's name follows from its cause, so each happens once."""

    def __init__(
        self, name: str, read: Callable[[BenefitTurn, int], Seen], reactions: BenefitReactions, desk: GrantDesk
    ) -> None:
        self._name, self._read, self._reactions, self._desk = name, read, reactions, desk

    def __call__(self) -> bool:
        """One stretch of the log; whether there is more. False also when somebody else reacts."""
        with self._reactions.turn(self._name) as turn:
            if turn is None:
                return False
            seen = self._read(turn, _BATCH)
            wanted = [
                MoveWanted(
                    "claw-back",
                    one.grant_id,
                    ACTOR,
                    reason=one.reason,
                    reclaim=one.reclaim,
                    command_id=f"clawback/{one.causation}/{one.grant_id}",
                    causation=one.causation,
                )
                for one in seen.items
            ]
            if wanted:
                self._desk.move_many(wanted)
            turn.move_to(seen.position)
            return seen.more


def when_a_tier_falls(reactions: BenefitReactions, desk: GrantDesk) -> ClawBackBenefits:
    """What is left of grants whose user is entitled no more."""
    return ClawBackBenefits(
        "claw_back_benefits_when_a_tier_falls", lambda turn, limit: turn.fallen(limit), reactions, desk
    )


def when_an_order_comes_back(reactions: BenefitReactions, desk: GrantDesk) -> ClawBackBenefits:
    """Grants made for an order that is refunded or cancelled."""
    return ClawBackBenefits(
        "claw_back_benefits_when_an_order_comes_back", lambda turn, limit: turn.come_back(limit), reactions, desk
    )
