"""Strategies with messages, and a receiver that they go to."""

from typing import Any

from application.strategies.send_messages import SendMessages
from domain.facts.instants import format_instant
from infrastructure.strategies.outbox import PostgresOutbox
from infrastructure.strategies.receiver import WebhookReceiver
from tests.support.receiver import SECRET, Receiver
from tests.support.strategies import StrategySystem

START = 1_772_355_600_000_000  # 2026-03-01T09:00:00Z
DAY, HOUR, MINUTE = 86_400_000_000, 3_600_000_000, 60_000_000
STATES = "select template, state, reason, attempts from outbound_messages order by template"


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


def sender_of(system: StrategySystem, receiver: WebhookReceiver) -> SendMessages:
    return SendMessages(
        PostgresOutbox(system.pool, system.keyring),
        receiver,
        lambda user_id: bool(system.evaluate_user(user_id)),
        None,
        DAY,
    )
