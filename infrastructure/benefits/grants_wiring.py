"""Wires what can be done with grants, and what benefits do by themselves."""

from collections.abc import Callable, Mapping
from typing import Any

from application.benefits.expire_grants import ExpireGrants
from application.benefits.grant_benefit import GrantBenefit
from application.benefits.grants import Grants
from application.benefits.issuances import Issuances, active_issuances
from application.benefits.redeem_grant import RedeemGrant
from application.benefits.revoke_grant import RevokeGrant
from application.evaluation.evaluate_user import EvaluateUser
from application.facts.record_facts import RecordFactsHandler
from application.reactions.claw_back_benefits import when_a_tier_falls, when_an_order_comes_back
from application.reactions.issue_benefits import IssueBenefits
from application.reactions.react import React
from application.reactions.record_growth_of_grants import RecordGrowthOfGrants
from domain.issuances.aggregate import Issuance
from domain.issuances.cost import IssuedBenefit
from domain.issuances.spec import IssuanceSpec
from infrastructure.benefits.catalogue_rows import spec_of
from infrastructure.benefits.definitions import PostgresBenefits
from infrastructure.benefits.desk import PostgresGrantDesk
from infrastructure.benefits.queries import PostgresGrantQueries
from infrastructure.benefits.reacting import PostgresBenefitReactions
from infrastructure.definitions.store import PostgresDefinitions
from infrastructure.event_store.application import Ledger
from infrastructure.event_store.tail import LogTail
from infrastructure.facts.fact_kinds import PostgresFactKinds
from infrastructure.facts.fact_log import PostgresFactLog
from infrastructure.postgres.pool import Pool
from infrastructure.security.keyring import Keyring

_ISSUED = """
select d.name, d.spec, b.spec::text
from definitions d join benefits b on b.benefit = d.spec ->> 'benefit' and b.status = 'active'
where d.kind = 'issuance' and d.status = 'active' order by d.name
"""


def build_grants(pool: Pool, keyring: Keyring, ledger: Ledger, tail: LogTail, evaluate_user: EvaluateUser) -> Grants:
    """Over Postgres."""
    desk, queries = PostgresGrantDesk(pool, keyring), PostgresGrantQueries(pool)
    grant, expire = GrantBenefit(desk, evaluate_user), ExpireGrants(desk)
    definitions = PostgresDefinitions(pool, ledger, Issuance)
    reactions = PostgresBenefitReactions(pool, keyring, tail)
    issue = IssueBenefits(lambda: active_issuances(definitions.list()), reactions, desk, grant)
    kinds = PostgresFactKinds(pool)
    record = RecordFactsHandler(PostgresFactLog(pool, keyring), kinds)
    steps: list[Callable[[], object]] = [
        expire,
        when_a_tier_falls(reactions, desk),
        when_an_order_comes_back(reactions, desk),
        issue,
        RecordGrowthOfGrants(reactions, record, kinds),
    ]
    return Grants(
        grant=grant,
        redeem=RedeemGrant(desk, evaluate_user),
        revoke=RevokeGrant(desk, evaluate_user),
        expire=expire,
        queries=queries,
        issuances=Issuances(
            definitions, queries.has_benefit, PostgresBenefits(pool, ledger).surroundings, _progress_of(pool)
        ),
        keep_up=React(steps),
    )


def _progress_of(pool: Pool) -> Callable[[str], Mapping[str, Any]]:
    def progress(name: str) -> Mapping[str, Any]:
        with pool.connection() as connection:
            query = "select issued, refused from issuance_progress where issuance = %s"
            row = connection.execute(query, (name,)).fetchone()
        return {"issued": row[0], "refused": row[1]} if row else {"issued": 0, "refused": {}}

    return progress


def issued_benefits(pool: Pool) -> Callable[[], list[IssuedBenefit]]:
    """Recurring issues that are not retired, with the version of their benefit in force."""

    def issued() -> list[IssuedBenefit]:
        with pool.connection() as connection:
            rows = connection.execute(_ISSUED).fetchall()
        return [IssuedBenefit(name, IssuanceSpec.model_validate(spec), spec_of(text)) for name, spec, text in rows]

    return issued
