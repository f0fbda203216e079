"""Benefits that are issued again and again: by the calendar, on birthdays, and when a tier rises."""

from collections.abc import Callable, Sequence
from uuid import UUID

from application.benefits.grant_benefit import GrantBenefit, grant_id_of
from application.benefits.ports import GrantDesk, Outcome, Recorded, Undecided
from application.benefits.reacting import ActiveIssuance, BenefitReactions, Tally, Turn
from domain.benefits.granting import GrantWanted
from domain.issuances.spec import next_turn, period_of
from domain.refusal import Refusal

_BATCH = 500
_RISES = "issue_benefits_when_a_tier_rises"


class IssueBenefits:
    """Each period of each issuance once for each user: the grant's id follows from them."""

    def __init__(
        self,
        active: Callable[[], Sequence[ActiveIssuance]],
        reactions: BenefitReactions,
        desk: GrantDesk,
        grant: GrantBenefit,
    ) -> None:
        """active: the recurring issues that are not retired."""
        self._active, self._reactions, self._desk, self._grant = active, reactions, desk, grant

    def __call__(self) -> bool:
        """A bit of everything; whether there is more to do."""
        issuances = {one.name: one for one in self._active()}
        more = self._on_rises(list(issuances.values()))
        for issuance in issuances.values():
            if issuance.spec.by_timer:
                more |= self._reactions.watch(issuance, _BATCH)
        return self._on_turns(issuances) or more

    def _on_turns(self, issuances: dict[str, ActiveIssuance]) -> bool:
        with self._reactions.take_turns(_BATCH) as taken:
            if taken is None:
                return False
            due = [turn for turn in taken.turns if turn.issuance in issuances and turn.user_id]
            tally = Tally()
            wanted = [_wanted(issuances[turn.issuance], turn.subject_id, turn.user_id, turn.due_at) for turn in due]
            for turn, outcome in zip(due, self._granted(wanted), strict=True):
                tally.add(turn.issuance, type(outcome).__name__ if isinstance(outcome, Refusal) else None)
            taken.settle({(turn.issuance, turn.subject_id): _next(turn, issuances) for turn in taken.turns}, tally)
            return True

    def _on_rises(self, issuances: list[ActiveIssuance]) -> bool:
        with self._reactions.turn(_RISES) as turn:
            if turn is None:
                return False
            seen, tally = turn.risen(_BATCH), Tally()
            wanted, names = [], []
            for rise in seen.items:
                for issuance in issuances:
                    spec = issuance.spec
                    if spec.upgrade != rise.scheme or (spec.into and rise.to_tier not in spec.into):
                        continue
                    wanted.append(_wanted(issuance, rise.subject_id, rise.user_id, rise.effective_at, rise.event_id))
                    names.append(issuance.name)
            for name, outcome in zip(names, self._granted(wanted), strict=True):
                if isinstance(outcome, Recorded) and outcome.replayed:
                    continue  # a further rise in the same year
                tally.add(name, type(outcome).__name__ if isinstance(outcome, Refusal) else None)
            self._reactions.tell(tally)
            turn.move_to(seen.position)
            return seen.more

    def _granted(self, wanted: Sequence[GrantWanted]) -> list[Outcome]:
        """Together; whoever has something due is decided, and then granted alone."""
        outcomes = list(self._desk.grant_many(wanted)) if wanted else []
        for number, outcome in enumerate(outcomes):
            if isinstance(outcome, Undecided):
                try:
                    outcomes[number] = self._grant(wanted[number])
                except Refusal as refusal:
                    outcomes[number] = refusal
        return outcomes


def _wanted(issuance: ActiveIssuance, subject_id: UUID, user_id: str, instant: int, causation: str = "") -> GrantWanted:
    spec = issuance.spec
    command_id = f"issuance/{issuance.name}/{subject_id.hex}/{period_of(spec, instant)}"
    return GrantWanted(
        grant_id=grant_id_of(command_id),
        user_id=user_id,
        benefit=spec.benefit,
        units=spec.units,
        budgets=spec.budgets,
        cause="issuance",
        causation=causation or issuance.name,
        actor=f"issuance:{issuance.name}",
        command_id=command_id,
        reason=issuance.name,
    )


def _next(turn: Turn, issuances: dict[str, ActiveIssuance]) -> int | None:
    """When it comes round again; the turns of an issuance that is retired do not."""
    if turn.issuance not in issuances or not turn.user_id:
        return None
    return next_turn(issuances[turn.issuance].spec, turn.observation.attributes, turn.due_at)
