"""The reconciler finds what is missing, different or extra, and nothing else."""

import threading

from opensearchpy import OpenSearch
from redis import Redis

from projections.catalogue import USER_CARD
from projections.read_models import ReadModels
from projections.user_card.view import prefix
from tests.projections.written_log import WrittenLog

CARDS = prefix(USER_CARD.version)
USERS = {f"u{number}": "low" for number in range(20)}


def test_equal_read_models_give_no_finding(models: ReadModels, log: WrittenLog) -> None:
    log.decide(USERS)
    log.also_known_as("u0", "u0-phone")
    log.decide({"u0": "high"})
    findings = models.verify()
    assert all(one.equal for one in findings.values()), findings
    assert {name: one.checked for name, one in findings.items()} == {
        "user_card": 21,
        "user_search": 20,
        "transitions": 21,
    }


def test_damage_in_redis_is_found(models: ReadModels, log: WrittenLog, redis: Redis) -> None:
    log.decide(USERS)
    models.to_head("user_card")
    card = redis.get(f"{CARDS}card:u1")
    redis.delete(f"{CARDS}card:u0")
    redis.set(f"{CARDS}card:u1", card.replace(b'"tier":"low"', b'"tier":"high"'))
    redis.set(f"{CARDS}card:stranger", card)
    found = models.verify()["user_card"]
    assert (found.missing, found.different, found.extra) == (1, 1, 1)
    assert sorted(found.first) == ["stranger", "u0", "u1"]


def test_damage_in_opensearch_is_found(
    models: ReadModels, log: WrittenLog, search_client: OpenSearch, opensearch
) -> None:
    log.decide(USERS)
    models.to_head("user_search")
    index = f"{opensearch.prefix}tierline-user-search"
    lost, bent = log.subject_of("u0").hex, log.subject_of("u1").hex
    search_client.delete(index=index, id=lost)
    document = search_client.get(index=index, id=bent)["_source"]
    search_client.index(index=index, id=bent, body={**document, "tiers": {"value": "high"}})
    search_client.index(index=index, id="0" * 32, body={**document, "subject_id": "0" * 32}, refresh=True)
    found = models.verify()["user_search"]
    assert (found.missing, found.different, found.extra) == (1, 1, 1)


def test_writes_meanwhile_are_no_findings(models: ReadModels, log: WrittenLog) -> None:
    log.decide(USERS)
    done = threading.Event()

    def go_on() -> None:
        number = 0
        while not done.wait(0.02):
            number += 1
            log.decide({f"u{number % 20}": "high", f"late{number}": "low"})

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        found = models.verify()["user_card"]
    finally:
        done.set()
        writer.join()
    assert (found.missing, found.extra) == (0, 0)
