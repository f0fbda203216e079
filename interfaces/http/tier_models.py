"""Tier models: their versions, and what can be done with one."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from application.access import Permission
from application.definitions.shown import shown_review
from application.tier_models.ports import TierModelView
from domain.tier_model.spec import json_schema
from interfaces.http.access import allow
from interfaces.http.answers import answer, instant_text
from interfaces.http.definitions import (
    SchemaResponse,
    Version,
    body_text,
    faults_answer,
    schema_answer,
    shown_fault,
)
from interfaces.http.examples import with_status
from interfaces.http.instants import Instant
from interfaces.http.model_examples import LINT, MODEL, MODEL_BODY, MODEL_SCHEMA, MODELS
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/tier-models", tags=["tier models"])


class FitRequest(BaseModel):
    """When to fit, and what trains learned scores."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"at": "2026-03-01T00:00:00Z"}]})

    at: Instant = None
    learner: Literal["gradient-boosting"] | None = None


@router.get("", responses=MODELS, summary="All versions", dependencies=[allow(Permission.READ_MODELS)])
def list_models(system: SystemDep) -> Response:
    """By scheme and version, without their specs."""
    shown = [_summary(view) for view in system.tier_models.versions()]
    return answer({"tier_models": shown, "next_cursor": None})


@router.get(
    "/schema",
    response_class=SchemaResponse,
    responses=MODEL_SCHEMA,
    summary="The JSON Schema of a model",
    dependencies=[allow(Permission.READ_MODELS)],
)
def read_schema(if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """For editors that complete and check while a model is written. It changes with releases alone."""
    return schema_answer(json_schema, if_none_match)


@router.get("/{scheme}", responses=MODEL, summary="A scheme's model", dependencies=[allow(Permission.READ_MODELS)])
def show_model(system: SystemDep, scheme: str) -> Response:
    """The version in force, or the latest while none is; with all versions in short."""
    shown = system.show_tier_model(scheme)
    return answer(shown_whole(shown) | {"versions": [_summary(view) for view in system.tier_models.versions(scheme)]})


@router.get(
    "/{scheme}/versions/{version}",
    responses=MODEL,
    summary="One version",
    dependencies=[allow(Permission.READ_MODELS)],
)
def show_version(system: SystemDep, scheme: str, version: Version) -> Response:
    """Its whole spec, with fitted cuts."""
    return answer(shown_whole(system.show_tier_model(scheme, version)))


@router.post(
    "", status_code=201, responses=with_status(201, MODEL), openapi_extra=MODEL_BODY, summary="Draft a version"
)
def create_model(
    system: SystemDep,
    call: Annotated[Write, write(Permission.DRAFT_MODELS)],
    text: Annotated[bytes, Depends(body_text)],
) -> Response:
    """From YAML or JSON. The content of a version that is there already is that version again."""

    def act() -> dict[str, Any]:
        view, faults = system.create_tier_model(text, call.actor)
        return shown_whole(view) | {"warnings": [shown_fault(fault) for fault in faults]}

    return call.answer(act, 201)


@router.post(
    "/lint",
    responses=LINT,
    openapi_extra=MODEL_BODY,
    summary="Find what is wrong with a model",
    dependencies=[allow(Permission.READ_MODELS)],
)
def lint_model(system: SystemDep, text: Annotated[bytes, Depends(body_text)]) -> Response:
    """Every fault with its line and column; stores nothing."""
    return faults_answer(system.lint_tier_model(text))


@router.post("/{scheme}/versions/{version}/fit", responses=MODEL, summary="Fit a version's cuts")
def fit_model(
    system: SystemDep,
    scheme: str,
    version: Version,
    call: Annotated[Write, write(Permission.DRAFT_MODELS)],
    wanted: FitRequest | None = None,
) -> Response:
    """On what users' features are at an instant; now when left out. The cuts are part of the version from then on."""
    at, learner = (wanted.at, wanted.learner) if wanted else (None, None)
    return call.answer(lambda: shown_whole(system.fit_tier_model(scheme, version, at, call.actor, learner=learner)))


def _summary(view: TierModelView) -> dict[str, Any]:
    return {
        "scheme": view.scheme,
        "version": view.version,
        "status": view.status,
        "content_hash": view.content_hash,
        "unfitted": list(view.unfitted),
        "created_at": instant_text(view.created_at),
        "created_by": view.created_by,
        "activated_at": instant_text(view.activated_at),
        "scheduled_at": instant_text(view.scheduled_at),
        "migration": view.migration,
        "review": shown_review(view.review),
    }


def shown_whole(view: TierModelView) -> dict[str, Any]:
    """A version with its spec, as answered."""
    return _summary(view) | {"spec": view.spec}
