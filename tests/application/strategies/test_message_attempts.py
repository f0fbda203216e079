"""Each message is taken over at least once, under one id, whoever hangs, says no, or dies in between."""

import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from application.strategies.message_ports import Answer
from application.strategies.send_messages import SendMessages
from domain.strategies.sending import MOST_ATTEMPTS
from infrastructure.strategies.outbox import PostgresOutbox
from infrastructure.strategies.receiver import WebhookReceiver
from tests.support.messages import DAY, HOUR, MINUTE, START, STATES, made, outreach, send, sender_of, welcomed
from tests.support.receiver import SECRET, Receiver
from tests.support.strategies import MODEL, StrategySystem

_PATIENCE_SECONDS = 0.5


def test_who_does_not_take_it_is_asked_again_ever_more_slowly_and_then_no_more(
    sending: StrategySystem, receiver: Receiver
) -> None:
    receiver.answers["hello"] = 500
    welcomed(sending, "ann")
    at = START
    waits = []
    for attempt in range(1, MOST_ATTEMPTS):
        send(sending)
        assert len(receiver.taken) == attempt
        (message,) = sending.strategies.messages.of_user("ann", "waiting", 10, None).messages
        assert (message.reason, message.attempts) == ("answered 500", attempt)
        waits.append(round((message.due_at - at) / 1e6))
        at = message.due_at
        sending.clock.set(at - 1_000_000)
        send(sending)
        assert len(receiver.taken) == attempt, "too early"
        sending.clock.set(at)
    assert waits == sorted(waits)
    assert waits[0] == 10
    send(sending)
    assert len(receiver.taken) == MOST_ATTEMPTS
    assert set(receiver.ids) == {receiver.ids[0]}
    (failed,) = outreach(sending, "ann")
    assert (failed["topic"], failed["cause"]) == ("user-tier.message-failed.v1", "answered 500")
    assert failed["attempts"] == MOST_ATTEMPTS
    sending.clock.set(at + 10 * HOUR)
    send(sending)
    assert len(receiver.taken) == MOST_ATTEMPTS


def test_what_was_tried_and_gets_too_old_is_given_up_with_what_went_wrong(database: str, receiver: Receiver) -> None:
    receiver.answers["hello"] = 503
    with made(database, receiver, messages_max_age="1 minute") as system:
        system.clock.set(START)
        system.activate(MODEL)
        welcomed(system, "ann")
        send(system)
        system.clock.set(START + 2 * MINUTE)
        send(system)
        (failed,) = outreach(system, "ann")
    assert (failed["topic"], failed["cause"]) == (
        "user-tier.message-failed.v1",
        "too old after 1 attempts: answered 503",
    )


def test_a_receiver_that_is_gone_is_not_asked_again(sending: StrategySystem, receiver: Receiver) -> None:
    receiver.answers["hello"] = 410
    welcomed(sending, "ann")
    send(sending)
    (failed,) = outreach(sending, "ann")
    assert failed["cause"] == "answered 410: it wants no such messages any more; this one is not tried again"
    assert len(receiver.taken) == 1


def test_a_wrong_signature_and_a_redirect_are_explained(sending: StrategySystem, receiver: Receiver) -> None:
    receiver.answers |= {"a": 401, "b": 302}
    welcomed(sending, "ann", do=[{"notify": "sms", "template": "a"}, {"notify": "sms", "template": "b"}])
    send(sending)
    reasons = [row[2] for row in sending.rows(STATES)]
    assert "TIERLINE_MESSAGES_SECRET" in reasons[0]
    assert "TIERLINE_MESSAGES_URL" in reasons[1]


def test_a_receiver_may_ask_for_patience_within_bounds(sending: StrategySystem, receiver: Receiver) -> None:
    def busy(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(429)
        handler.send_header("retry-after", asked[0])
        handler.send_header("content-length", "0")
        handler.end_headers()

    receiver.answers["hello"] = busy
    welcomed(sending, "ann")
    at, asked = START + MINUTE, [""]
    for asked[0], seconds in (("3", 10), ("600", 600), ("tomorrow", 300), ("9" * 5_000, 86_400)):
        sending.clock.set(at)
        send(sending)
        (message,) = sending.strategies.messages.of_user("ann", None, 10, None).messages
        assert message.reason == "answered 429: it asks for fewer messages"
        assert round((message.due_at - at) / 1e6) == seconds
        at = message.due_at


def test_one_that_hangs_or_drips_holds_nobody_up(sending: StrategySystem, receiver: Receiver) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "100000")
        handler.end_headers()
        while not receiver.ending.wait(0.1):
            handler.wfile.write(b".")

    receiver.answers |= {"hang": receiver.hang, "drip": drip}
    for template in ("hang", "drip", "hello"):  # 8 of each: more than go out at once
        sending.start(strategy=template, do=[{"notify": "sms", "template": template}])
    for number in range(8):
        sending.spends(f"u-{number}", 20_000, START)
    sending.react()
    impatient = sender_of(sending, WebhookReceiver(receiver.url, SECRET, _PATIENCE_SECONDS))
    began = time.monotonic()
    while impatient():
        pass
    assert time.monotonic() - began < 8 * _PATIENCE_SECONDS, "they were waited for one by one"
    states = {(row[0], row[1], row[2]) for row in sending.rows(STATES)}
    unanswered = f"no answer within {_PATIENCE_SECONDS:g} seconds"
    assert states == {("drip", "waiting", unanswered), ("hang", "waiting", unanswered), ("hello", "sent", "")}


