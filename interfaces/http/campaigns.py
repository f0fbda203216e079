"""Campaigns: groups of strategies with their days and budget."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Permission, Role
from application.campaigns.ports import CampaignView
from application.campaigns.show_campaign import shown
from domain.campaigns.spec import json_schema
from domain.facts.instants import format_instant
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.definitions import (
    ApproveRequest,
    RejectRequest,
    SchemaResponse,
    SubmitRequest,
    body_text,
    faults_answer,
    schema_answer,
)
from interfaces.http.examples import with_status
from interfaces.http.instants import Instant, RequiredInstant
from interfaces.http.model_examples import LINT
from interfaces.http.strategies import Approver, Definer, Runner, WhyRequest
from interfaces.http.strategy_examples import (
    CAMPAIGN,
    CAMPAIGN_BODY,
    CAMPAIGN_PROGRESS,
    CAMPAIGN_SCHEMA,
    CAMPAIGNS,
    CONFLICTS,
)
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])
_MAY_READ = [allow(Permission.READ_STRATEGIES)]


class CloneRequest(BaseModel):
    """The name and days of the copy."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"campaign": "autumn", "starts_at": "2026-09-01T00:00:00Z", "ends_at": "2026-10-01T00:00:00Z"}]
        },
    )

    campaign: str = Field(max_length=63)
    starts_at: RequiredInstant
    ends_at: RequiredInstant


@router.get("", responses=CAMPAIGNS, summary="The calendar", dependencies=_MAY_READ)
def list_campaigns(
    system: SystemDep,
    since: Annotated[Instant, Query(alias="from", description="Those that end after it.")] = None,
    until: Annotated[Instant, Query(alias="to", description="Those that start before it.")] = None,
) -> Response:
    """By their beginning, without their specs."""
    return answer({"campaigns": system.strategies.campaigns.show.calendar(since, until), "next_cursor": None})


@router.get(
    "/schema",
    response_class=SchemaResponse,
    responses=CAMPAIGN_SCHEMA,
    summary="The JSON Schema of a campaign",
    dependencies=_MAY_READ,
)
def read_campaign_schema(if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """For editors that complete and check while a campaign is written."""
    return schema_answer(json_schema, if_none_match)


@router.get("/{campaign}", responses=CAMPAIGN, summary="One", dependencies=_MAY_READ)
def show_campaign(system: SystemDep, campaign: str) -> Response:
    """With its spec."""
    return answer(_whole(system.strategies.campaigns.definitions.view(campaign)))


@router.get("/{campaign}/conflicts", responses=CONFLICTS, summary="What gets in its way", dependencies=_MAY_READ)
def show_conflicts(system: SystemDep, campaign: str) -> Response:
    """Other campaigns on the same days with the same budget, a group of strategies in common, or the same people."""
    return answer({"campaign": campaign, "conflicts": system.strategies.campaigns.show.conflicts(campaign)})


@router.get("/{campaign}/progress", responses=CAMPAIGN_PROGRESS, summary="How it goes", dependencies=_MAY_READ)
def show_campaign_progress(system: SystemDep, campaign: str) -> Response:
    """Each of its strategies by arm, and what is left of its budget: out of the ledger."""
    return answer(system.strategies.campaigns.show.progress(campaign))


@router.post(
    "",
    status_code=201,
    responses=with_status(201, CAMPAIGN),
    openapi_extra=CAMPAIGN_BODY,
    summary="Define or revise one",
)
def define_campaign(system: SystemDep, call: Definer, text: Annotated[bytes, Depends(body_text)]) -> Response:
    """From YAML or JSON; of one that is there the content is replaced, until it is scheduled."""
    define = system.strategies.campaigns.define
    return call.answer(lambda: _whole(define(text, call.actor, command_id=call.command_id)), 201)


@router.post("/lint", responses=LINT, openapi_extra=CAMPAIGN_BODY, summary="Find faults", dependencies=_MAY_READ)
def lint_campaign(system: SystemDep, text: Annotated[bytes, Depends(body_text)]) -> Response:
    """Every fault with its line and column; stores nothing."""
    return faults_answer(system.strategies.campaigns.define.lint(text))


@router.post("/{campaign}/clone", status_code=201, responses=with_status(201, CAMPAIGN), summary="Copy one")
def clone_campaign(system: SystemDep, campaign: str, call: Definer, wanted: CloneRequest) -> Response:
    """A draft of another name and days, with copies of its strategies."""
    days = (format_instant(wanted.starts_at), format_instant(wanted.ends_at))
    clone = system.strategies.campaigns.define.clone
    named = {"command_id": call.command_id}
    return call.answer(lambda: _whole(clone(campaign, wanted.campaign, *days, call.actor, **named)), 201)


@router.post("/{campaign}/submit", responses=CAMPAIGN, summary="Lay one before an approver")
def submit_campaign(system: SystemDep, campaign: str, call: Definer, wanted: SubmitRequest | None = None) -> Response:
    """As it is: a change takes the submission back."""
    return _changed(system, call, "submit", campaign, note=wanted.note if wanted else "")


@router.post("/{campaign}/approve", responses=CAMPAIGN, summary="Agree to one")
def approve_campaign(system: SystemDep, campaign: str, call: Approver, wanted: ApproveRequest) -> Response:
    """Not by who wrote or submitted it. Its strategies are approved by themselves."""
    return _changed(system, call, "approve", campaign, content_hash=wanted.content_hash, note=wanted.note)


@router.post("/{campaign}/reject", responses=CAMPAIGN, summary="Send one back")
def reject_campaign(system: SystemDep, campaign: str, call: Approver, wanted: RejectRequest) -> Response:
    """Its makers can change it and submit it again."""
    return _changed(system, call, "reject", campaign, reason=wanted.reason)


@router.post("/{campaign}/start", responses=CAMPAIGN, summary="Let one run")
def start_campaign(system: SystemDep, campaign: str, call: Runner) -> Response:
    """At its instant, by itself, or at once where that has come; one that was paused goes on."""
    return _changed(system, call, "start", campaign, as_admin=call.caller.role is Role.ADMIN)


@router.post("/{campaign}/pause", responses=CAMPAIGN, summary="Let one rest")
def pause_campaign(system: SystemDep, campaign: str, call: Runner, wanted: WhyRequest | None = None) -> Response:
    """With its strategies, until it is started again or its end has come."""
    return _changed(system, call, "pause", campaign, reason=wanted.reason if wanted else "")


@router.post("/{campaign}/end", responses=CAMPAIGN, summary="End one")
def end_campaign(system: SystemDep, campaign: str, call: Runner, wanted: WhyRequest | None = None) -> Response:
    """For good, with its strategies."""
    return _changed(system, call, "end", campaign, reason=wanted.reason if wanted else "")


@router.post("/{campaign}/retire", responses=CAMPAIGN, summary="Put one away")
def retire_campaign(system: SystemDep, campaign: str, call: Runner) -> Response:
    """One that has ended, or was never scheduled."""
    return _changed(system, call, "retire", campaign)


def _changed(system: Any, call: Write, what: str, campaign: str, **named: Any) -> Response:
    change = getattr(system.strategies.campaigns.change, what)
    return call.answer(lambda: _whole(change(campaign, call.actor, command_id=call.command_id, **named)))


def _whole(view: CampaignView) -> dict[str, Any]:
    return shown(view) | {"spec": view.spec}
