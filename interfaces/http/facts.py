"""Facts and history sessions."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from application.access import NotAllowed, Permission
from application.facts.history_status import GetHistoryStatus
from application.facts.open_history import OpenHistory
from application.facts.record_facts import FactsRecorded, RecordFacts, RecordFactStream, facts_in_body
from application.facts.seal_history import SealHistory
from domain.facts.history import HistorySession
from interfaces.http import metrics
from interfaces.http.access import allow
from interfaces.http.answers import answer, instant_text
from interfaces.http.body import SENT, Lines
from interfaces.http.examples import FACTS, FACTS_BODY, HISTORY, with_status
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1", tags=["facts"])


@router.post("/facts", responses=FACTS, openapi_extra=FACTS_BODY, summary="Record facts")
def record_facts(
    system: SystemDep,
    call: Annotated[Write, write(Permission.RECORD_FACTS, whole_body=False)],
    sent: Annotated[bytes | Lines, SENT],
    history: Annotated[UUID | None, Query(description="An open history session to add to; admin only.")] = None,
) -> Response:
    """Up to 1,000 facts as JSON, or any number as NDJSON, one a line. One bad fact costs only itself.

    A fact is named by its user, source and fact_id: sent again it is a duplicate, with other content it is rejected.
    """
    if history is not None and not call.caller.may(Permission.LOAD_HISTORY):
        raise NotAllowed(call.caller, Permission.LOAD_HISTORY)

    def record() -> dict[str, Any]:
        recorded = _record(system, sent, history)
        metrics.count_facts(recorded)
        if recorded.accepted:
            system.nudges.evaluator()
        return recorded.to_json()

    return call.answer(record)


@router.post("/history", status_code=201, responses=with_status(201, HISTORY), summary="Open a history session")
def open_history(system: SystemDep, call: Annotated[Write, write(Permission.LOAD_HISTORY)]) -> Response:
    """Facts of the past go into it with `POST /v1/facts?history=ID`; sealing it decides them as of their own time."""
    return call.answer(lambda: _session(system.open_history(OpenHistory(call.actor))), 201)


@router.post("/history/{history_id}/seal", responses=HISTORY, summary="Seal a history session")
def seal_history(
    system: SystemDep, history_id: UUID, call: Annotated[Write, write(Permission.LOAD_HISTORY)]
) -> Response:
    """No further facts; its users are decided. Sealing twice is sealing once."""

    def seal() -> dict[str, Any]:
        session = system.seal_history(SealHistory(history_id, call.actor))
        system.nudges.evaluator()
        return _session(session)

    return call.answer(seal)


@router.get(
    "/history/{history_id}",
    responses=HISTORY,
    summary="How far a history session is",
    dependencies=[allow(Permission.LOAD_HISTORY)],
)
def history_status(system: SystemDep, history_id: UUID) -> Response:
    """With the users and facts that still wait to be decided."""
    status = system.history_status(GetHistoryStatus(history_id))
    pending = {"subjects_pending": status.subjects_pending, "facts_pending": status.facts_pending}
    return answer(_session(status.session) | pending)


def _record(system: Any, sent: bytes | Lines, history: UUID | None) -> FactsRecorded:
    if isinstance(sent, Lines):
        return system.record_facts.stream(RecordFactStream(sent, history))
    return system.record_facts(RecordFacts(facts_in_body(sent), history))


def _session(session: HistorySession) -> dict[str, Any]:
    return {
        "id": str(session.history_id),
        "history_id": str(session.history_id),
        "status": "open" if session.sealed_at is None else "sealed",
        "opened_at": instant_text(session.opened_at),
        "opened_by": session.opened_by,
        "sealed_at": instant_text(session.sealed_at),
        "sealed_by": session.sealed_by,
        "position": session.sealed_position,
    }
