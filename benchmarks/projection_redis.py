"""Cards into Redis, with fence, counts, positions and checkpoint, against a bare pipeline of SETs of the same cards."""

import statistics
from typing import Any

from redis import Redis

from benchmarks.projection import ReadLog, ground, timed
from benchmarks.stage import Stage
from infrastructure.redis.client import open_redis
from projections.catalogue import USER_CARD
from projections.user_card.projector import project
from projections.user_card.view import UserCards, card_to_redis

GOAL = 0.5
_ROUNDS = 5
_PIPELINE = 250


def projection_redis(stage: Stage, users: int = 20_000) -> dict[str, Any]:
    """Medians of some rounds, alternating; the records are in memory, and read from the log once more for the note."""
    redis = open_redis(stage.settings().redis_url or stage.urls["redis"])
    redis.flushdb()
    target = UserCards(redis)
    with ground(stage.database(), users) as floor:
        tail = ReadLog(floor.log.tail, USER_CARD)
        cards = _cards(tail)
        ours, bare = [], []
        for version in range(1, _ROUNDS + 1):
            ours.append(users / floor.seconds(USER_CARD, version, project, target, tail))
            target.drop(version)
            bare.append(users / timed(lambda: _set(redis, cards)))
        from_log = users / floor.seconds(USER_CARD, _ROUNDS + 1, project, target, floor.log.tail)
    redis.flushdb()
    redis.close()
    value, baseline = statistics.median(ours), statistics.median(bare)
    return {
        "name": "projection_redis",
        "ratio": round(value / baseline, 3),
        "goal": GOAL,
        "value": round(value),
        "baseline": round(baseline),
        "unit": "cards/s",
        "note": f"{users} observations in memory to cards, counts, checkpoint; against SETs, {_PIPELINE} a pipeline; "
        f"reading, unsealing and decoding the log included: {round(from_log)} cards/s",
    }


def _cards(tail: ReadLog) -> list[tuple[str, bytes]]:
    operations = [
        project(record)
        for lane in range(USER_CARD.lanes)
        for record in tail.read(USER_CARD.partitions(lane), 0, 10**9).records
    ]
    return [(f"bare:{user_id}", card) for one in operations if one for user_id, card in card_to_redis(one)]


def _set(redis: Redis, cards: list[tuple[str, bytes]]) -> None:
    for start in range(0, len(cards), _PIPELINE):
        pipeline = redis.pipeline(transaction=False)
        for key, card in cards[start : start + _PIPELINE]:
            pipeline.set(key, card)
        pipeline.execute()
