"""The API process: the application over a wired system, served by uvicorn."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from infrastructure.bootstrap import System, build
from infrastructure.logs import configure_logs
from infrastructure.settings import load_settings
from interfaces.http import (
    assignments,
    benefit_ledger,
    benefits,
    budgets,
    bulk_assignments,
    bulk_grants,
    bulk_tags,
    campaigns,
    cards,
    clock,
    effects,
    evaluations,
    explanations,
    fact_kinds,
    facts,
    grant_stops,
    grants,
    health,
    issuances,
    messages,
    metrics,
    model_lifecycle,
    notices,
    overrides,
    presets,
    previews,
    projections,
    receipts,
    saved_segments,
    schemes,
    segments,
    shadows,
    strategies,
    tag_definitions,
    tags,
    tier_models,
    user_ids,
    users,
    verifications,
)
from interfaces.http.body_limit import BodyLimit
from interfaces.http.card_reader import CardReader
from interfaces.http.errors import install
from interfaces.http.freshness import Lags
from interfaces.http.openapi import describe

# Routes are tried in this order: what is asked most comes first. A user id may hold a slash, so that a card's path
# matches any other of a user's: it comes after them.
_ROUTERS = (
    users,
    evaluations,
    explanations,
    tags,
    user_ids,
    overrides,
    grants,
    bulk_grants,
    issuances,
    strategies,
    assignments,
    messages,
    bulk_assignments,
    campaigns,
    cards,
    facts,
    receipts,
    verifications,
    benefit_ledger,
    segments,
    saved_segments,
    tag_definitions,
    bulk_tags,
    schemes,
    effects,
    fact_kinds,
    presets,
    previews,
    shadows,
    notices,
    model_lifecycle,
    tier_models,
    benefits,
    budgets,
    grant_stops,
    projections,
    clock,
    health,
    metrics,
)


def create_app(system: System) -> FastAPI:
    """The application over a system, which it does not close."""
    app = FastAPI(
        title="Tierline",
        version="1",
        lifespan=_lifespan,
        openapi_url="/openapi.json",
        redoc_url=None,
        strict_content_type=False,  # a body that does not say what it is is JSON, on every route as on that of facts
    )
    app.state.system = system
    for module in _ROUTERS:
        app.include_router(module.router)
    install(app, system.outages)
    app.add_middleware(BodyLimit)
    if system.clock.manual:
        app.add_middleware(clock.ManualClockNotice, clock=system.clock, outages=tuple(system.outages))
    app.add_middleware(metrics.Timing)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """What belongs to the event loop."""
    system = app.state.system
    redis = system.open_async_redis()
    app.state.cards = CardReader(redis)
    app.state.lags = Lags(system.lags)
    yield
    await redis.aclose()


def serve(system: System, host: str, port: int, **options: Any) -> None:
    """Serve until a signal says stop."""
    uvicorn.run(
        create_app(system), host=host, port=port, access_log=False, log_level="warning", server_header=False, **options
    )


def main() -> None:
    """Entry of the API process; --host and --port go before the settings."""
    parser = argparse.ArgumentParser(description="The API of Tierline.")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    given = parser.parse_args()
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    system = build(settings)
    try:
        serve(system, given.host or settings.host, given.port or settings.port)
    finally:
        system.close()


if __name__ == "__main__":
    main()
