"""Catching up: lanes, leases, fences, checkpoints, parked subjects."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from opensearchpy import OpenSearch
from psycopg.errors import OperationalError
from redis import Redis

from infrastructure.event_store.tail import LogTail
from infrastructure.postgres.pool import Pool
from infrastructure.read_models.ledger import PostgresLedger
from projections.catalogue import TRANSITIONS, USER_CARD, USER_SEARCH, ReadModel
from projections.catch_up import CatchUp
from projections.checkpoint import Status
from projections.read_models import ReadModels
from projections.records import Record
from projections.transitions.view import TransitionsView
from projections.user_card.projector import project as card_of
from projections.user_card.view import UserCards, UserCardView
from projections.user_search.projector import project as document_of
from projections.user_search.view import UserSearchView, user_search_index
from tests.projections.written_log import WrittenLog

USERS = {f"u{number}": ["low", "mid", "high"][number % 3] for number in range(60)}
THIRDS = {"low": 20, "mid": 20, "high": 20}


@pytest.fixture
def catch_up(tail: LogTail, ledger: PostgresLedger, redis: Redis) -> Callable[..., CatchUp]:
    ledger.register("user_card", USER_CARD.version, Status.SERVING, USER_CARD.lanes)

    def make(holder: str, projector: Callable[[Record], Any] = card_of, **options: Any) -> CatchUp:
        return CatchUp(USER_CARD, USER_CARD.version, projector, UserCards(redis), tail, ledger, holder, **options)

    return make


def test_all_three_come_to_the_head(
    models: ReadModels,
    log: WrittenLog,
    cards: UserCardView,
    search: UserSearchView,
    transitions: TransitionsView,
) -> None:
    log.decide(USERS)
    head = log.decide({"u0": "high"})
    for name in ("user_card", "user_search", "transitions"):
        assert models.to_head(name)
        assert not models.catch_up(name).records  # nothing is read twice
    expected = {**THIRDS, "low": 19, "high": 21}
    assert cards.counts()["value"] == expected
    assert search.search(facets={"tier": "tiers.value"}).facets == {"tier": expected}
    moved = [one for one in transitions.matching() if one["from_tier"]]
    assert [(one["from_tier"], one["to_tier"], one["cause"]) for one in moved] == [("low", "high", "evaluation")]
    assert len(list(transitions.matching())) == 61
    assert all((one.position, one.lag_events, one.lag_seconds) == (head, 0, 0) for one in models.status())


def test_small_batches_cut_at_any_position(
    catch_up: Callable[..., CatchUp], log: WrittenLog, cards: UserCardView
) -> None:
    log.decide(USERS)
    assert catch_up("me", batch=3).run(30, answers=True).at_head
    assert cards.counts()["value"] == THIRDS


def test_lanes_held_by_another_are_left_to_them(
    catch_up: Callable[..., CatchUp], ledger: PostgresLedger, log: WrittenLog, cards: UserCardView
) -> None:
    log.decide(USERS)
    ledger.acquire("user_card", USER_CARD.version, [0, 2], "somebody else", 60)
    progress = catch_up("me").run(30, answers=True)
    assert progress.busy == {0, 2}
    assert not progress.at_head
    assert 0 < sum(cards.counts()["value"].values()) < len(USERS)
    ledger.release("user_card", USER_CARD.version, "somebody else")
    assert catch_up("me").run(30, answers=True).at_head
    assert cards.counts()["value"] == THIRDS


def test_who_lost_the_lease_writes_nothing_more(
    catch_up: Callable[..., CatchUp], ledger: PostgresLedger, log: WrittenLog, cards: UserCardView
) -> None:
    log.decide({"ann": "low"})

    def slow(record: Record) -> Any:
        # Paused for longer than its lease: meanwhile another one takes the lanes, and the user moves on.
        if not taken:
            taken.append(True)
            log.decide({"ann": "high"})
            expire(ledger)
            assert catch_up("the new one").run(30, answers=True).at_head
        return card_of(record)

    taken: list[bool] = []
    progress = catch_up("the old one", slow).run(30, answers=True)
    assert progress.busy
    assert cards.counts()["value"] == {"high": 1}
    assert b'"tier":"high"' in (cards.read("ann") or b"")


def test_search_checkpoints_are_what_a_search_can_see(
    tail: LogTail,
    ledger: PostgresLedger,
    search_client: OpenSearch,
    opensearch,
    search: UserSearchView,
    log: WrittenLog,
) -> None:
    ledger.register("user_search", USER_SEARCH.version, Status.SERVING, USER_SEARCH.lanes)
    target = user_search_index(search_client, opensearch.prefix)
    log.decide(USERS)
    refresh, target.settle = target.settle, killed  # type: ignore[method-assign]
    one = CatchUp(USER_SEARCH, USER_SEARCH.version, document_of, target, tail, ledger, "me")
    with pytest.raises(KeyboardInterrupt):
        one.run(30, answers=True)
    assert search.search().total == 0
    assert set(ledger.positions("user_search", USER_SEARCH.version).values()) == {0}
    target.settle = refresh  # type: ignore[method-assign]
    assert one.run(30, answers=True).at_head
    assert search.search().total == len(USERS)


def test_a_stale_holder_cannot_move_a_checkpoint(ledger: PostgresLedger) -> None:
    ledger.register("user_search", USER_SEARCH.version, Status.SERVING, 4)
    (old,) = ledger.acquire("user_search", USER_SEARCH.version, [0], "old", 0.0)
    (new,) = ledger.acquire("user_search", USER_SEARCH.version, [0], "new", 60)
    assert new.fence > old.fence
    assert ledger.save("user_search", USER_SEARCH.version, {0: (new.fence, 10)}) == {0}
    assert ledger.save("user_search", USER_SEARCH.version, {0: (old.fence, 20)}) == set()
    assert ledger.positions("user_search", USER_SEARCH.version)[0] == 10


def test_a_poisoned_subject_waits_alone_and_loses_nothing(
    catch_up: Callable[..., CatchUp], ledger: PostgresLedger, log: WrittenLog, cards: UserCardView
) -> None:
    log.decide(USERS)
    poisoned = log.subject_of("u3")
    one = catch_up("me", failing_for(poisoned))
    assert one.run(30, answers=True).at_head
    (parked,) = ledger.parked("user_card", USER_CARD.version)
    assert (parked.subject_id, parked.error) == (poisoned, "ValueError: poison")
    log.decide({"u3": "high", "u6": "mid"})
    assert one.run(30, answers=True).at_head
    assert cards.read("u3") is None
    assert cards.counts()["value"] == {"low": 18, "mid": 21, "high": 20}

    assert one.retry_parked() == 0  # still poison
    assert ledger.parked("user_card", USER_CARD.version)[0].position == parked.position
    assert catch_up("mended").retry_parked() == 1
    assert ledger.parked("user_card", USER_CARD.version) == []
    assert cards.counts()["value"] == {"low": 18, "mid": 21, "high": 21}


def test_an_unreadable_record_is_parked(
    catch_up: Callable[..., CatchUp], ledger: PostgresLedger, log: WrittenLog, pool: Pool
) -> None:
    log.decide({"ann": "low", "bob": "low"})
    with pool.connection() as connection:
        connection.execute("update observations set body = 'x' where subject_id = %s", (log.subject_of("ann"),))
    assert catch_up("me").run(30, answers=True).at_head
    assert [row.subject_id for row in ledger.parked("user_card", USER_CARD.version)] == [log.subject_of("ann")]


def test_every_lane_reads_its_own_partitions() -> None:
    for model in (USER_CARD, USER_SEARCH, TRANSITIONS, ReadModel("any", 1, "redis", lanes=3)):
        parts = [part for lane in range(model.lanes) for part in model.partitions(lane)]
        assert sorted(parts) == list(range(8))


def test_resume_frees_the_parked(
    models: ReadModels, log: WrittenLog, ledger: PostgresLedger, cards: UserCardView
) -> None:
    log.decide({"ann": "low"})
    models.catch_up("transitions")  # registers it
    models.pause("user_card")
    models.catch_up("user_card")
    assert cards.read("ann") is None
    ledger.park("user_card", USER_CARD.version, log.subject_of("ann"), 1, "by hand")
    assert [row.error for row in models.parked("user_card")] == ["by hand"]
    assert next(one for one in models.status() if one.name == "user_card").parked[0].error == "by hand"
    assert models.resume("user_card") == 1
    assert msgspec.json.decode(cards.read("ann") or b"")["standings"]["value"]["tier"] == "low"


def failing_for(subject_id: Any) -> Callable[[Record], Any]:
    def projector(record: Record) -> Any:
        if record.subject_id == subject_id:
            raise ValueError("poison")
        return card_of(record)

    return projector


def killed(version: int) -> None:
    raise KeyboardInterrupt


def expire(ledger: PostgresLedger) -> None:
    with ledger._pool.connection() as connection:
        connection.execute("update checkpoints set lease_until = clock_timestamp() - interval '1 second'")


def test_a_database_that_is_away_is_a_fault_not_poison(
    catch_up: Callable[..., CatchUp], ledger: PostgresLedger, log: WrittenLog
) -> None:
    log.decide({"ann": "low"})

    def away(record: Record) -> Any:
        return card_of(record)

    one = catch_up("me", away)
    one._target.apply = unreachable  # type: ignore[method-assign]
    with pytest.raises(OperationalError):
        one.run(30, answers=True)
    assert ledger.parked("user_card", USER_CARD.version) == []


def unreachable(*_: Any) -> Any:
    raise OperationalError("away")
