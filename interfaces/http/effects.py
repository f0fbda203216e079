"""How good a scheme's rules are: asked for, and read."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from starlette.responses import Response

from application.access import Permission
from application.effects.measure_model_effect import Measure, shown
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.effect_examples import MODEL_EFFECT
from interfaces.http.examples import with_status
from interfaces.http.instants import Instant
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/schemes/{scheme}/effect", tags=["schemes"])

_DEFAULT = Measure()


class ValueBody(BaseModel):
    """What people are worth over a period: a sum of a field, less another."""

    model_config = ConfigDict(extra="forbid")

    sum: str = Field(examples=["order.amount"])
    minus: str | None = Field(None, examples=["refund.amount"])
    where: str | None = None


class MeasureBody(BaseModel):
    """Everything may be left out."""

    model_config = ConfigDict(extra="forbid")

    at: Annotated[Instant, Field(description="The end of it all; now when left out.")] = None
    weeks: Annotated[StrictInt, Field(ge=1, le=104)] = _DEFAULT.weeks
    periods: Annotated[StrictInt, Field(ge=1, le=12)] = _DEFAULT.periods
    horizon_days: Annotated[StrictInt, Field(ge=1, le=366)] = _DEFAULT.horizon_days
    version: Annotated[StrictInt | None, Field(ge=1, le=1_000_000, description="To look at beside those in force.")] = (
        None
    )
    value: ValueBody | None = None

    def measure(self) -> Measure:
        """As a value."""
        value = _DEFAULT.value if self.value is None else self.value.model_dump(exclude_none=True)
        return Measure(self.at, self.weeks, self.periods, self.horizon_days, self.version, value)


@router.post("", status_code=202, responses=with_status(202, MODEL_EFFECT), summary="Ask how good the rules are")
def ask_effect(
    system: SystemDep,
    scheme: str,
    call: Annotated[Write, write(Permission.MEASURE_MODELS)],
    wanted: MeasureBody | None = None,
) -> Response:
    """A worker reads everybody's facts and transitions in one snapshot, and counts. Read it with GET."""

    def act() -> dict[str, Any]:
        run_id = system.measure_model_effect(scheme, (wanted or MeasureBody()).measure(), call.actor)
        return shown(system.measure_model_effect.get(run_id))

    return call.answer(act, 202)


@router.get("", responses=MODEL_EFFECT, summary="How good the rules are", dependencies=[allow(Permission.READ_HISTORY)])
def read_effect(
    system: SystemDep,
    scheme: str,
    id: Annotated[str | None, Query(description="Of one; the scheme's last when left out.")] = None,
) -> Response:
    """Per version and week: sizes, moves, drift. Per period: how well tiers, scores and plain spend foretold it, and
    what each tier was worth. `data` says what it stands on, `state` whether it is done."""
    effects = system.measure_model_effect
    return answer(shown(effects.latest(scheme) if id is None else effects.get(id)))
