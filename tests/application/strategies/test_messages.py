"""Messages go out to a real receiver: signed, at least once under one id, and never against what the user has said."""

import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from application.strategies.message_ports import Answer
from application.strategies.send_messages import SendMessages
from domain.facts.instants import format_instant
from domain.strategies.sending import MOST_ATTEMPTS
from infrastructure.strategies.outbox import PostgresOutbox
from infrastructure.strategies.receiver import WebhookReceiver
from tests.support.receiver import SECRET, Receiver
from tests.support.strategies import MODEL, StrategySystem

START = 1_772_355_600_000_000  # 2026-03-01T09:00:00Z
DAY, HOUR, MINUTE = 86_400_000_000, 3_600_000_000, 60_000_000
_STATES = "select template, state, reason, attempts from outbound_messages order by template"
_PATIENCE_SECONDS = 0.5


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def system(database: str, receiver: Receiver) -> Iterator[StrategySystem]:
    with made(database, receiver) as system:
        system.clock.set(START)
        system.activate(MODEL)
        yield system


def made(database: str, receiver: Receiver, **settings: Any) -> StrategySystem:
    return StrategySystem(database, messages_url=receiver.url, messages_secret=SECRET, **settings)


def welcomed(system: StrategySystem, *users: str, **changes: Any) -> None:
    """The strategy runs, and has a message for each of the users."""
    system.start(**changes)
    for user in users:
        system.spends(user, 20_000, START)
    system.react()


def send(system: StrategySystem) -> None:
    """Until nothing is left that can be done now."""
    system.settle()
    while system.strategies.send():
        pass


def says(system: StrategySystem, user_id: str, **attributes: Any) -> None:
    """A profile, after all that was said before."""
    told = {"fact_id": f"says-{sorted(attributes)}", "user_id": user_id, "kind": "profile", "attributes": attributes}
    assert not system.facts([{**told, "occurred_at": format_instant(START)}]).rejected


def outreach(system: StrategySystem, user_id: str) -> list[dict[str, Any]]:
    return [event for event in system.events()[user_id] if event["topic"].startswith("user-tier.message-")]


def test_a_message_goes_out_signed_and_is_told(system: StrategySystem, receiver: Receiver) -> None:
    welcomed(system, "ann")
    send(system)
    ((message_id, body),) = receiver.taken
    assigned = system.told("ann")[0]
    assert body == {
        "type": "message",
        "message_id": message_id,
        "user_ids": ["ann"],
        "channel": "sms",
        "template": "hello",
        "strategy": "welcome",
        "strategy_version": 1,
        "arm": "treated",
        "campaign": None,
        "assignment_id": assigned["assignment_id"],
        "created_at": body["created_at"],
    }
    assert body["created_at"].startswith("2026-03-01T09:00:00")
    assert receiver.unsigned == 0
    (sent,) = outreach(system, "ann")
    assert (sent["topic"], sent["message_id"], sent["attempts"]) == ("user-tier.message-sent.v1", message_id, 1)
    assert sent["assignment_id"] == assigned["assignment_id"]
    assert system.rows(_STATES) == [("hello", "sent", "", 1)]
    send(system)
    assert len(receiver.taken) == 1
    system.assert_proven()


def test_without_a_receiver_messages_wait_and_say_so(database: str) -> None:
    with StrategySystem(database) as system:
        system.clock.set(START)
        system.activate(MODEL)
        welcomed(system, "ann")
        send(system)
        (message,) = system.strategies.messages.of_user("ann", None, 10, None).messages
        assert (message.state, message.reason) == ("waiting", "no-receiver")
        assert system.strategies.queries.progress("welcome").messages == {"waiting": {"no-receiver": 1}}


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"personalisation_opt_out": True}, "opted-out"),
        ({"minor": "true"}, "minor"),
        ({"risk_listed": True}, "risk-listed"),
        ({"unsubscribed": True}, "unsubscribed"),
        ({"unsubscribed_sms": True}, "unsubscribed"),
    ],
)
def test_what_the_user_has_said_since_holds_it_back(
    system: StrategySystem, receiver: Receiver, attributes: dict[str, Any], reason: str
) -> None:
    """Said, and not even decided yet: the sender decides them first."""
    welcomed(system, "ann", "bob")
    says(system, "ann", **attributes)
    while system.strategies.send():
        pass
    assert [body["user_ids"] for _, body in receiver.taken] == [["bob"]]
    (held,) = outreach(system, "ann")
    assert (held["topic"], held["reason"]) == ("user-tier.message-suppressed.v1", reason)
    assert system.strategies.queries.progress("welcome").messages == {"suppressed": {reason: 1}, "sent": {"": 1}}


def test_unsubscribed_from_another_channel_is_no_reason(system: StrategySystem, receiver: Receiver) -> None:
    welcomed(system, "ann")
    says(system, "ann", unsubscribed_email=True)
    send(system)
    assert len(receiver.taken) == 1


def _end_strategy(system: StrategySystem) -> None:
    system.strategies.change.end("welcome", "test")


def _end_assignment(system: StrategySystem) -> None:
    system.strategies.end("ann", "welcome", "test")


