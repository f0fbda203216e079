"""Ready tier models to start from."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from application.access import Permission
from domain.tier_model.presets import PRESETS, model_text
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.model_examples import PRESET, PRESETS_LISTED

router = APIRouter(prefix="/v1/tier-models/presets", tags=["tier models"])


class YamlResponse(Response):
    """A model file."""

    media_type = "application/yaml"


@router.get("", responses=PRESETS_LISTED, summary="Ready models", dependencies=[allow(Permission.READ_MODELS)])
def list_presets() -> Response:
    """By name, with what each is in two languages."""
    shown = [{"name": one.name, "label": {"zh-CN": one.zh_cn, "en": one.en}} for one in PRESETS.values()]
    return answer({"presets": shown, "next_cursor": None})


@router.get(
    "/{name}",
    response_class=YamlResponse,
    responses=PRESET,
    summary="A ready model",
    dependencies=[allow(Permission.READ_MODELS)],
)
def read_preset(
    name: str,
    scheme: Annotated[str, Query(description="The scheme that it is to be of.", max_length=64)] = "rfm",
    currency: Annotated[str, Query(max_length=3)] = "CNY",
    time_zone: Annotated[str, Query(max_length=64)] = "Asia/Shanghai",
) -> Response:
    """The model file, YAML: change it as you like, and post it to `/v1/tier-models`."""
    text = model_text(name, scheme=scheme, currency=currency, time_zone=time_zone)
    return YamlResponse(text)
