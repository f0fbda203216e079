"""When growth value is granted, a fact is recorded that growth rules earn by; when it is taken back, that is voided."""

from collections.abc import Callable

from application.benefits.reacting import BenefitReactions, Grown
from application.facts.ports import FactKinds
from application.facts.record_facts import FactsRecorded, RecordFacts, RejectedFact, Sent
from domain.benefits.growth import growth_fact, growth_void
from domain.facts.kinds import KindDefinition

_NAME = "record_growth_of_grants"
_BATCH = 500


class GrowthNotRecorded(Exception):
    """The log refuses a grant's fact. The reaction waits there, so that nothing granted is forgotten."""

    def __init__(self, grown: Grown, rejected: RejectedFact) -> None:
        error, grant = rejected.errors[0], grown.grant
        super().__init__(
            f"Grant {grant.grant_id} of {grant.benefit!r} earns no growth value: {error.field}: {error.remedy}; or"
            " revoke the grant. Growth value granted after it waits until then."
        )


class RecordGrowthOfGrants:
    """From a place in the log, from now on only. A fact's id follows from its grant, so each is recorded once."""

    def __init__(
        self, reactions: BenefitReactions, record: Callable[[RecordFacts], FactsRecorded], kinds: FactKinds
    ) -> None:
        self._reactions, self._record, self._kinds = reactions, record, kinds

    def __call__(self) -> bool:
        """One stretch of the log; whether anything was recorded, or there is more. False also when somebody else
        reacts. Raises GrowthNotRecorded, when all others of the stretch are recorded."""
        with self._reactions.turn(_NAME) as turn:
            if turn is None:
                return False
            seen = turn.grown(_BATCH)
            if seen.items:
                answer = self._record(RecordFacts([self._fact(one) for one in seen.items]))
                for rejected in answer.rejected:
                    raise GrowthNotRecorded(seen.items[rejected.index], rejected)
            turn.move_to(seen.position)
            return bool(seen.items) or seen.more

    def _fact(self, grown: Grown) -> Sent:
        if grown.taken_back:
            return growth_void(grown.grant, grown.user_id)
        definition = self._kinds.definitions().get(grown.kind) or self._kinds.refreshed().get(grown.kind)
        return growth_fact(grown.grant, grown.user_id, grown.kind, definition or KindDefinition())
