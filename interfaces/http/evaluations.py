"""Evaluating one user now, or trying out what would be."""

from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from starlette.responses import Response

from application.access import NotAllowed, Permission
from domain.facts.check import ahead_error, check_fact
from domain.facts.fact import Fact
from domain.facts.field_errors import FieldError
from domain.facts.instants import format_instant
from domain.refusal import Complaint
from interfaces.http.examples import EVALUATION
from interfaces.http.refusals import HypotheticalFactInvalid, HypotheticalNeedsDryRun
from interfaces.http.system import SystemDep
from interfaces.http.users import UserId
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/users", tags=["users"])


class EvaluationRequest(BaseModel):
    """How to evaluate."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"dry_run": True, "hypothetical_facts": [{"kind": "order", "amount": 20_000, "currency": "CNY"}]}
            ]
        },
    )

    dry_run: StrictBool = Field(False, description="Answer what would be decided, and record nothing.")
    hypothetical_facts: list[dict[str, Any]] = Field(
        default=[],
        max_length=1_000,
        description="Facts as in `POST /v1/facts` to suppose, in a dry run. `fact_id`, `user_id` and `occurred_at` may "
        "be left out: then it is a new fact of this user, now.",
    )


@router.post("/{user_id:path}/evaluations", responses=EVALUATION, summary="Evaluate a user now")
def evaluate(
    system: SystemDep,
    user_id: UserId,
    call: Annotated[Write, write(Permission.TRY_OUT)],
    wanted: EvaluationRequest | None = None,
) -> Response:
    """Decides what is due, then answers per scheme the features, scores, qualified tier, decision and receipt.

    Of schemes that are kept per merchant the same stands in `scopes`, by scheme and merchant.
    """
    wanted = wanted or EvaluationRequest()
    if not wanted.dry_run and not call.caller.may(Permission.EVALUATE):
        raise NotAllowed(call.caller, Permission.EVALUATE)
    if wanted.hypothetical_facts and not wanted.dry_run:
        raise HypotheticalNeedsDryRun
    supposed = supposed_facts(system, user_id, wanted.hypothetical_facts)

    def act() -> dict[str, Any]:
        found = system.evaluate_user(user_id, dry_run=wanted.dry_run, hypothetical_facts=supposed)
        if found.position:
            system.nudges.projectors()
        return {
            "user_id": user_id,
            "as_of": format_instant(found.as_of),
            "dry_run": wanted.dry_run,
            "evaluations": found.evaluations,
            **({"scopes": found.scopes} if found.scopes else {}),
            "position": found.position,
        }

    return call.answer(act)


def supposed_facts(system: Any, user_id: str, sent: list[dict[str, Any]]) -> list[Fact]:
    """Supposed facts, checked as real ones are; what is recorded, or supposed, already is left out.

    Raises HypotheticalFactInvalid, UnknownUser.
    """
    if not sent:
        return []
    kinds, now = system.fact_kinds.definitions(), system.clock.now()
    facts = []
    for index, item in enumerate(sent):
        new = {"fact_id": f"hypothetical-{uuid4().hex}", "user_id": user_id, "occurred_at": format_instant(now)}
        checked = check_fact({**new, **item}, kinds)
        if not isinstance(checked, Fact):
            raise _invalid(index, checked)
        if checked.user_id != user_id:
            remedy = "leave it out: a supposed fact is this user's"
            raise _invalid(index, [FieldError("user_id", checked.user_id, remedy, "another user")])
        error = ahead_error(checked, now)
        if error is not None:
            raise _invalid(index, [error])
        facts.append(checked)
    outcomes = system.record_facts.rehearse(facts)
    for index, outcome in enumerate(outcomes):
        if isinstance(outcome, FieldError):
            raise _invalid(index, [outcome])
    return [fact for fact, outcome in zip(facts, outcomes, strict=True) if not outcome.duplicate]


def _invalid(index: int, errors: list[FieldError]) -> HypotheticalFactInvalid:
    return HypotheticalFactInvalid(
        [Complaint(f"hypothetical_facts.{index}.{error.field}", error.value, error.remedy) for error in errors]
    )
