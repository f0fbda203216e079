"""What tags mean: defined, revised, retired and read."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Permission
from application.definitions.ports import DefinitionView
from application.tags.show_tags import ShownTag, shown_tag
from domain.tags.definition import Lineage, TagSpec
from domain.user_tier.tagging import LONGEST_REASON
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.definition_examples import TAG_DEFINITION, TAG_DEFINITIONS
from interfaces.http.examples import with_status
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/tags", tags=["tags"])

Name = Annotated[str, Path(description="The tag.", examples=["vip"])]
Definer = Annotated[Write, write(Permission.DEFINE_TAGS)]
Coverage = Annotated[bool, Query(description="Count who has it, out of OpenSearch.")]


class LineageBody(BaseModel):
    """Where a tag comes from."""

    model_config = ConfigDict(extra="forbid")

    source: Literal["manual", "rule", "imported"] = "manual"
    origin: str = Field("", description="Of an imported tag: from which system.")
    condition: str = Field("", max_length=10_000, description="Of a rule: a condition as segments have it.")


class TagBody(BaseModel):
    """What is said of a tag."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "owner": "crm",
                    "category": "loyalty",
                    "meaning": "Invited to previews.",
                    "type": "choice",
                    "options": ["gold", "black"],
                    "labels": {"zh-CN": "贵宾", "en": "VIP"},
                    "lineage": {"source": "manual"},
                }
            ]
        },
    )

    owner: str
    meaning: str
    category: str = ""
    type: Literal["flag", "number", "text", "choice"] = "flag"
    options: list[str] = Field(default=[], description="The values of a choice.")
    labels: dict[str, str] = Field(default={}, description="What people read, in `zh-CN` and `en`.")
    lineage: LineageBody = LineageBody()

    def spec(self) -> TagSpec:
        """As a value of the domain."""
        lineage = Lineage(self.lineage.source, self.lineage.origin, self.lineage.condition)
        return TagSpec(
            self.owner, self.meaning, self.category, self.type, tuple(self.options), dict(self.labels), lineage
        )


class NewTagBody(TagBody):
    """The same, with the tag's name."""

    name: str = Field(description="1 to 64 characters without quotes; of a tag with values letters, digits, _ and -.")


class RetireBody(BaseModel):
    """Why it is not to be used any more."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "the programme has ended"}]})

    reason: str = Field("", max_length=LONGEST_REASON, description="Kept with the event.")


@router.post("", status_code=201, responses=with_status(201, TAG_DEFINITION), summary="Define a tag")
def define_tag(system: SystemDep, call: Definer, wanted: NewTagBody) -> Response:
    """Values are checked from now on; a rule is kept up by the workers, for everybody who is there, too."""
    return call.answer(
        lambda: _shown(system, *system.tags.define(wanted.name, wanted.spec(), call.actor, command_id=call.command_id)),
        201,
    )


@router.get(
    "", responses=TAG_DEFINITIONS, summary="All tags that are defined", dependencies=[allow(Permission.READ_TAGS)]
)
def list_tags(system: SystemDep, coverage: Coverage = True) -> Response:
    """Retired ones, too. `users` counts who has the tag, as far as the search index has come."""
    fresh = how_fresh(system, coverage)
    shown = [shown_tag(tag) for tag in system.tags.show.all(coverage=coverage)]
    return answer({"tags": shown, "next_cursor": None, **fresh})


@router.post("/{tag:path}/retire", responses=TAG_DEFINITION, summary="Retire a tag")
def retire_tag(system: SystemDep, tag: Name, call: Definer, wanted: RetireBody | None = None) -> Response:
    """Nobody is given it any more; who has it keeps it. A rule is not kept up any more."""
    reason = "" if wanted is None else wanted.reason
    return call.answer(
        lambda: _shown(system, *system.tags.retire(tag, call.actor, reason=reason, command_id=call.command_id))
    )


@router.put("/{tag:path}", responses=TAG_DEFINITION, summary="Revise a tag")
def revise_tag(system: SystemDep, tag: Name, call: Definer, wanted: TagBody) -> Response:
    """Says the whole of it anew; its type stays, and whether a rule keeps it up. The same again changes nothing."""
    return call.answer(
        lambda: _shown(system, *system.tags.define.revise(tag, wanted.spec(), call.actor, command_id=call.command_id))
    )


@router.get(
    "/{tag:path}", responses=TAG_DEFINITION, summary="What a tag means", dependencies=[allow(Permission.READ_TAGS)]
)
def read_tag(system: SystemDep, tag: Name, coverage: Coverage = True) -> Response:
    """The definition as it stands, and how many users have the tag."""
    fresh = how_fresh(system, coverage)
    return answer(shown_tag(system.tags.show(tag, coverage=coverage)) | fresh)


def how_fresh(system: Any, coverage: bool) -> dict[str, Any]:
    """How far a count that is made next reflects the log, at least."""
    if not coverage:
        return {"position": system.tail.head()}
    lag = system.lags().get("user_search")
    return {
        "position": system.ledger.shown_position("user_search"),
        "lag_events": lag.lag_events if lag else None,
        "lag_seconds": lag.lag_seconds if lag else None,
    }


def _shown(system: Any, view: DefinitionView, position: int) -> dict[str, Any]:
    if position:
        system.nudges.projectors()
    return shown_tag(ShownTag(view, None)) | {"position": position}
