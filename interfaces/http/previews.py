"""What a version would change, before it does."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from application.access import Permission
from application.previews.preview_tier_model import shown
from application.queries import NoPreview
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.definitions import Version
from interfaces.http.examples import with_status
from interfaces.http.model_examples import PREVIEW
from interfaces.http.model_lifecycle import MigrationBody
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/tier-models/{scheme}/versions/{version}/preview", tags=["tier models"])


class PreviewRequest(BaseModel):
    """How it would be activated; everybody is reassessed when left out."""

    model_config = ConfigDict(extra="forbid")

    migration: MigrationBody | None = None


@router.post("", status_code=202, responses=with_status(202, PREVIEW), summary="Ask what a version would change")
def ask_preview(
    system: SystemDep,
    scheme: str,
    version: Version,
    call: Annotated[Write, write(Permission.PREVIEW_MODELS)],
    wanted: PreviewRequest | None = None,
) -> Response:
    """A worker decides everybody as if the version came into force now, and counts. Read it with GET."""

    def act() -> dict[str, Any]:
        migration = None if wanted is None or wanted.migration is None else wanted.migration.value()
        _, run_id = system.preview_tier_model(scheme, version, call.actor, migration=migration)
        return shown(system.preview_tier_model.get(run_id))

    return call.answer(act, 202)


@router.get(
    "",
    responses=PREVIEW,
    summary="What a version would change",
    dependencies=[allow(Permission.READ_HISTORY)],
)
def read_preview(
    system: SystemDep,
    scheme: str,
    version: Version,
    id: Annotated[str | None, Query(description="Of one preview; the last of this very content when left out.")] = None,
) -> Response:
    """How many would move where, who (a sample, with receipts) and why; `state` says whether it is done."""
    view = system.show_tier_model(scheme, version)
    run = system.preview_tier_model.latest(view) if id is None else system.preview_tier_model.get(id, view)
    if run is None:
        raise NoPreview(view.scheme, view.version)
    return answer(shown(run))
