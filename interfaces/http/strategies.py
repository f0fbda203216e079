"""Strategies: what they are, their way, and users taken in by hand."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Permission, Role
from application.strategies.ports import StrategyView, TakenIn
from application.strategies.show_strategy import shown, shown_progress, shown_whole
from domain.strategies.spec import json_schema
from interfaces.http.access import allow
from interfaces.http.answers import answer, instant_text
from interfaces.http.definitions import (
    ApproveRequest,
    RejectRequest,
    SchemaResponse,
    SubmitRequest,
    Words,
    body_text,
    faults_answer,
    schema_answer,
)
from interfaces.http.examples import with_status
from interfaces.http.model_examples import LINT
from interfaces.http.strategy_examples import (
    ASSIGNED,
    ENDED,
    PROGRESS,
    STRATEGIES,
    STRATEGY,
    STRATEGY_BODY,
    STRATEGY_SCHEMA,
)
from interfaces.http.system import SystemDep
from interfaces.http.users import UserId
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1", tags=["strategies"])

Definer = Annotated[Write, write(Permission.DEFINE_STRATEGIES)]
Runner = Annotated[Write, write(Permission.RUN_STRATEGIES)]
Approver = Annotated[Write, write(Permission.APPROVE_STRATEGIES)]
Assigner = Annotated[Write, write(Permission.ASSIGN_STRATEGIES)]


class WhyRequest(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "out of stock"}]})

    reason: Words = ""


class AssignRequest(BaseModel):
    """Which strategy takes the user in, and with which arm."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"strategy": "win-back"}]})

    strategy: str = Field(max_length=63)
    arm: str | None = Field(None, max_length=32, description="Drawn, as for everybody, when left out.")


@router.get("/strategies", responses=STRATEGIES, summary="All", dependencies=[allow(Permission.READ_STRATEGIES)])
def list_strategies(system: SystemDep) -> Response:
    """By name, without their specs."""
    views = system.strategies.definitions.views()
    return answer({"strategies": [shown(view) for view in views], "next_cursor": None})


