"""Messages of users who are merged into others while somebody sends them, or records what became of them."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

from psycopg import Connection

from application.identity.merge_users import MergeUsers
from infrastructure.benefits.merging import move_grants
from infrastructure.identity.ledger import PostgresIdentities
from infrastructure.strategies.merging import move_assignments
from tests.support.messages import MINUTE, START, outreach, send, welcomed
from tests.support.receiver import Receiver
from tests.support.strategies import StrategySystem
from tests.support.waiting import wait_for

_BLOCKED = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and query like '%timelines%'
"""


@contextmanager
def _merging(system: StrategySystem, lock: str) -> Iterator[list[Future[bool]]]:
    """bob goes over to ann while somebody sends, and has come to what the lock holds up."""
    sending: list[Future[bool]] = []

    def once_somebody_waits(connection: Connection, _survivor: UUID, _other: UUID, _now: int) -> tuple[()]:
        connection.execute(lock.encode())
        sending.append(threads.submit(system.strategies.send))
        wait_for(lambda: system.rows(_BLOCKED) == [(1,)])
        return ()

    moves = (once_somebody_waits, move_grants, move_assignments)
    merge = MergeUsers(PostgresIdentities(system.pool, system.keyring, system.evaluation, moves))
    with ThreadPoolExecutor(1) as threads:
        merge("ann", "bob", "key:op", reason="one person")
        yield sending


def _sent_of_ann(system: StrategySystem) -> list[tuple[str, str]]:
    return [(event["topic"], event["message_id"]) for event in outreach(system, "ann")]


def test_what_became_of_a_message_is_told_of_the_one_who_is_left(sending: StrategySystem, receiver: Receiver) -> None:
    """It was found as the other's, and is the survivor's once their timelines can be locked."""
    sending.spends("ann", 2_000, START, "o-ann")
    welcomed(sending, "bob")
    with _merging(sending, "select") as (telling,):
        telling.result(20)
    send(sending)
    assert _sent_of_ann(sending) == [("user-tier.message-sent.v1", receiver.ids[0])]


def test_whose_message_is_looked_at_is_not_taken_for_erased(sending: StrategySystem, receiver: Receiver) -> None:
    """It was found as the other's, who is nobody any more when they are looked at."""
    sending.spends("ann", 2_000, START, "o-ann")
    welcomed(sending, "bob")
    with _merging(sending, "lock table timelines in access exclusive mode") as (looking,):
        looking.result(20)
    sending.clock.set(START + 2 * MINUTE)
    send(sending)
    assert len(receiver.ids) == 1
    assert _sent_of_ann(sending) == [("user-tier.message-sent.v1", receiver.ids[0])]
