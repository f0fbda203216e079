"""Budgets: money set aside, what of it is promised and spent."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from starlette.responses import Response

from application.access import Permission, Role
from application.budgets.ports import AccountView, BudgetView
from domain.budgets.terms import BudgetTerms
from interfaces.http.access import allow
from interfaces.http.answers import answer, instant_text
from interfaces.http.benefit_examples import BUDGET, BUDGET_CHANGED, BUDGETS
from interfaces.http.definitions import Words
from interfaces.http.examples import with_status
from interfaces.http.instants import Instant, RequiredInstant
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/budgets", tags=["budgets"])

_DEFINITION: dict[str, Any] = {
    "budget": "spring",
    "amount": 5_000_000,
    "currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "parent": "membership",
    "period": "month",
    "labels": {"zh-CN": "春季", "en": "Spring"},
}


class DefineRequest(BaseModel):
    """A budget as it is to be."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_DEFINITION]})

    budget: str
    amount: StrictInt = Field(description="Minor units, of the whole or of each period.")
    currency: str
    time_zone: str = Field(description="In which periods begin.")
    parent: str = Field("", description="The budget that is charged along, in the same currency.")
    period: str = Field("", description="month, quarter or year: a fresh amount in each; of the whole when left out.")
    starts_at: Instant = Field(None, description="Not charged before.")
    ends_at: Instant = Field(None, description="Not charged from then on.")
    labels: dict[str, str] = Field(default_factory=dict, description="By language, zh-CN and en.")

    def terms(self) -> BudgetTerms:
        """What the budget says of itself."""
        return BudgetTerms(**self.model_dump(exclude={"budget"}))


class ChangeRequest(BaseModel):
    """What is to change; the other one stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"amount": 6_000_000}]})

    amount: StrictInt = Field(0, description="Minor units.")
    ends_at: Instant = Field(None, description="null: it does not end.")


class ApproveBudgetRequest(BaseModel):
    """What was looked at, and agreed to."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"proposed_at": "2026-03-02T08:00:00Z"}]})

    proposed_at: RequiredInstant = Field(description="Of what waits, as read: another proposal since is refused.")


class ReasonRequest(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "the campaign is over"}]})

    reason: Words = ""


@router.get("", responses=BUDGETS, summary="All budgets", dependencies=[allow(Permission.READ_BENEFITS)])
def list_budgets(system: SystemDep) -> Response:
    """With what is promised and spent, and those that wait for a second person."""
    shown = [_shown(view) for view in system.benefits.show_budget.all()]
    return answer({"budgets": shown, "next_cursor": None})


@router.get("/{budget}", responses=BUDGET, summary="A budget", dependencies=[allow(Permission.READ_BENEFITS)])
def show_budget(system: SystemDep, budget: str) -> Response:
    """With its accounts: one of the whole, or one for each period that was charged."""
    return answer(_shown(system.benefits.show_budget(budget)))


@router.post("", status_code=201, responses=with_status(201, BUDGET_CHANGED), summary="Define a budget")
def define_budget(
    system: SystemDep, call: Annotated[Write, write(Permission.DRAFT_BENEFITS)], wanted: DefineRequest
) -> Response:
    """For good, but for its amount and end. Much money waits for a second person: 202."""

    def act() -> tuple[int, Any]:
        named = {"as_admin": call.caller.role is Role.ADMIN, "command_id": call.command_id}
        view = system.benefits.define_budget(wanted.budget, wanted.terms(), call.actor, **named)
        return 202 if view.waiting else 201, _shown(view)

    return call.answer_as(act)


@router.patch("/{budget}", responses=BUDGET_CHANGED, summary="Change a budget's amount or end")
def change_budget(
    system: SystemDep, budget: str, call: Annotated[Write, write(Permission.DRAFT_BENEFITS)], wanted: ChangeRequest
) -> Response:
    """Of a budget of periods this one's and all to come. Never below what is promised. Much more money: 202."""

    def act() -> tuple[int, Any]:
        changes = wanted.model_dump(exclude_unset=True)
        named = {"as_admin": call.caller.role is Role.ADMIN, "command_id": call.command_id}
        view = system.benefits.change_budget(budget, changes, call.actor, **named)
        return 202 if view.waiting else 200, _shown(view)

    return call.answer_as(act)


@router.post("/{budget}/approve", responses=BUDGET, summary="Agree to money that waits")
def approve_budget(
    system: SystemDep,
    budget: str,
    call: Annotated[Write, write(Permission.APPROVE_BENEFITS)],
    wanted: ApproveBudgetRequest,
) -> Response:
    """Who asked for it cannot."""
    named = {"proposed_at": wanted.proposed_at, "command_id": call.command_id}
    return call.answer(lambda: _shown(system.benefits.approve_budget(budget, call.actor, **named)))


@router.post("/{budget}/close", responses=BUDGET, summary="Charge nothing more to a budget")
def close_budget(
    system: SystemDep,
    budget: str,
    call: Annotated[Write, write(Permission.DRAFT_BENEFITS)],
    wanted: ReasonRequest | None = None,
) -> Response:
    """What is reserved can still be redeemed."""
    named = {"reason": wanted.reason if wanted else "", "command_id": call.command_id}
    return call.answer(lambda: _shown(system.benefits.close_budget(budget, call.actor, **named)))


@router.post("/{budget}/reopen", responses=BUDGET, summary="Charge a closed budget again")
def reopen_budget(
    system: SystemDep,
    budget: str,
    call: Annotated[Write, write(Permission.DRAFT_BENEFITS)],
    wanted: ReasonRequest | None = None,
) -> Response:
    """With what was left of it."""
    named = {"reason": wanted.reason if wanted else "", "command_id": call.command_id}
    return call.answer(lambda: _shown(system.benefits.reopen_budget(budget, call.actor, **named)))


def _shown(view: BudgetView) -> dict[str, Any]:
    terms, waits = view.terms, view.waiting
    return {
        "budget": view.budget,
        "status": view.status,
        "amount": terms.amount,
        "currency": terms.currency,
        "time_zone": terms.time_zone,
        "parent": terms.parent or None,
        "period": terms.period or None,
        "starts_at": instant_text(terms.starts_at),
        "ends_at": instant_text(terms.ends_at),
        "labels": terms.labels,
        "changed_at": instant_text(view.changed_at),
        "accounts": [_account(account) for account in view.accounts],
        "children": list(view.children),
        "waiting": None
        if waits is None
        else {
            "amount": waits.terms.amount,
            "ends_at": instant_text(waits.terms.ends_at),
            "proposed_by": waits.proposed_by,
            "proposed_at": instant_text(waits.proposed_at),
        },
    }


def _account(account: AccountView) -> dict[str, Any]:
    return {
        "starts_at": instant_text(account.starts_at),
        "allowed": account.allowed,
        "reserved": account.reserved,
        "spent": account.spent,
        "left": account.left,
    }
