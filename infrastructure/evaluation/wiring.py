"""What is decided and said of users, and what people can do to their standings, wired."""

from typing import Any

from application.evaluation.evaluate_due import EvaluateDue
from application.evaluation.evaluate_user import EvaluateUser
from application.evaluation.explain_user import ExplainUser
from application.overrides.decide_override import ApproveOverride, RejectOverride
from application.overrides.freeze_standing import FreezeStanding
from application.overrides.pin_tier import PinTier
from application.overrides.unfreeze_standing import UnfreezeStanding
from application.overrides.unpin_tier import UnpinTier
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.evaluation.override_requests import PostgresOverrideRequests
from infrastructure.postgres.pool import Pool
from infrastructure.queries.ledger import PostgresLedgerQueries
from infrastructure.settings import Settings


def wired_users(evaluation: PostgresEvaluationLedger, queries: PostgresLedgerQueries) -> dict[str, Any]:
    """What is decided and said of users, by its name in the system."""
    return {
        "evaluate_due": EvaluateDue(evaluation),
        "evaluate_user": EvaluateUser(evaluation),
        "explain_user": ExplainUser(evaluation, queries),
    }


def wired_holds(pool: Pool, ledger: PostgresEvaluationLedger, settings: Settings) -> dict[str, Any]:
    """What people can do to a standing, by its name in the system."""
    requests = PostgresOverrideRequests(pool, ledger)
    pin = PinTier(ledger, requests, settings.override_approval_from, settings.approvals)
    return {
        "pin_tier": pin,
        "unpin_tier": UnpinTier(ledger),
        "freeze_standing": FreezeStanding(ledger),
        "unfreeze_standing": UnfreezeStanding(ledger),
        "override_requests": requests,
        "approve_override": ApproveOverride(requests, pin),
        "reject_override": RejectOverride(requests),
    }
