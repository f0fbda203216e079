"""Messages of users who are merged while what became of their messages is being recorded."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from application.identity.merge_users import MergeUsers
from infrastructure.benefits.merging import move_grants
from infrastructure.identity.ledger import LockedPair, PostgresIdentities
from infrastructure.strategies.merging import move_assignments
from tests.support.messages import START, outreach, send, welcomed
from tests.support.receiver import Receiver
from tests.support.strategies import StrategySystem
from tests.support.waiting import wait_for

_BLOCKED = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%timelines%'"


class _OnceSomebodyWaits(PostgresIdentities):
    """Merges only when somebody waits for the two."""

    waits: Callable[[], object]

    @contextmanager
    def take_pair(self, user_id: str, other_user_id: str) -> Iterator[LockedPair]:
        with super().take_pair(user_id, other_user_id) as pair:
            self.waits()
            yield pair


def test_what_became_of_a_message_is_told_of_the_one_who_is_left(sending: StrategySystem, receiver: Receiver) -> None:
    """It was found as the other's, and is the survivor's once their timelines can be locked."""
    sending.spends("ann", 2_000, START, "o-ann")
    welcomed(sending, "bob")
    identities = _OnceSomebodyWaits(sending.pool, sending.keyring, sending.evaluation, (move_grants, move_assignments))
    with ThreadPoolExecutor(1) as threads:

        def waits() -> None:
            telling.append(threads.submit(sending.strategies.send))
            wait_for(lambda: sending.rows(_BLOCKED) == [(1,)])

        telling = []
        identities.waits = waits
        MergeUsers(identities)("ann", "bob", "key:op", reason="one person")
        telling[0].result(20)
    send(sending)
    assert [(event["topic"], event["message_id"]) for event in outreach(sending, "ann")] == [
        ("user-tier.message-sent.v1", receiver.ids[0])
    ]
