"""POST /v1/facts with one fact, durable and due, against the barest FastAPI route with one INSERT."""

import json
from typing import Annotated, Any
from uuid import uuid4

import psycopg
from fastapi import Body, FastAPI

from benchmarks.load import alternate, hammer, served
from benchmarks.stage import Stage
from infrastructure.bootstrap import build
from infrastructure.postgres.pool import open_pool
from infrastructure.settings import Settings
from interfaces.http.main import create_app

GOAL = 0.5
_CONNECTIONS = 16
_USERS = 1_000


def http_command(stage: Stage) -> dict[str, Any]:
    """Both arms commit each request before they answer; the bare one has one table with a primary key."""
    settings = stage.settings()
    system = build(settings)
    _, token = system.keys.create("bench", "service")
    system.close()
    bare_database = stage.database()
    with psycopg.connect(bare_database, autocommit=True) as connection:
        connection.execute("create table facts (fact_id text primary key, user_id text, body jsonb)")
    with served(_ours, settings) as ours, served(_bare, bare_database) as bare:
        rates = alternate(
            {
                "ours": lambda seconds: hammer(ours, _requests("/v1/facts", token), _CONNECTIONS, seconds),
                "bare": lambda seconds: hammer(bare, _requests("/facts", token), _CONNECTIONS, seconds),
            }
        )
    return {
        "name": "http_command",
        "ratio": round(rates["ours"] / rates["bare"], 3),
        "goal": GOAL,
        "value": round(rates["ours"]),
        "baseline": round(rates["bare"]),
        "unit": "requests/s",
        "note": f"one fact a request, {_CONNECTIONS} connections, a uvicorn each, against FastAPI and one INSERT",
    }


def _ours(settings: Settings) -> FastAPI:
    return create_app(build(settings))


def _bare(database: str) -> FastAPI:
    app = FastAPI()
    pool = open_pool(database, max_size=16)

    @app.post("/facts")
    def record(request: Annotated[dict, Body()]) -> dict:
        fact = request["facts"][0]
        with pool.connection() as connection:
            connection.execute(
                "insert into facts (fact_id, user_id, body) values (%s, %s, %s)",
                (fact["fact_id"], fact["user_id"], json.dumps(fact)),
            )
        return {"accepted": 1}

    return app


def _requests(path: str, token: str) -> Any:
    run = uuid4().hex

    def request(number: int) -> bytes:
        fact = {
            "fact_id": f"{run}-{number}",
            "user_id": f"user-{number * 7 % _USERS}",
            "kind": "order",
            "occurred_at": "2026-03-01T08:00:00Z",
            "amount": 2_590,
            "currency": "USD",
            "attributes": {"channel": "app"},
        }
        body = json.dumps({"facts": [fact]})
        return (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    return request
