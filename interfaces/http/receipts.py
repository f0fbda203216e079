"""Proof of single decisions."""

from dataclasses import asdict

from fastapi import APIRouter
from starlette.responses import Response

from application.access import Permission
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.examples import VERIFICATION
from interfaces.http.system import SystemDep

router = APIRouter(prefix="/v1/receipts", tags=["users"])


@router.post(
    "/{event_id}/verification",
    responses=VERIFICATION,
    summary="Verify a receipt",
    dependencies=[allow(Permission.READ_HISTORY)],
)
def verify_receipt(system: SystemDep, event_id: str) -> Response:
    """Reruns the decision from the fact log: `same` or `different` from what was recorded, with both receipts."""
    return answer(asdict(system.verify_receipt(event_id)))
