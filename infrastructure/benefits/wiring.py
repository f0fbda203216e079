"""Wires what can be done with benefits."""

from application.benefits.catalogue import BenefitCatalogue
from application.benefits.definitions.activate_benefit import ActivateBenefit
from application.benefits.definitions.approve_benefit import ApproveBenefit
from application.benefits.definitions.draft_benefit import DraftBenefit
from application.benefits.definitions.lint_benefit import LintBenefit
from application.benefits.definitions.reject_benefit import RejectBenefit
from application.benefits.definitions.retire_benefit import RetireBenefit
from application.benefits.definitions.revise_benefit import ReviseBenefit
from application.benefits.definitions.show_benefit import ShowBenefit
from application.benefits.definitions.submit_benefit import SubmitBenefit
from application.budgets.approve_budget import ApproveBudget
from application.budgets.change_budget import ChangeBudget
from application.budgets.close_budget import CloseBudget, ReopenBudget
from application.budgets.define_budget import DefineBudget
from application.budgets.ports import SecondPerson
from application.budgets.show_budget import ShowBudget
from application.grant_stops.lift_stop import LiftStop
from application.grant_stops.stop_grants import StopGrants
from infrastructure.benefits.budgets import PostgresBudgets
from infrastructure.benefits.definitions import PostgresBenefits
from infrastructure.benefits.stops import PostgresGrantStops
from infrastructure.event_store.application import Ledger
from infrastructure.postgres.pool import Pool
from infrastructure.settings import Settings


def benefit_catalogue(pool: Pool, ledger: Ledger, settings: Settings) -> BenefitCatalogue:
    """The catalogue, over the ledger."""
    benefits, budgets = PostgresBenefits(pool, ledger), PostgresBudgets(pool, ledger)
    stops = PostgresGrantStops(pool, ledger)
    second_person = SecondPerson(settings.budget_approval_from, settings.approvals)
    return BenefitCatalogue(
        draft=DraftBenefit(benefits),
        revise=ReviseBenefit(benefits),
        lint=LintBenefit(benefits),
        submit=SubmitBenefit(benefits),
        approve=ApproveBenefit(benefits),
        reject=RejectBenefit(benefits),
        activate=ActivateBenefit(benefits, settings.approvals),
        retire=RetireBenefit(benefits),
        show=ShowBenefit(benefits),
        versions=benefits,
        define_budget=DefineBudget(budgets, second_person),
        change_budget=ChangeBudget(budgets, second_person),
        approve_budget=ApproveBudget(budgets),
        close_budget=CloseBudget(budgets),
        reopen_budget=ReopenBudget(budgets),
        show_budget=ShowBudget(budgets),
        stop_grants=StopGrants(stops),
        lift_stop=LiftStop(stops),
        stops=stops,
    )
