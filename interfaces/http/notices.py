"""What members are told of a version."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from application.access import Permission
from application.tier_models.announce_tier_model import notice_json
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.explanations import Lang
from interfaces.http.model_examples import NOTICE
from interfaces.http.system import SystemDep
from interfaces.http.tier_models import Version

router = APIRouter(prefix="/v1/tier-models/{scheme}/versions/{version}/notice", tags=["tier models"])


@router.get("", responses=NOTICE, summary="A version in words", dependencies=[allow(Permission.READ_MODELS)])
def read_notice(
    system: SystemDep,
    scheme: str,
    version: Version,
    lang: Lang = "en",
    against: Annotated[
        int | None,
        Query(ge=1, le=1_000_000, description="Compared with this version; left out: the one in force before it."),
    ] = None,
) -> Response:
    """For members (公示): from when on, what changes, what becomes of those who stand on a tier, and all rules."""
    return answer(notice_json(system.announce_tier_model(scheme, version, lang, against=against)))
