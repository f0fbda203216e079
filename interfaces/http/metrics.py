"""Metrics for Prometheus: requests, facts, and at each scrape the backlog and the lags."""

import time
from typing import Any

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.facts.record_facts import FactsRecorded
from interfaces.http.system import SystemDep

router = APIRouter(tags=["operation"])

_REGISTRY = CollectorRegistry()
_REQUESTS = Histogram(
    "tierline_http_request_seconds",
    "Time to answer a request.",
    ["method", "route", "status"],
    registry=_REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_FACTS = Counter("tierline_facts", "Facts that came in, by what became of them.", ["outcome"], registry=_REGISTRY)
_DUE = Gauge("tierline_due_users", "Users who wait to be decided now.", registry=_REGISTRY)
_LAG_EVENTS = Gauge("tierline_lag_events", "Positions behind the log's head.", ["projection"], registry=_REGISTRY)
_LAG_SECONDS = Gauge("tierline_lag_seconds", "Seconds behind the log's head.", ["projection"], registry=_REGISTRY)


@router.get("/metrics", summary="Metrics for Prometheus", openapi_extra={"security": []})
def read_metrics(system: SystemDep) -> Response:
    """Needs no key: there is nothing personal in it."""
    _DUE.set(system.ledger.due_backlog())
    for name, lag in system.lags().items():
        _LAG_EVENTS.labels(name).set(lag.lag_events)
        _LAG_SECONDS.labels(name).set(lag.lag_seconds)
    return Response(generate_latest(_REGISTRY), media_type=CONTENT_TYPE_LATEST)


def count_facts(recorded: FactsRecorded) -> None:
    """Count what became of a request's facts."""
    _FACTS.labels("accepted").inc(recorded.accepted)
    _FACTS.labels("duplicate").inc(recorded.duplicates)
    _FACTS.labels("rejected").inc(recorded.rejected_count)


class Timing:
    """Middleware: measures every request, by the route's template and never by its path, which names users."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._timers: dict[tuple[str, str, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def watching(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watching)
        finally:
            route = getattr(scope.get("route"), "path_format", "(none)")
            self._timer(scope["method"], route, status).observe(time.perf_counter() - started)

    def _timer(self, method: str, route: str, status: int) -> Any:
        key = (method, route, status)
        timer = self._timers.get(key)
        if timer is None:
            timer = self._timers[key] = _REQUESTS.labels(method, route, str(status))
        return timer
