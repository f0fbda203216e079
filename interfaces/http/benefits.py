"""Benefits: their versions, from draft to retirement."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from starlette.responses import Response

from application.access import Permission, Role
from application.benefits.definitions.ports import BenefitView
from application.definitions.shown import shown_review
from domain.benefits.spec import json_schema
from domain.tier_model.spec.faults import Fault
from interfaces.http.access import allow
from interfaces.http.answers import answer, instant_text
from interfaces.http.benefit_examples import BENEFIT, BENEFIT_BODY, BENEFIT_LINT, BENEFIT_SCHEMA, BENEFITS
from interfaces.http.definitions import (
    ApproveRequest,
    RejectRequest,
    SchemaResponse,
    SubmitRequest,
    Version,
    body_text,
    faults_answer,
    schema_answer,
    shown_fault,
)
from interfaces.http.examples import with_status
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/benefits", tags=["benefits"])

_VERSION = "/{benefit}/versions/{version}"


@router.get("", responses=BENEFITS, summary="All versions", dependencies=[allow(Permission.READ_BENEFITS)])
def list_benefits(system: SystemDep) -> Response:
    """By name and version, without their specs."""
    shown = [_summary(view) for view in system.benefits.versions.versions()]
    return answer({"benefits": shown, "next_cursor": None})


@router.get(
    "/schema",
    response_class=SchemaResponse,
    responses=BENEFIT_SCHEMA,
    summary="The JSON Schema of a benefit",
    dependencies=[allow(Permission.READ_BENEFITS)],
)
def read_schema(if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """For editors that complete and check while a benefit is written. It changes with releases alone."""
    return schema_answer(json_schema, if_none_match)


@router.get("/{benefit}", responses=BENEFIT, summary="A benefit", dependencies=[allow(Permission.READ_BENEFITS)])
def show_benefit(system: SystemDep, benefit: str) -> Response:
    """The version in force, or the latest while none is; with all versions in short."""
    shown = system.benefits.show(benefit)
    versions = [_summary(view) for view in system.benefits.versions.versions(benefit)]
    return answer(_whole(shown) | {"versions": versions})


@router.get(_VERSION, responses=BENEFIT, summary="One version", dependencies=[allow(Permission.READ_BENEFITS)])
def show_version(system: SystemDep, benefit: str, version: Version) -> Response:
    """Its whole spec."""
    return answer(_whole(system.benefits.show(benefit, version)))


@router.post(
    "", status_code=201, responses=with_status(201, BENEFIT), openapi_extra=BENEFIT_BODY, summary="Draft a version"
)
def draft_benefit(
    system: SystemDep,
    call: Annotated[Write, write(Permission.DRAFT_BENEFITS)],
    text: Annotated[bytes, Depends(body_text)],
) -> Response:
    """From YAML or JSON. The content of a version that is there already is that version again."""
    return call.answer(
        lambda: _with_warnings(*system.benefits.draft(text, call.actor, command_id=call.command_id)), 201
    )


@router.post(
    "/lint",
    responses=BENEFIT_LINT,
    openapi_extra=BENEFIT_BODY,
    summary="Find what is wrong with a benefit",
    dependencies=[allow(Permission.READ_BENEFITS)],
)
def lint_benefit(system: SystemDep, text: Annotated[bytes, Depends(body_text)]) -> Response:
    """Every fault with its line and column, beside the schemes and budgets that there are; stores nothing."""
    return faults_answer(system.benefits.lint(text))


@router.put(_VERSION, responses=BENEFIT, openapi_extra=BENEFIT_BODY, summary="Replace a version's content")
def revise_benefit(
    system: SystemDep,
    benefit: str,
    version: Version,
    call: Annotated[Write, write(Permission.DRAFT_BENEFITS)],
    text: Annotated[bytes, Depends(body_text)],
) -> Response:
    """Before it was ever in force. A submission and an approval are lost."""
    named = {"command_id": call.command_id}
    return call.answer(lambda: _with_warnings(*system.benefits.revise(benefit, version, text, call.actor, **named)))


@router.post(f"{_VERSION}/submit", responses=BENEFIT, summary="Submit a version for approval")
def submit_benefit(
    system: SystemDep,
    benefit: str,
    version: Version,
    call: Annotated[Write, write(Permission.DRAFT_BENEFITS)],
    wanted: SubmitRequest | None = None,
) -> Response:
    """As it is: any change takes the submission back."""
    named = {"note": wanted.note if wanted else "", "command_id": call.command_id}
    return call.answer(lambda: _whole(system.benefits.submit(benefit, version, call.actor, **named)))


@router.post(f"{_VERSION}/approve", responses=BENEFIT, summary="Approve a version that others have made")
def approve_benefit(
    system: SystemDep,
    benefit: str,
    version: Version,
    call: Annotated[Write, write(Permission.APPROVE_BENEFITS)],
    wanted: ApproveRequest,
) -> Response:
    """Who drafted, changed or submitted it cannot."""
    named = {"content_hash": wanted.content_hash, "note": wanted.note, "command_id": call.command_id}
    return call.answer(lambda: _whole(system.benefits.approve(benefit, version, call.actor, **named)))


@router.post(f"{_VERSION}/reject", responses=BENEFIT, summary="Send a version back")
def reject_benefit(
    system: SystemDep,
    benefit: str,
    version: Version,
    call: Annotated[Write, write(Permission.APPROVE_BENEFITS)],
    wanted: RejectRequest,
) -> Response:
    """Its makers can change it and submit it again."""
    named = {"reason": wanted.reason, "command_id": call.command_id}
    return call.answer(lambda: _whole(system.benefits.reject(benefit, version, call.actor, **named)))


@router.post(f"{_VERSION}/activate", responses=BENEFIT, summary="Let a version be granted")
def activate_benefit(
    system: SystemDep,
    benefit: str,
    version: Version,
    call: Annotated[Write, write(Permission.ACTIVATE_BENEFITS)],
) -> Response:
    """Instead of the one before; grants keep theirs. What costs money needs approval first."""

    def act() -> dict[str, Any]:
        as_admin = call.caller.role is Role.ADMIN
        named = {"as_admin": as_admin, "command_id": call.command_id}
        view, position = system.benefits.activate(benefit, version, call.actor, **named)
        return _whole(view) | {"position": position}

    return call.answer(act)


@router.post(f"{_VERSION}/retire", responses=BENEFIT, summary="Grant a version no more")
def retire_benefit(
    system: SystemDep,
    benefit: str,
    version: Version,
    call: Annotated[Write, write(Permission.ACTIVATE_BENEFITS)],
) -> Response:
    """What was granted stays, and can be redeemed."""
    named = {"command_id": call.command_id}
    return call.answer(lambda: _whole(system.benefits.retire(benefit, version, call.actor, **named)))


def _summary(view: BenefitView) -> dict[str, Any]:
    return {
        "benefit": view.benefit,
        "version": view.version,
        "status": view.status,
        "content_hash": view.content_hash,
        "created_at": instant_text(view.created_at),
        "created_by": view.created_by,
        "activated_at": instant_text(view.activated_at),
        "review": shown_review(view.review),
    }


def _whole(view: BenefitView) -> dict[str, Any]:
    return _summary(view) | {"spec": view.spec}


def _with_warnings(view: BenefitView, warnings: list[Fault]) -> dict[str, Any]:
    return _whole(view) | {"warnings": [shown_fault(fault) for fault in warnings]}
