"""The loop is closed: a fact leads to a message, its receiver says what came of it, and that is shown."""

import datetime as dt
from collections.abc import Iterator

import pytest

from infrastructure.settings import Settings
from tests.interfaces.http.conftest import Api, order
from tests.support.receiver import SECRET, Receiver
from tests.support.waiting import wait_for

TEXT = """
strategy: welcome
time_zone: UTC
currency: USD
trigger: {entered: value.high}
do: [{notify: sms, template: hello}]
goal: {count: order, within: 7 days}
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def settings(settings: Settings, receiver: Receiver) -> Settings:
    told = {"messages_url": receiver.url, "messages_secret": SECRET}
    return Settings(**settings.model_dump() | told)


@pytest.mark.usefixtures("worker")
def test_from_a_fact_to_a_message_and_back(api: Api, receiver: Receiver) -> None:
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    api.activate()
    api.client.post("/v1/strategies", content=TEXT, headers={"content-type": "application/yaml"})
    assert api.client.post("/v1/strategies/welcome/start").json()["status"] == "running"
    api.record(order("u-1", "o-1", 20_000, now))
    wait_for(lambda: receiver.taken, 30)
    ((message_id, body),) = receiver.taken
    (message,) = api.client.get("/v1/users/u-1/messages").json()["messages"]
    assert (message["message_id"], receiver.unsigned) == (message_id, 0)
    wait_for(lambda: api.client.get("/v1/strategies/welcome/progress").json()["messages"]["sent"] == 1, 30)

    named = {"assignment_id": body["assignment_id"], "outcome": "clicked"}
    clicked = {"fact_id": message_id, "source": "sms", "user_id": body["user_ids"][0], "kind": "touch"}
    api.record({**clicked, "occurred_at": now, "attributes": named})

    def reported() -> dict[str, int]:
        (arm,) = api.client.get("/v1/strategies/welcome/progress").json()["arms"]
        return arm["reported"]

    wait_for(lambda: reported()["clicked"] == 1, 30)

    def told() -> set[str]:
        return {event["topic"] for event in api.client.get("/v1/users/u-1/history").json()["events"]}

    wait_for(lambda: {"user-tier.message-sent.v1", "user-tier.outcome-recorded.v1"} <= told(), 30)
    strategies = {part["name"]: part for part in api.client.get("/readyz").json()["parts"]}["strategies"]
    assert (strategies["status"], strategies["detail"]) == ("on", "1 run")
