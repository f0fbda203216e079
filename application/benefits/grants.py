"""Everything that can be done with grants."""

from dataclasses import dataclass

from application.benefits.expire_grants import ExpireGrants
from application.benefits.grant_benefit import GrantBenefit
from application.benefits.issuances import Issuances
from application.benefits.ports import GrantQueries
from application.benefits.redeem_grant import RedeemGrant
from application.benefits.revoke_grant import RevokeGrant
from application.reactions.react import React


@dataclass(frozen=True, slots=True)
class Grants:
    """Granting, and what becomes of grants. keep_up: all that happens to them by itself; a worker's use case."""

    grant: GrantBenefit
    redeem: RedeemGrant
    revoke: RevokeGrant
    expire: ExpireGrants
    queries: GrantQueries
    issuances: Issuances
    keep_up: React
