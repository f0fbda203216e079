"""A user has come to match a strategy's condition: the strategy takes them in."""

from application.reactions.taking_turns import Listed, react
from application.strategies.ports import Reacting, Reactions, Wanted
from application.strategies.settle_user import Settle
from domain.strategies.admission import is_addressed
from domain.strategies.cause import Cause, actor_of
from domain.strategies.spec import Joined

NAME = "start_strategies_when_a_user_joins_a_segment"
_BATCH = 500  # observations


class StartStrategiesWhenAUserJoinsASegment:
    """At each decision on a user it is seen whether they match; coming to match counts, going on to match does not."""

    def __init__(self, reactions: Reactions, settle: Settle) -> None:
        self._reactions, self._settle = reactions, settle

    def __call__(self) -> bool:
        """React to what was decided; whether anything came of it, or there is more. False also when another reacts."""
        return react(self._reactions, NAME, self._settle, _read)


def _read(turn: Reacting) -> Listed | None:
    listening = [one for one in turn.started.by_priority() if isinstance(one.spec.trigger, Joined)]
    if not listening:
        return None
    batch, now = turn.observations(_BATCH), turn.now
    members = turn.members([one.name for one in listening], [seen.subject_id for seen in batch.items])
    wanted = []
    for seen in batch.items:
        for running in listening:
            matches = is_addressed(running, seen.observation, turn.started.calendars, now)
            if matches == ((running.name, seen.subject_id) in members):
                continue
            cause = Cause("joins", f"{seen.subject_id.hex}@{seen.position}", seen.decided_at)
            wanted.append(Wanted(running.name, seen.subject_id, cause, actor_of(running.name), member=matches))
    return Listed(wanted, (), batch.position, batch.more)