def _wait_too_long(system: StrategySystem) -> None:
    system.clock.set(START + DAY + MINUTE)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (_end_strategy, "strategy-over"),
        (_end_assignment, "assignment-over"),
        (_wait_too_long, "message-too-old"),
    ],
)
def test_what_is_over_or_too_old_is_held_back(
    system: StrategySystem, receiver: Receiver, act: Callable[[StrategySystem], None], reason: str
) -> None:
    welcomed(system, "ann")
    act(system)
    send(system)
    assert receiver.taken == []
    assert [event["reason"] for event in outreach(system, "ann")] == [reason]


def test_a_paused_strategys_messages_wait(system: StrategySystem, receiver: Receiver) -> None:
    welcomed(system, "ann")
    system.strategies.change.pause("welcome", "test")
    send(system)
    assert (receiver.taken, system.rows(_STATES)) == ([], [("hello", "waiting", "paused", 0)])
    system.strategies.change.start("welcome", "test", as_admin=True)
    system.clock.set(START + 2 * MINUTE)
    send(system)
    assert len(receiver.taken) == 1


def test_quiet_hours_are_asked_when_it_is_sent(system: StrategySystem, receiver: Receiver) -> None:
    welcomed(system, "ann", when={"quiet": {"from": "21:00", "to": "08:00"}})
    system.clock.set(START + 13 * HOUR)  # 22:00
    send(system)
    assert (receiver.taken, system.rows(_STATES)) == ([], [("hello", "waiting", "quiet-hours", 0)])
    system.clock.set(START + 23 * HOUR - MINUTE)
    send(system)
    assert receiver.taken == []
    system.clock.set(START + 23 * HOUR)
    send(system)
    assert len(receiver.taken) == 1


def test_the_cap_is_asked_when_it_is_sent_and_counts_what_went_out(database: str, receiver: Receiver) -> None:
    """What was decided while more were allowed is held back, and what was held back counts for nobody."""
    both = [{"notify": "sms", "template": "a"}, {"notify": "sms", "template": "b"}]
    with StrategySystem(database) as loose:
        loose.clock.set(START)
        loose.activate(MODEL)
        welcomed(loose, "ann", do=both)
    with made(database, receiver, messages_at_most="1 in 7 days") as system:
        send(system)
        assert system.rows(_STATES) == [("a", "sent", "", 1), ("b", "suppressed", "too-often", 0)]
        system.clock.set(START + 8 * DAY)
        welcomed(system, strategy="again", trigger={"by": "hand"}, do=both[:1])
        system.strategies.assign("ann", "again", "test")
        system.react()
        send(system)
    assert [body["strategy"] for _, body in receiver.taken] == ["welcome", "again"]


def test_who_does_not_take_it_is_asked_again_ever_more_slowly_and_then_no_more(
    system: StrategySystem, receiver: Receiver
) -> None:
    receiver.answers["hello"] = 500
    welcomed(system, "ann")
    at = START
    waits = []
    for attempt in range(1, MOST_ATTEMPTS):
        send(system)
        assert len(receiver.taken) == attempt
        (message,) = system.strategies.messages.of_user("ann", "waiting", 10, None).messages
        assert (message.reason, message.attempts) == ("answered 500", attempt)
        waits.append(round((message.due_at - at) / 1e6))
        at = message.due_at
        system.clock.set(at - 1_000_000)
        send(system)
        assert len(receiver.taken) == attempt, "too early"
        system.clock.set(at)
    assert waits == sorted(waits)
    assert waits[0] == 10
    send(system)
    assert len(receiver.taken) == MOST_ATTEMPTS
    assert set(receiver.ids) == {receiver.ids[0]}
    (failed,) = outreach(system, "ann")
    assert (failed["topic"], failed["cause"]) == ("user-tier.message-failed.v1", "answered 500")
    assert failed["attempts"] == MOST_ATTEMPTS
    system.clock.set(at + 10 * HOUR)
    send(system)
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


def test_a_receiver_that_is_gone_is_not_asked_again(system: StrategySystem, receiver: Receiver) -> None:
    receiver.answers["hello"] = 410
    welcomed(system, "ann")
    send(system)
    (failed,) = outreach(system, "ann")
    assert failed["cause"] == "answered 410: it wants no such messages any more; this one is not tried again"
    assert len(receiver.taken) == 1


def test_a_wrong_signature_and_a_redirect_are_explained(system: StrategySystem, receiver: Receiver) -> None:
    receiver.answers |= {"a": 401, "b": 302}
    welcomed(system, "ann", do=[{"notify": "sms", "template": "a"}, {"notify": "sms", "template": "b"}])
    send(system)
    reasons = [row[2] for row in system.rows(_STATES)]
    assert "TIERLINE_MESSAGES_SECRET" in reasons[0]
    assert "TIERLINE_MESSAGES_URL" in reasons[1]


