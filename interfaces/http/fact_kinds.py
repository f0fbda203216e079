"""Kinds of facts: those that Tierline brings, and further ones."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Permission
from application.facts.register_fact_kind import RegisterFactKind
from domain.facts.kinds import BUILT_IN, KindDefinition
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.examples import FACT_KIND, FACT_KINDS
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/fact-kinds", tags=["facts"])


class KindRequest(BaseModel):
    """What facts of the kind must carry."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"requires": ["attributes.value"]}]})

    requires: list[str] = Field(
        default_factory=list,
        max_length=50,
        description="`amount`, `currency`, `lines`, `attributes`, `attributes.NAME`.",
    )
    texts: list[str] = Field(
        default_factory=list, max_length=50, description="Attributes that are ids: non-empty text."
    )


@router.get("", responses=FACT_KINDS, summary="All kinds of facts", dependencies=[allow(Permission.READ_MODELS)])
def list_kinds(system: SystemDep) -> Response:
    """By name."""
    known = sorted(system.fact_kinds.refreshed().items())
    return answer({"fact_kinds": [_shown(kind, definition) for kind, definition in known], "next_cursor": None})


@router.put("/{kind}", responses=FACT_KIND, summary="Register a kind of fact")
def register_kind(
    system: SystemDep,
    kind: str,
    call: Annotated[Write, write(Permission.REGISTER_KINDS)],
    wanted: KindRequest | None = None,
) -> Response:
    """For good: a registered kind does not change. The same again is the same; nothing is stored but the definition."""
    wanted = wanted or KindRequest()
    definition = KindDefinition(tuple(wanted.requires), tuple(wanted.texts))

    def act() -> dict[str, Any]:
        system.register_fact_kind(RegisterFactKind(kind, definition))
        return _shown(kind, definition) | {"position": system.tail.head()}

    return call.answer(act)


def _shown(kind: str, definition: KindDefinition) -> dict[str, Any]:
    return {
        "kind": kind,
        "requires": list(definition.requires),
        "texts": list(definition.texts),
        "built_in": kind in BUILT_IN,
    }
