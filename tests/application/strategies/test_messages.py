"""Messages go out to a real receiver: signed, and never against what the user has said by then."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.messages import DAY, HOUR, MINUTE, START, STATES, made, outreach, says, send, welcomed
from tests.support.receiver import Receiver
from tests.support.strategies import MODEL, StrategySystem


def test_a_message_goes_out_signed_and_is_told(sending: StrategySystem, receiver: Receiver) -> None:
    welcomed(sending, "ann")
    send(sending)
    ((message_id, body),) = receiver.taken
    assigned = sending.told("ann")[0]
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
    (sent,) = outreach(sending, "ann")
    assert (sent["topic"], sent["message_id"], sent["attempts"]) == ("user-tier.message-sent.v1", message_id, 1)
    assert sent["assignment_id"] == assigned["assignment_id"]
    assert sending.rows(STATES) == [("hello", "sent", "", 1)]
    send(sending)
    assert len(receiver.taken) == 1
    sending.assert_proven()


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
    sending: StrategySystem, receiver: Receiver, attributes: dict[str, Any], reason: str
) -> None:
    """Said, and not even decided yet: the sender decides them first."""
    welcomed(sending, "ann", "bob")
    says(sending, "ann", **attributes)
    while sending.strategies.send():
        pass
    assert [body["user_ids"] for _, body in receiver.taken] == [["bob"]]
    (held,) = outreach(sending, "ann")
    assert (held["topic"], held["reason"]) == ("user-tier.message-suppressed.v1", reason)
    assert sending.strategies.queries.progress("welcome").messages == {"suppressed": {reason: 1}, "sent": {"": 1}}


def test_unsubscribed_from_another_channel_is_no_reason(sending: StrategySystem, receiver: Receiver) -> None:
    welcomed(sending, "ann")
    says(sending, "ann", unsubscribed_email=True)
    send(sending)
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
    sending: StrategySystem, receiver: Receiver, act: Callable[[StrategySystem], None], reason: str
) -> None:
    welcomed(sending, "ann")
    act(sending)
    send(sending)
    assert receiver.taken == []
    assert [event["reason"] for event in outreach(sending, "ann")] == [reason]


def test_a_paused_strategys_messages_wait(sending: StrategySystem, receiver: Receiver) -> None:
    welcomed(sending, "ann")
    sending.strategies.change.pause("welcome", "test")
    send(sending)
    assert (receiver.taken, sending.rows(STATES)) == ([], [("hello", "waiting", "paused", 0)])
    sending.strategies.change.start("welcome", "test", as_admin=True)
    sending.clock.set(START + 2 * MINUTE)
    send(sending)
    assert len(receiver.taken) == 1


def test_quiet_hours_are_asked_when_it_is_sent(sending: StrategySystem, receiver: Receiver) -> None:
    welcomed(sending, "ann", when={"quiet": {"from": "21:00", "to": "08:00"}})
    sending.clock.set(START + 13 * HOUR)  # 22:00
    send(sending)
    assert (receiver.taken, sending.rows(STATES)) == ([], [("hello", "waiting", "quiet-hours", 0)])
    sending.clock.set(START + 23 * HOUR - MINUTE)
    send(sending)
    assert receiver.taken == []
    sending.clock.set(START + 23 * HOUR)
    send(sending)
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
        assert system.rows(STATES) == [("a", "sent", "", 1), ("b", "suppressed", "too-often", 0)]
        system.clock.set(START + 8 * DAY)
        welcomed(system, strategy="again", trigger={"by": "hand"}, do=both[:1])
        system.strategies.assign("ann", "again", "test")
        system.react()
        send(system)
    assert [body["strategy"] for _, body in receiver.taken] == ["welcome", "again"]


def test_pages_of_messages(sending: StrategySystem) -> None:
    welcomed(sending, "ann", "bob", "eve")
    says(sending, "bob", unsubscribed=True)
    send(sending)
    messages = sending.strategies.messages
    first = messages.of_strategy("welcome", None, 2, None)
    rest = messages.of_strategy("welcome", None, 2, first.next_cursor)
    assert (len(first.messages), len(rest.messages), rest.next_cursor) == (2, 1, None)
    assert {one.user_id for one in (*first.messages, *rest.messages)} == {"ann", "bob", "eve"}
    (held,) = messages.of_strategy("welcome", "suppressed", 10, None).messages
    assert (held.user_id, held.reason) == ("bob", "unsubscribed")