def test_one_that_hangs_or_drips_holds_nobody_up(system: StrategySystem, receiver: Receiver) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "100000")
        handler.end_headers()
        while not receiver.ending.wait(0.1):
            handler.wfile.write(b".")

    receiver.answers |= {"hang": receiver.hang, "drip": drip}
    for template in ("hang", "drip", "hello"):  # 8 of each: more than go out at once
        system.start(strategy=template, do=[{"notify": "sms", "template": template}])
    for number in range(8):
        system.spends(f"u-{number}", 20_000, START)
    system.react()
    impatient = _sender(system, WebhookReceiver(receiver.url, SECRET, _PATIENCE_SECONDS))
    began = time.monotonic()
    while impatient():
        pass
    assert time.monotonic() - began < 8 * _PATIENCE_SECONDS, "they were waited for one by one"
    states = {(row[0], row[1], row[2]) for row in system.rows(_STATES)}
    unanswered = f"no answer within {_PATIENCE_SECONDS:g} seconds"
    assert states == {("drip", "waiting", unanswered), ("hang", "waiting", unanswered), ("hello", "sent", "")}


def test_nobody_there_is_no_fault_and_is_tried_again(database: str, receiver: Receiver) -> None:
    with StrategySystem(database, messages_url="http://127.0.0.1:9/", messages_secret=SECRET) as system:
        system.clock.set(START)
        system.activate(MODEL)
        welcomed(system, "ann")
        send(system)
        assert system.rows(_STATES) == [("hello", "waiting", "not reached: ConnectError", 1)]
    with made(database, receiver) as system:
        system.clock.set(START + MINUTE)
        send(system)
        assert len(receiver.taken) == 1


class _DiesAfterSending(WebhookReceiver):
    def send(self, messages: Any) -> list[Answer]:
        super().send(messages)
        raise KeyboardInterrupt


def test_a_crash_between_sending_and_recording_leads_to_one_repeat_under_the_same_id(
    system: StrategySystem, receiver: Receiver
) -> None:
    welcomed(system, "ann")
    dying = _sender(system, _DiesAfterSending(receiver.url, SECRET))
    with pytest.raises(KeyboardInterrupt):
        dying()
    send(system)
    assert len(receiver.taken) == 1, "it may have gone out: nobody else takes it at once"
    system.clock.set(START + 5 * MINUTE)
    send(system)
    assert len(receiver.taken) == 2
    assert len(set(receiver.ids)) == 1
    assert [event["topic"] for event in outreach(system, "ann")] == ["user-tier.message-sent.v1"]
    system.clock.set(START + 60 * MINUTE)
    send(system)
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
def test_a_late_answer_changes_nothing(system: StrategySystem, receiver: Receiver, late: Answer) -> None:
    welcomed(system, "ann")
    _sender(system, _LateAnswer(receiver, system, late))()
    send(system)
    assert system.rows(_STATES) == [("hello", "sent", "", 2)]
    assert [event["topic"] for event in outreach(system, "ann")] == ["user-tier.message-sent.v1"]


def test_two_takers_send_each_once(system: StrategySystem, receiver: Receiver) -> None:
    """The second one takes what the first leaves, and never the same."""
    welcomed(system, *(f"u-{number}" for number in range(100)))
    outbox = PostgresOutbox(system.pool, system.keyring)
    with outbox.turn(10, 0) as first:
        assert first is not None
        with outbox.turn(10, 0) as second:
            assert second is None
    send(system)
    assert len(receiver.taken) == len(set(receiver.ids)) == 100


def test_the_event_of_who_cannot_be_decided_comes_later(system: StrategySystem, receiver: Receiver) -> None:
    welcomed(system, "ann")

    class Moves(WebhookReceiver):
        def send(self, messages: Any) -> list[Answer]:
            system.spends("ann", 100, START, "o-2")  # something is due about them now
            return super().send(messages)

    sender = SendMessages(
        PostgresOutbox(system.pool, system.keyring), Moves(receiver.url, SECRET), lambda _: False, None, DAY
    )
    sender()
    assert system.rows(_STATES) == [("hello", "sent", "", 1)]
    assert outreach(system, "ann") == []
    system.settle()
    system.clock.set(START + 2 * MINUTE)
    send(system)
    assert len(outreach(system, "ann")) == 1


def test_pages_of_messages(system: StrategySystem) -> None:
    welcomed(system, "ann", "bob", "eve")
    says(system, "bob", unsubscribed=True)
    send(system)
    messages = system.strategies.messages
    first = messages.of_strategy("welcome", None, 2, None)
    rest = messages.of_strategy("welcome", None, 2, first.next_cursor)
    assert (len(first.messages), len(rest.messages), rest.next_cursor) == (2, 1, None)
    assert {one.user_id for one in (*first.messages, *rest.messages)} == {"ann", "bob", "eve"}
    (held,) = messages.of_strategy("welcome", "suppressed", 10, None).messages
    assert (held.user_id, held.reason) == ("bob", "unsubscribed")


def _sender(system: StrategySystem, receiver: WebhookReceiver) -> SendMessages:
    return SendMessages(
        PostgresOutbox(system.pool, system.keyring),
        receiver,
        lambda user_id: bool(system.evaluate_user(user_id)),
        None,
        DAY,
    )
