"""What a change of tiers does to the cost of benefits that are issued by themselves. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from domain.benefits.spec import BenefitSpec
from domain.issuances.spec import IssuanceSpec


class IssuedBenefit(NamedTuple):
    """A recurring issue, and the version of its benefit in force."""

    name: str
    issuance: IssuanceSpec
    benefit: BenefitSpec


def cost_of_change(
    issued: Iterable[IssuedBenefit], scheme: str, before: Mapping[str, int], after: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Per issue that is for some tiers of the scheme: who is entitled before and after, and what one turn for all of
    them costs, minor units. before, after: users by tier. at_most: other schemes are asked for as well, so that fewer
    may be entitled."""
    costs = []
    for name, issuance, benefit in issued:
        tiers = benefit.entitlement.get(scheme)
        if tiers is None or not issuance.by_timer:
            continue
        entitled_before, entitled_after = (sum(users.get(tier, 0) for tier in tiers) for users in (before, after))
        cost = issuance.units * benefit.unit_cost
        costs.append(
            {
                "issuance": name,
                "benefit": benefit.benefit,
                "every": "month" if issuance.monthly is not None else "year",
                "currency": benefit.currency,
                "users_before": entitled_before,
                "users_after": entitled_after,
                "cost_before": entitled_before * cost,
                "cost_after": entitled_after * cost,
                "at_most": len(benefit.entitlement) > 1,
            }
        )
    return costs
