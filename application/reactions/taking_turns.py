"""What reactions have in common: a turn at a time, everybody decided first, the place in the log moved along."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from application.strategies.ports import Later, Reacting, Reactions, Wanted
from application.strategies.settle_user import Settle

_ATTEMPTS = 5


class Listed(NamedTuple):
    """What a batch of the log asks for. position: how far it reads; more: there is more behind it."""

    wanted: Sequence[Wanted]
    later: Sequence[Later]
    position: int
    more: bool


def react(reactions: Reactions, name: str, settle: Settle, listed: Callable[[Reacting], Listed | None]) -> bool:
    """One batch; whether anything came of it, or there is more. listed: None when nobody listens.

    Facts may keep coming for a user: after some attempts they are put off, so that nobody waits for them.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        with reactions.turn(name) as turn:
            if turn is None:
                return False
            asked = listed(turn)
            if asked is None:
                turn.pass_over()
                return False
            undecided = turn.take_in(asked.wanted, asked.later, asked.position, put_off=attempt == _ATTEMPTS)
            if not undecided:
                return asked.more or bool(asked.wanted or asked.later)
        for one in undecided:
            settle(one.user_id)
    return True
