"""Everything that can be done with bulk grants."""

from dataclasses import dataclass

from application.bulk_grants.approve_bulk_grant import ApproveBulkGrant, RejectBulkGrant
from application.bulk_grants.perform_bulk_grants import PerformBulkGrants
from application.bulk_grants.plan_bulk_grant import PlanBulkGrant
from application.bulk_grants.ports import BulkGrantStore
from application.bulk_grants.run_bulk_grant import (
    CancelBulkGrant,
    PauseBulkGrant,
    ResumeBulkGrant,
    RevertBulkGrant,
    StartBulkGrant,
)


@dataclass(frozen=True)
class BulkGrants:
    """Each use case by its name. perform: for a worker's loop."""

    plan: PlanBulkGrant
    approve: ApproveBulkGrant
    reject: RejectBulkGrant
    start: StartBulkGrant
    pause: PauseBulkGrant
    resume: ResumeBulkGrant
    cancel: CancelBulkGrant
    revert: RevertBulkGrant
    perform: PerformBulkGrants
    store: BulkGrantStore