@pytest.mark.parametrize(
    ("url", "fault"), [("http://127.0.0.1:9/", "ConnectError"), ("http://xn--a/", "InvalidCodepoint")]
)
def test_nobody_there_is_no_fault_and_is_tried_again(database: str, receiver: Receiver, url: str, fault: str) -> None:
    with StrategySystem(database, messages_url=url, messages_secret=SECRET) as system:
        system.clock.set(START)
        system.activate(MODEL)
        welcomed(system, "ann")
        send(system)
        assert system.rows(STATES) == [("hello", "waiting", f"not reached: {fault}", 1)]
    with made(database, receiver) as system:
        system.clock.set(START + MINUTE)
        send(system)
        assert len(receiver.taken) == 1


class _DiesAfterSending(WebhookReceiver):
    def send(self, messages: Any) -> list[Answer]:
        super().send(messages)
        raise KeyboardInterrupt


def test_a_crash_between_sending_and_recording_leads_to_one_repeat_under_the_same_id(
    sending: StrategySystem, receiver: Receiver
) -> None:
    welcomed(sending, "ann")
    dying = sender_of(sending, _DiesAfterSending(receiver.url, SECRET))
    with pytest.raises(KeyboardInterrupt):
        dying()
    send(sending)
    assert len(receiver.taken) == 1, "it may have gone out: nobody else takes it at once"
    sending.clock.set(START + 5 * MINUTE)
    send(sending)
    assert len(receiver.taken) == 2
    assert len(set(receiver.ids)) == 1
    assert [event["topic"] for event in outreach(sending, "ann")] == ["user-tier.message-sent.v1"]
    sending.clock.set(START + 60 * MINUTE)
    send(sending)
    assert len(receiver.taken) == 2


class _LateAnswer(WebhookReceiver):
    """Answers when another worker has begun the message anew."""

    def __init__(self, receiver: Receiver, system: StrategySystem, answer: Answer) -> None:
        super().__init__(receiver.url, SECRET)
        self._system, self._answer = system, answer

    def send(self, messages: Any) -> list[Answer]:
        self._system.clock.set(START + 5 * MINUTE)
        send(self._system)
        return [self._answer for _ in messages]


@pytest.mark.parametrize("late", [Answer("answered 500"), Answer()])
def test_a_late_answer_changes_nothing(sending: StrategySystem, receiver: Receiver, late: Answer) -> None:
    welcomed(sending, "ann")
    sender_of(sending, _LateAnswer(receiver, sending, late))()
    send(sending)
    assert sending.rows(STATES) == [("hello", "sent", "", 2)]
    assert [event["topic"] for event in outreach(sending, "ann")] == ["user-tier.message-sent.v1"]


def test_two_takers_send_each_once(sending: StrategySystem, receiver: Receiver) -> None:
    """The second one takes what the first leaves, and never the same."""
    welcomed(sending, *(f"u-{number}" for number in range(100)))
    outbox = PostgresOutbox(sending.pool, sending.keyring)
    with outbox.turn(10, 0) as first:
        assert first is not None
        with outbox.turn(10, 0) as second:
            assert second is None
    send(sending)
    assert len(receiver.taken) == len(set(receiver.ids)) == 100


def test_the_event_of_who_cannot_be_decided_comes_later(sending: StrategySystem, receiver: Receiver) -> None:
    welcomed(sending, "ann")

    class Moves(WebhookReceiver):
        def send(self, messages: Any) -> list[Answer]:
            sending.spends("ann", 100, START, "o-2")  # something is due about them now
            return super().send(messages)

    sender = SendMessages(
        PostgresOutbox(sending.pool, sending.keyring), Moves(receiver.url, SECRET), lambda _: False, None, DAY
    )
    sender()
    assert sending.rows(STATES) == [("hello", "sent", "", 1)]
    assert outreach(sending, "ann") == []
    sending.settle()
    sending.clock.set(START + 2 * MINUTE)
    send(sending)
    assert len(outreach(sending, "ann")) == 1
