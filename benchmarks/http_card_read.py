"""GET /v1/users/{id}, key checked and freshness told, against the barest FastAPI route with one Redis GET."""

from typing import Any

import redis
import redis.asyncio
from fastapi import FastAPI, Response

from benchmarks.load import alternate, hammer, served
from benchmarks.stage import Stage
from infrastructure.bootstrap import build
from infrastructure.redis.client import open_async_redis
from infrastructure.settings import Settings
from interfaces.http.main import create_app
from projections.catalogue import USER_CARD
from projections.user_card.view import prefix

GOAL = 0.7
_CONNECTIONS = 16
_USERS = 1_000
_CARD = (
    b'{"user_id":"user-%d","standings":{"value":{"tier":"mid","since":"2026-02-11T16:00:00Z","model_version":3,'
    b'"pinned":false,"grace_until":null,"next_tier":"high","missing":[{"of":"spend","is":82000,"needs":100000,'
    b'"missing":18000}],"may_drop_on":"2026-05-12T16:00:00Z","qualified":"mid","features":{"spend":82000,"orders":7,'
    b'"recency":4},"scores":{"r":4,"f":3,"m":3}}},"tags":["vip"],"strategies":[],"grants":[],"position":18240,'
    b'"through":18231,"decided_at":"2026-03-01T08:00:00Z","subject_id":"0c9d5c0c4c4e9f0e0f1f6d1c2b3a0c9d"}'
)


def http_card_read(stage: Stage) -> dict[str, Any]:
    """Both arms read the same keys of the same Redis, with as many connections."""
    settings = stage.settings()
    system = build(settings)
    _, token = system.keys.create("bench", "service")
    system.close()
    with redis.Redis.from_url(settings.redis_url or "") as client:
        client.mset({f"{prefix(USER_CARD.version)}card:user-{number}": _CARD % number for number in range(_USERS)})
    with served(_ours, settings) as ours, served(_bare, settings.redis_url) as bare:
        rates = alternate(
            {
                "ours": lambda seconds: hammer(ours, _requests("/v1/users", token), _CONNECTIONS, seconds),
                "bare": lambda seconds: hammer(bare, _requests("/cards", token), _CONNECTIONS, seconds),
            }
        )
    return {
        "name": "http_card_read",
        "ratio": round(rates["ours"] / rates["bare"], 3),
        "goal": GOAL,
        "value": round(rates["ours"]),
        "baseline": round(rates["bare"]),
        "unit": "requests/s",
        "note": f"{_CONNECTIONS} connections, one uvicorn process each, against FastAPI with one redis.asyncio GET",
    }


def _ours(settings: Settings) -> FastAPI:
    return create_app(build(settings))


def _bare(redis_url: str) -> FastAPI:
    app = FastAPI()
    client = open_async_redis(redis_url)
    start = prefix(USER_CARD.version)

    @app.get("/cards/{user_id}")
    async def read(user_id: str) -> Response:
        card = await client.get(f"{start}card:{user_id}")
        return Response(card, media_type="application/json")

    return app


def _requests(path: str, token: str) -> Any:
    def request(number: int) -> bytes:
        user = f"user-{number * 7 % _USERS}"
        return f"GET {path}/{user} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

    return request
