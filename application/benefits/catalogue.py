"""What can be given, what it may cost, and what is stopped: all that is done with benefits before a grant."""

from dataclasses import dataclass

from application.benefits.definitions.activate_benefit import ActivateBenefit
from application.benefits.definitions.approve_benefit import ApproveBenefit
from application.benefits.definitions.draft_benefit import DraftBenefit
from application.benefits.definitions.lint_benefit import LintBenefit
from application.benefits.definitions.ports import Benefits
from application.benefits.definitions.reject_benefit import RejectBenefit
from application.benefits.definitions.retire_benefit import RetireBenefit
from application.benefits.definitions.revise_benefit import ReviseBenefit
from application.benefits.definitions.show_benefit import ShowBenefit
from application.benefits.definitions.submit_benefit import SubmitBenefit
from application.budgets.approve_budget import ApproveBudget
from application.budgets.change_budget import ChangeBudget
from application.budgets.close_budget import CloseBudget, ReopenBudget
from application.budgets.define_budget import DefineBudget
from application.budgets.show_budget import ShowBudget
from application.grant_stops.lift_stop import LiftStop
from application.grant_stops.ports import GrantStops
from application.grant_stops.stop_grants import StopGrants


@dataclass(frozen=True)
class BenefitCatalogue:
    """Each use case by its name."""

    draft: DraftBenefit
    revise: ReviseBenefit
    lint: LintBenefit
    submit: SubmitBenefit
    approve: ApproveBenefit
    reject: RejectBenefit
    activate: ActivateBenefit
    retire: RetireBenefit
    show: ShowBenefit
    versions: Benefits

    define_budget: DefineBudget
    change_budget: ChangeBudget
    approve_budget: ApproveBudget
    close_budget: CloseBudget
    reopen_budget: ReopenBudget
    show_budget: ShowBudget

    stop_grants: StopGrants
    lift_stop: LiftStop
    stops: GrantStops
