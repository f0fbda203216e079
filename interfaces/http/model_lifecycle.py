"""The way of a version: submitted, approved by somebody else, scheduled, in force, retired."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Permission, Role
from application.tier_models.ports import TierModelView
from domain.facts.instants import format_instant
from domain.tier_model.migration import Migration, migration_from_json
from domain.tier_model.reviewing import LONGEST
from interfaces.http.definitions import ApproveRequest, RejectRequest, SubmitRequest, Version
from interfaces.http.instants import Instant, RequiredInstant
from interfaces.http.model_examples import MODEL
from interfaces.http.system import SystemDep
from interfaces.http.tier_models import shown_whole
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/tier-models/{scheme}/versions/{version}", tags=["tier models"])


class MigrationBody(BaseModel):
    """What becomes of the standings there are."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"mode": "soft-landing", "grace_days": 30, "percent": 10}]}
    )

    mode: Literal["reassess", "up-only", "grandfather", "soft-landing"] = "reassess"
    until: Instant = Field(None, description="Up to when grandfather keeps tiers.")
    grace_days: int | None = Field(None, strict=True, description="For how many days soft-landing lets nobody fall.")
    mapping: dict[str, str] = Field(default_factory=dict, description="Tier of the version before: tier of this one.")
    percent: float = Field(100, strict=True, description="Of the users; the others stay on the version before.")
    salt: str = Field("", description="Whom a percentage reaches follows from it; the scheme's name when left out.")

    def value(self) -> Migration:
        """Raises MigrationInvalid."""
        given = self.model_dump(exclude={"until"}, exclude_none=True)
        return migration_from_json(given | ({} if self.until is None else {"until": format_instant(self.until)}))


class ActivateRequest(BaseModel):
    """What becomes of the standings there are; everybody is reassessed when left out."""

    model_config = ConfigDict(extra="forbid")

    migration: MigrationBody | None = None
    instead_of: int | None = Field(
        None, strict=True, ge=1, description="The version in force as you saw it: refused where it is another one."
    )


class ScheduleRequest(BaseModel):
    """When, and what then becomes of the standings there are."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"at": "2026-04-01T00:00:00Z", "notice_days": 7}]}
    )

    at: RequiredInstant
    notice_days: int | None = Field(
        None, strict=True, ge=0, le=366, description="At least so many days from now to then (公示)."
    )
    migration: MigrationBody | None = None


@router.post("/submit", responses=MODEL, summary="Submit a version for approval")
def submit_model(
    system: SystemDep,
    scheme: str,
    version: Version,
    call: Annotated[Write, write(Permission.DRAFT_MODELS)],
    wanted: SubmitRequest | None = None,
) -> Response:
    """As it is: any change takes the submission back."""
    note = wanted.note if wanted else ""
    named = {"note": note, "command_id": call.command_id}
    return call.answer(lambda: shown_whole(system.submit_tier_model(scheme, version, call.actor, **named)))


@router.post("/approve", responses=MODEL, summary="Approve a version that others have made")
def approve_model(
    system: SystemDep,
    scheme: str,
    version: Version,
    call: Annotated[Write, write(Permission.APPROVE_MODELS)],
    wanted: ApproveRequest,
) -> Response:
    """Who drafted, changed, fitted or submitted it cannot."""
    named = {"content_hash": wanted.content_hash, "note": wanted.note, "command_id": call.command_id}
    return call.answer(lambda: shown_whole(system.approve_tier_model(scheme, version, call.actor, **named)))


@router.post("/reject", responses=MODEL, summary="Send a version back")
def reject_model(
    system: SystemDep,
    scheme: str,
    version: Version,
    call: Annotated[Write, write(Permission.APPROVE_MODELS)],
    wanted: RejectRequest,
) -> Response:
    """Its makers can change it and submit it again."""
    named = {"reason": wanted.reason, "command_id": call.command_id}
    return call.answer(lambda: shown_whole(system.reject_tier_model(scheme, version, call.actor, **named)))


@router.post("/schedule", responses=MODEL, summary="Let a version come into force by itself")
def schedule_model(
    system: SystemDep,
    scheme: str,
    version: Version,
    call: Annotated[Write, write(Permission.ACTIVATE_MODELS)],
    wanted: ScheduleRequest,
) -> Response:
    """From that instant on every decision takes it as in force."""

    def act() -> dict[str, Any]:
        view = system.schedule_tier_model(
            scheme,
            version,
            call.actor,
            at=wanted.at,
            notice_days=wanted.notice_days,
            migration=_migration(wanted.migration),
            as_admin=_is_admin(call),
            command_id=call.command_id,
        )
        return shown_whole(view)

    return call.answer(act)


@router.delete("/schedule", responses=MODEL, summary="Take a schedule back")
def unschedule_model(
    system: SystemDep,
    scheme: str,
    version: Version,
    call: Annotated[Write, write(Permission.ACTIVATE_MODELS)],
    reason: Annotated[str, Query(max_length=LONGEST, description="Kept with the event.")] = "",
) -> Response:
    """Until its instant has come."""
    named = {"reason": reason, "command_id": call.command_id}
    return call.answer(lambda: shown_whole(system.unschedule_tier_model(scheme, version, call.actor, **named)))


@router.post("/activate", responses=MODEL, summary="Put a version in force")
def activate_model(
    system: SystemDep,
    scheme: str,
    version: Version,
    call: Annotated[Write, write(Permission.ACTIVATE_MODELS)],
    wanted: ActivateRequest | None = None,
) -> Response:
    """Whom the migration reaches is decided anew at this instant. A version that was in force comes back: roll back."""

    def act() -> dict[str, Any]:
        view, position = system.activate_tier_model(
            scheme,
            version,
            call.actor,
            migration=_migration(wanted.migration if wanted else None),
            instead_of=wanted.instead_of if wanted else None,
            as_admin=_is_admin(call),
            command_id=call.command_id,
        )
        system.nudges.evaluator()
        return shown_whole(view) | {"position": position}

    return call.answer(act)


@router.post("/retire", responses=MODEL, summary="Put a version away")
def retire_model(
    system: SystemDep, scheme: str, version: Version, call: Annotated[Write, write(Permission.ACTIVATE_MODELS)]
) -> Response:
    """Not the one in force: what takes its place retires that."""

    def act() -> dict[str, Any]:
        view: TierModelView = system.retire_tier_model(scheme, version, call.actor, command_id=call.command_id)
        return shown_whole(view)

    return call.answer(act)


def _migration(body: MigrationBody | None) -> Migration | None:
    return None if body is None else body.value()


def _is_admin(call: Write) -> bool:
    return call.caller.role is Role.ADMIN
