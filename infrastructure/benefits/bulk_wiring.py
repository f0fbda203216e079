"""Wires what can be done with bulk grants."""

from application.bulk_grants.approve_bulk_grant import ApproveBulkGrant, RejectBulkGrant
from application.bulk_grants.bulk_grants import BulkGrants
from application.bulk_grants.perform_bulk_grants import PerformBulkGrants
from application.bulk_grants.plan_bulk_grant import PlanBulkGrant
from application.bulk_grants.ports import SegmentMembers
from application.bulk_grants.run_bulk_grant import (
    CancelBulkGrant,
    PauseBulkGrant,
    ResumeBulkGrant,
    RevertBulkGrant,
    StartBulkGrant,
)
from domain.bulk_grants.terms import ApprovalGrades
from infrastructure.benefits.bulk_desk import PostgresBulkDesk
from infrastructure.benefits.bulk_store import PostgresBulkGrants
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.event_store.application import Ledger
from infrastructure.postgres.pool import Pool
from infrastructure.security.keyring import Keyring
from infrastructure.settings import Settings


def build_bulk_grants(
    pool: Pool,
    keyring: Keyring,
    ledger: Ledger,
    evaluation: PostgresEvaluationLedger,
    members: SegmentMembers,
    settings: Settings,
) -> BulkGrants:
    """Everything that can be done with bulk grants, over Postgres. members: of a condition."""
    store = PostgresBulkGrants(pool, ledger)
    grades = ApprovalGrades(settings.bulk_approval_from, settings.bulk_second_approval_from)
    return BulkGrants(
        plan=PlanBulkGrant(store, members),
        approve=ApproveBulkGrant(store),
        reject=RejectBulkGrant(store),
        start=StartBulkGrant(store, settings.approvals),
        pause=PauseBulkGrant(store),
        resume=ResumeBulkGrant(store),
        cancel=CancelBulkGrant(store),
        revert=RevertBulkGrant(store),
        perform=PerformBulkGrants(PostgresBulkDesk(pool, keyring, ledger, store, evaluation, grades)),
        store=store,
    )
