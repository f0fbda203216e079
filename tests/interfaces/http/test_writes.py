"""Writes: answered once per idempotency key, in order, across threads and crashes."""

import contextlib
import threading

import httpx

from application.idempotency import Answer
from infrastructure.security.one_answer import StoredAnswers
from tests.interfaces.http.conftest import MODEL, Api, as_url, order
from tests.interfaces.http.test_bad_input import problem


def test_the_same_key_and_body_get_the_same_answer(api: Api) -> None:
    key = {"idempotency-key": "open-1"}
    first = api.client.post("/v1/history", headers=key)
    again = api.client.post("/v1/history", headers=key)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers and again.headers["idempotent-replayed"] == "true"
    assert api.client.post("/v1/history").json()["history_id"] != first.json()["history_id"]


def test_every_write_tells_a_position(api: Api) -> None:
    model = api.client.post("/v1/tier-models", content=MODEL).json()
    version = "/v1/tier-models/value/versions/1"
    answers = [
        api.client.post("/v1/history"),
        api.client.post(f"{version}/submit"),
        api.as_role("approver").post(f"{version}/approve", json={"content_hash": model["content_hash"]}),
        api.client.post(f"{version}/activate"),
        api.client.post(f"{version}/activate"),  # which changes nothing
        api.client.post("/v1/verifications", json={}),
        api.client.post(f"{version}/preview"),
        api.client.post("/v1/schemes/value/effect", json={}),
        api.client.post("/v1/budgets", json={"budget": "b", "amount": 1, "currency": "CNY", "time_zone": "UTC"}),
        api.client.post("/v1/grant-stops", json={"scope": "*", "reason": "a test"}),
        api.client.post("/v1/projections/user_card/pause"),
    ]
    positions = [model["position"]]
    for answer in answers:
        assert answer.status_code < 300, answer.text
        positions.append(answer.json()["position"])
    assert positions == sorted(positions) and positions[0] > 0


def test_a_reused_key_with_another_request_is_a_conflict(api: Api) -> None:
    key = {"idempotency-key": "k"}
    assert api.client.post("/v1/facts", json={"facts": [order("u-1", "a")]}, headers=key).json()["accepted"] == 1
    other_body = api.client.post("/v1/facts", json={"facts": [order("u-1", "b")]}, headers=key)
    assert problem(other_body, 409)["errors"][0]["value"] == "k"
    problem(api.client.post("/v1/history", headers=key), 409)
    # Keys belong to their caller.
    other_caller = api.as_role("service").post("/v1/facts", json={"facts": [order("u-1", "b")]}, headers=key)
    assert other_caller.json()["accepted"] == 1
    again = api.client.post("/v1/facts", json={"facts": [order("u-1", "a")]}, headers=key)
    assert (again.json()["accepted"], again.json()["duplicates"]) == (1, 0), "the first answer, word for word"


def test_a_refused_request_leaves_its_key_free(api: Api) -> None:
    key = {"idempotency-key": "k"}
    problem(api.client.post("/v1/tier-models/nope/versions/1/activate", headers=key), 404)
    assert api.client.post("/v1/history", headers=key).status_code == 201


def test_keys_that_cannot_be_kept(api: Api) -> None:
    for key in ("", "x" * 256, "t\tab"):
        problem(api.client.post("/v1/history", headers={"idempotency-key": key}), 422)


def test_sixteen_at_once_are_one(api: Api) -> None:
    answers: list[httpx.Response] = []

    def ask() -> None:
        with httpx.Client(base_url=api.client.base_url, headers=api.client.headers, timeout=30) as client:
            answers.append(client.post("/v1/history", headers={"idempotency-key": "one"}))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    with api.system.pool.connection() as connection:
        assert connection.execute("select count(*) from history_sessions").fetchone() == (1,)


class Crashed(BaseException):
    """Nothing after it runs, as after a kill."""


def test_after_a_crash_half_way_the_request_runs_anew_at_once(database: str) -> None:
    dying, living = StoredAnswers(as_url(database)), StoredAnswers(as_url(database))

    def write_and_die() -> Answer:
        dying.close()  # the process's connections go with it
        raise Crashed

    try:
        with contextlib.suppress(Crashed):
            dying("caller", "k", b"hash", write_and_die)
        assert living("caller", "k", b"hash", lambda: Answer(200, b"{}")) == (Answer(200, b"{}"), False)
        assert living("caller", "k", b"hash", lambda: Answer(500, b"no")) == (Answer(200, b"{}"), True)
    finally:
        dying.close()
        living.close()
