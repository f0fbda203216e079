"""Plan a bulk grant: its members are fixed now, and a worker previews it."""

from collections.abc import Iterable

from application.bulk_grants.ports import BulkGrantStore, BulkGrantView, BulkWanted, Listed, SegmentMembers
from domain.benefits.granting import GrantWanted, require_wanted


class PlanBulkGrant:
    """To those of a condition, as of one point in time, or to those of a list."""

    def __init__(self, store: BulkGrantStore, members: SegmentMembers) -> None:
        self._store, self._members = store, members

    def __call__(
        self, wanted: BulkWanted, listed: Iterable[Listed] | None, actor: str, *, command_id: str = ""
    ) -> BulkGrantView:
        """listed: None for those of the condition that the source names. Under one command_id it is planned once.

        Raises ConditionInvalid, UnknownBenefit, BenefitNotInForce, UnknownBudget, BudgetNotOpen,
        BudgetOfAnotherCurrency, GrantEndsInPast, GrantRequestInvalid, NobodyToGrant.
        """
        require_wanted(
            GrantWanted("", "", wanted.benefit, wanted.units, reason=wanted.reason, campaign=wanted.campaign)
        )
        whom = self._found(wanted.source["where"]) if listed is None else listed
        return self._store.get(self._store.plan(wanted, whom, actor, command_id))

    def _found(self, where: str) -> Iterable[Listed]:
        return (Listed(number, member["user_id"]) for number, member in enumerate(self._members(where), 1))