@router.get(
    "/strategies/schema",
    response_class=SchemaResponse,
    responses=STRATEGY_SCHEMA,
    summary="The JSON Schema of a strategy",
    dependencies=[allow(Permission.READ_STRATEGIES)],
)
def read_strategy_schema(if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """For editors that complete and check while a strategy is written."""
    return schema_answer(json_schema, if_none_match)


@router.get(
    "/strategies/{strategy}", responses=STRATEGY, summary="One", dependencies=[allow(Permission.READ_STRATEGIES)]
)
def show_strategy(system: SystemDep, strategy: str) -> Response:
    """With its spec, of its latest version."""
    return answer(shown_whole(system.strategies.definitions.view(strategy)))


@router.get(
    "/strategies/{strategy}/progress",
    responses=PROGRESS,
    summary="How one goes",
    dependencies=[allow(Permission.READ_STRATEGIES)],
)
def show_progress(system: SystemDep, strategy: str) -> Response:
    """Out of the ledger: whom it has taken in, by arm, whom it has not and why, and whether the split is as meant."""
    view = system.strategies.definitions.view(strategy)
    return answer(shown_progress(view, system.strategies.queries.progress(strategy)))


@router.post(
    "/strategies",
    status_code=201,
    responses=with_status(201, STRATEGY),
    openapi_extra=STRATEGY_BODY,
    summary="Define or revise one",
)
def define_strategy(system: SystemDep, call: Definer, text: Annotated[bytes, Depends(body_text)]) -> Response:
    """From YAML or JSON. A new name is defined; of one that is there the content is replaced by the next version."""

    def act() -> dict[str, Any]:
        return shown_whole(system.strategies.define(text, call.actor, command_id=call.command_id))

    return call.answer(act, 201)


@router.post(
    "/strategies/lint",
    responses=LINT,
    openapi_extra=STRATEGY_BODY,
    summary="Find what is wrong with one",
    dependencies=[allow(Permission.READ_STRATEGIES)],
)
def lint_strategy(system: SystemDep, text: Annotated[bytes, Depends(body_text)]) -> Response:
    """Every fault with its line and column; stores nothing."""
    return faults_answer(system.strategies.lint(text))


@router.post("/strategies/{strategy}/submit", responses=STRATEGY, summary="Lay one before an approver")
def submit_strategy(system: SystemDep, strategy: str, call: Definer, wanted: SubmitRequest | None = None) -> Response:
    """As it is: a change takes the submission back."""
    note = wanted.note if wanted else ""
    return _changed(call, lambda: _change(system).submit(strategy, call.actor, note=note, command_id=call.command_id))


@router.post("/strategies/{strategy}/approve", responses=STRATEGY, summary="Agree to one")
def approve_strategy(system: SystemDep, strategy: str, call: Approver, wanted: ApproveRequest) -> Response:
    """Not by who wrote or submitted it."""
    named = {"content_hash": wanted.content_hash, "note": wanted.note, "command_id": call.command_id}
    return _changed(call, lambda: _change(system).approve(strategy, call.actor, **named))


@router.post("/strategies/{strategy}/reject", responses=STRATEGY, summary="Send one back")
def reject_strategy(system: SystemDep, strategy: str, call: Approver, wanted: RejectRequest) -> Response:
    """Its makers can change it and submit it again."""
    named = {"reason": wanted.reason, "command_id": call.command_id}
    return _changed(call, lambda: _change(system).reject(strategy, call.actor, **named))


@router.post("/strategies/{strategy}/start", responses=STRATEGY, summary="Let one run")
def start_strategy(system: SystemDep, strategy: str, call: Runner) -> Response:
    """From now on; a paused one goes on. What grants benefits, or reaches a whole audience, needs an approval."""
    named = {"as_admin": call.caller.role is Role.ADMIN, "command_id": call.command_id}
    return _changed(call, lambda: _change(system).start(strategy, call.actor, **named))


@router.post("/strategies/{strategy}/pause", responses=STRATEGY, summary="Let one rest")
def pause_strategy(system: SystemDep, strategy: str, call: Runner, wanted: WhyRequest | None = None) -> Response:
    """It takes nobody in and does nothing until it is started again."""
    named = {"reason": wanted.reason if wanted else "", "command_id": call.command_id}
    return _changed(call, lambda: _change(system).pause(strategy, call.actor, **named))


@router.post("/strategies/{strategy}/end", responses=STRATEGY, summary="End one")
def end_strategy(system: SystemDep, strategy: str, call: Runner, wanted: WhyRequest | None = None) -> Response:
    """For good. Its assignments end, and what was still to be done is not done."""
    named = {"reason": wanted.reason if wanted else "", "command_id": call.command_id}
    return _changed(call, lambda: _change(system).end(strategy, call.actor, **named))


@router.post("/strategies/{strategy}/retire", responses=STRATEGY, summary="Put one away")
def retire_strategy(system: SystemDep, strategy: str, call: Runner) -> Response:
    """One that has ended, or was never started."""
    return _changed(call, lambda: _change(system).retire(strategy, call.actor, command_id=call.command_id))


@router.post(
    "/users/{user_id:path}/strategies",
    status_code=201,
    responses=with_status(201, ASSIGNED),
    summary="Assign a strategy",
)
def assign_strategy(system: SystemDep, user_id: UserId, call: Assigner, wanted: AssignRequest) -> Response:
    """By hand: its conditions are not asked. Consent, groups and caps are; who is held out stays held out, unless an
    arm is chosen."""

    def act() -> dict[str, Any]:
        named = {"arm": wanted.arm, "command_id": call.command_id}
        taken: TakenIn = system.strategies.assign(user_id, wanted.strategy, call.actor, **named)
        system.nudges.projectors()
        return {
            "user_id": user_id,
            "strategy": wanted.strategy,
            "assignment_id": taken.assignment_id.hex,
            "arm": taken.arm,
            "holdout": taken.holdout or None,
            "due_at": instant_text(taken.due_at),
            "position": taken.position,
        }

    return call.answer(act, 201)


@router.delete("/users/{user_id:path}/strategies/{strategy_id}", responses=ENDED, summary="End an assignment")
def end_assignment(
    system: SystemDep,
    user_id: UserId,
    strategy_id: str,
    call: Assigner,
    reason: Annotated[str, Query(max_length=500, description="Kept with the event.")] = "",
) -> Response:
    """What was still to be done is not done."""

    def act() -> dict[str, Any]:
        ended = system.strategies.end(user_id, strategy_id, call.actor, reason=reason, command_id=call.command_id)
        system.nudges.projectors()
        return {"user_id": user_id, "strategy": strategy_id, "assignment_id": ended, "position": system.tail.head()}

    return call.answer(act)


def _change(system: Any) -> Any:
    return system.strategies.change


def _changed(call: Write, act: Any) -> Response:
    def changed() -> dict[str, Any]:
        view: StrategyView = act()
        return shown_whole(view)

    return call.answer(changed)
