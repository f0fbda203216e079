"""The ledger of benefits: what is owed, when it will be over, what it has cost; and the proof of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Permission
from application.benefits.ledger.answers import costs_json, forecast_json, liability_json
from application.benefits.ledger.ports import Calendar, CostsBy, Dimension
from application.benefits.ledger.verifications import shown
from interfaces.http.access import allow
from interfaces.http.answers import answer, instant_text
from interfaces.http.examples import with_status
from interfaces.http.instants import Instant
from interfaces.http.ledger_examples import COSTS, FORECAST, LEDGER_VERIFICATION, LIABILITY
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/ledger", tags=["ledger"])

READ = [allow(Permission.READ_BENEFIT_LEDGER)]
Scheme = Annotated[str | None, Query(max_length=200, description="Whose tiers are meant, of `by=tier`.")]
TimeZone = Annotated[str, Query(max_length=100, description="Whose days, weeks and months are meant.")]


@router.get("/liability", responses=LIABILITY, summary="What is owed now", dependencies=READ)
def read_liability(
    system: SystemDep,
    by: Annotated[Dimension, Query(description="What the rows are of.")] = "benefit",
    scheme: Scheme = None,
) -> Response:
    """Units that can still be redeemed and their cost, by currency; budgets and stocks beside them; in one snapshot."""
    found = system.benefit_ledger.figures.liability(by, scheme)
    return answer({"by": by, **_named(by, scheme), **liability_json(found)})


@router.get("/forecast", responses=FORECAST, summary="When what is owed will be over", dependencies=READ)
def read_forecast(
    system: SystemDep,
    per: Annotated[Calendar, Query(description="By the last day on which it can be redeemed.")] = "month",
    time_zone: TimeZone = "UTC",
) -> Response:
    """The liability by the period of its end, and what has none under `never`."""
    found = system.benefit_ledger.figures.forecast(per, time_zone)
    return answer({"per": per, "time_zone": time_zone, **forecast_json(found)})


@router.get("/costs", responses=COSTS, summary="What was granted, redeemed and released", dependencies=READ)
def read_costs(
    system: SystemDep,
    by: Annotated[
        CostsBy, Query(description="What the rows are of; days, weeks and months are of the move.")
    ] = "benefit",
    since: Annotated[
        Instant, Query(alias="from", description="From this instant on; from the first when left out.")
    ] = None,
    until: Annotated[Instant, Query(alias="to", description="Before this instant.")] = None,
    scheme: Scheme = None,
    time_zone: TimeZone = "UTC",
) -> Response:
    """For every row `open_before + granted - redeemed - released = open`, in units and in minor units."""
    found = system.benefit_ledger.figures.costs(by, since, until, scheme=scheme, time_zone=time_zone)
    asked = {"by": by, **_named(by, scheme), "from": instant_text(since), "to": instant_text(until)}
    return answer({**asked, "time_zone": time_zone, **costs_json(found)})


class LedgerVerificationRequest(BaseModel):
    """What to verify; everything when left out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"user_id": "u-1"}]})

    user_id: str | None = Field(None, description="Only this user, and no account.")


@router.post(
    "/verifications", status_code=202, responses=with_status(202, LEDGER_VERIFICATION), summary="Verify the ledger"
)
def ask_ledger_verification(
    system: SystemDep,
    call: Annotated[Write, write(Permission.VERIFY)],
    wanted: LedgerVerificationRequest | None = None,
) -> Response:
    """A worker holds every grant, what became of it and every account against the events. Read it with GET."""
    wanted = wanted or LedgerVerificationRequest()

    def act() -> dict[str, Any]:
        return shown(system.benefit_ledger.verifications.ask(call.actor, wanted.user_id))

    return call.answer(act, 202)


@router.get(
    "/verifications/{id}",
    responses=LEDGER_VERIFICATION,
    summary="How far a verification of the ledger is, and what it found",
    dependencies=[allow(Permission.VERIFY)],
)
def read_ledger_verification(system: SystemDep, id: str) -> Response:
    """`state` says whether it is done; `clean` whether all is as the events say; `first` the first findings in full."""
    return answer(shown(system.benefit_ledger.verifications.get(id)))


def _named(by: str, scheme: str | None) -> dict[str, Any]:
    return {"scheme": scheme} if by == "tier" else {}
