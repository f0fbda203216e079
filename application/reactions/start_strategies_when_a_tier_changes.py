"""A tier was entered or left, is at risk, or a tag was given: the strategies that wait for it take the user in."""

from application.reactions.taking_turns import Listed, react
from application.strategies.ports import Later, Reacting, Reactions, Wanted
from application.strategies.settle_user import Settle
from domain.strategies.admission import Running
from domain.strategies.cause import Happened, actor_of, cause_of
from domain.strategies.spec import ByHand, Held, Joined, Scheduled
from domain.strategies.timing import held_until

NAME = "start_strategies_when_a_tier_changes"
_BATCH = 1_000  # records
_OTHERS = (Joined, Scheduled, ByHand)  # triggers that are no event


class StartStrategiesWhenATierChanges:
    """From its own place in the log, from now on only, each event once in effect."""

    def __init__(self, reactions: Reactions, settle: Settle) -> None:
        self._reactions, self._settle = reactions, settle

    def __call__(self) -> bool:
        """React to what has happened; whether anything came of it, or there is more. False also when another reacts."""
        return react(self._reactions, NAME, self._settle, _read)


def _read(turn: Reacting) -> Listed | None:
    listening = [one for one in turn.started.by_priority() if not isinstance(one.spec.trigger, _OTHERS)]
    if not listening:
        return None
    batch = turn.events(_BATCH)
    wanted: list[Wanted] = []
    later: list[Later] = []
    for event in batch.items:
        for running in listening:
            if event.recorded_at >= turn.started.since[running.name]:
                _listen(event, running, wanted, later)
    return Listed(wanted, later, batch.position, batch.more)


def _listen(event: Happened, running: Running, wanted: list[Wanted], later: list[Later]) -> None:
    spec = running.spec
    cause = cause_of(spec.trigger, spec.on_model_change, event)
    if cause is None:
        return
    if isinstance(spec.trigger, Held):
        due_at = held_until(spec, cause.at, spec.trigger.days.count)
        later.append(Later(due_at, running.name, event.subject_id, cause))
    else:
        wanted.append(Wanted(running.name, event.subject_id, cause, actor_of(running.name)))
