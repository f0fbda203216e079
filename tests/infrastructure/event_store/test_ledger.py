"""Aggregates through the library: sealed on the way in, decoded by the allow-list on the way out."""

from typing import Any
from uuid import uuid4

import pytest
from eventsourcing.persistence import IntegrityError

from domain.tier_model.aggregate import TierModel, model_id_of
from domain.tier_model.version import By
from domain.user_tier.aggregate import UserTier
from domain.user_tier.events import TierChanged
from infrastructure.event_store.append import AppendBatch, append
from infrastructure.event_store.application import Ledger
from infrastructure.event_store.catalogue import DataInvalid, SchemaNewerThanCode, TopicUnknown
from infrastructure.event_store.mapper import SubjectErased
from infrastructure.event_store.subjects import SubjectRef
from infrastructure.postgres.pool import transaction
from infrastructure.security.seal import CONTEXT_EVENT
from tests.infrastructure.event_store.world import ALL, World, event


@pytest.fixture
def ledger(world: World) -> Ledger:
    return Ledger(world.pool, world.keyring)


def enrolled(ref: SubjectRef) -> UserTier:
    return UserTier.enrol(ref.subject_id, at=1_000_000, actor="evaluator", command_id="c-1", causation="fact")


def change(user: UserTier, to_tier: str, at: int, **fields: Any) -> None:
    user.record(
        TierChanged,
        effective_at=at,
        scheme="value",
        scope="",
        from_tier=None,
        to_tier=to_tier,
        actor="evaluator",
        command_id="",
        causation="",
        **{"cause": "evaluation", "receipt": {"secret": "spend 4711"}, **fields},
    )


def drafted(scheme: str = "value") -> TierModel:
    return TierModel.first_draft(
        scheme, spec={"scheme": scheme}, content_hash="h1", unfitted=[], by=By(at=5, actor="analyst")
    )


def test_a_subject_comes_back_as_it_was_saved(world: World, ledger: Ledger) -> None:
    (ann,) = world.enrol("ann")
    user = enrolled(ann)
    change(user, "low", 2_000_000)
    change(user, "mid", 3_000_000)
    ledger.save(user)
    again = ledger.user_tier(ann.subject_id)
    assert again is not None
    assert again.standings == user.standings
    standing = again.standing("value")
    assert standing is not None
    assert (standing.tier, standing.since, standing.event_id) == ("mid", 3_000_000, f"{ann.subject_id.hex}-3")
    assert again.version == 3


def test_what_it_saves_and_what_the_append_writes_read_alike(world: World, ledger: Ledger) -> None:
    (ann,) = world.enrol("ann")
    ledger.save(enrolled(ann))
    with transaction(world.pool) as connection:
        append(connection, AppendBatch([event(ann, 2, to_tier="high", effective_at=9_000_000)]))
    user = ledger.user_tier(ann.subject_id)
    assert user is not None
    change(user, "mid", 10_000_000)
    ledger.save(user)
    records = world.tail.read(ALL, 0, 10).records
    assert [(r.topic, r.to_tier, r.effective_at) for r in records] == [  # type: ignore[union-attr]
        ("user-tier.user-enrolled.v1", None, 1_000_000),
        ("user-tier.tier-changed.v1", "high", 9_000_000),
        ("user-tier.tier-changed.v1", "mid", 10_000_000),
    ]
    assert records[2].data == {  # type: ignore[union-attr]
        "cause": "evaluation",
        "receipt": {"secret": "spend 4711"},
        "keeps_since": False,
        "opened": None,
    }


def test_it_is_sealed_and_stamped(world: World, ledger: Ledger) -> None:
    (ann,) = world.enrol("ann")
    user = enrolled(ann)
    change(user, "low", 2_000_000)
    ledger.save(user)
    with transaction(world.pool) as connection:
        rows = connection.execute("select state, recorded_at, command_id from events order by position").fetchall()
        now = connection.execute("select tierline_peek()").fetchone()
    assert now is not None
    assert all(b"4711" not in state and 0 < recorded_at <= now[0] for state, recorded_at, _ in rows)
    assert [command_id for *_, command_id in rows] == ["c-1", ""]
    assert b"4711" in ann.seal.unseal(CONTEXT_EVENT, rows[1][0])


def test_a_model_is_not_sealed_and_comes_back(world: World, ledger: Ledger) -> None:
    ledger.save(drafted())
    model = ledger.tier_model("value")
    assert model is not None
    model.activate(1, by=By(at=6, actor="approver"))
    ledger.save(model)
    again = ledger.tier_model("value")
    assert again is not None and again.active is not None
    assert (again.scheme, again.active.number, again.active.activated_at) == ("value", 1, 6)
    records = world.tail.read(ALL, 0, 10).records
    assert [(r.topic, r.subject_id, r.scheme, r.user_ids) for r in records] == [  # type: ignore[union-attr]
        ("tier-model.drafted.v1", model_id_of("value"), "value", ()),
        ("tier-model.activated.v1", model_id_of("value"), "value", ()),
    ]


def test_nothing_recorded_is_none(ledger: Ledger) -> None:
    assert ledger.user_tier(uuid4()) is None
    assert ledger.tier_model("value") is None


def test_two_first_drafts_of_one_scheme_conflict(ledger: Ledger) -> None:
    ledger.save(drafted())
    with pytest.raises(IntegrityError, match="decide anew"):
        ledger.save(drafted())


def test_saving_joined_is_one_transaction(world: World, ledger: Ledger) -> None:
    (ann,) = world.enrol("ann")
    with transaction(world.pool) as connection:
        connection.execute("update timelines set stream_version = 1 where subject_id = %s", (ann.subject_id,))
        assert ledger.save_joined(connection, enrolled(ann)) == 1


def test_a_conflict_takes_the_callers_statements_with_it(world: World, ledger: Ledger) -> None:
    (ann,) = world.enrol("ann")
    ledger.save(enrolled(ann))

    def write() -> None:
        with transaction(world.pool) as connection:
            connection.execute("update timelines set stream_version = 9 where subject_id = %s", (ann.subject_id,))
            ledger.save_joined(connection, enrolled(ann))

    with pytest.raises(IntegrityError):
        write()
    with transaction(world.pool) as connection:
        assert connection.execute("select stream_version from timelines").fetchone() == (0,)


def test_an_erased_subject_can_be_neither_read_nor_written(world: World, ledger: Ledger) -> None:
    (ann,) = world.enrol("ann")
    ledger.save(enrolled(ann))
    user = ledger.user_tier(ann.subject_id)
    assert user is not None
    world.erase(ann)
    with pytest.raises(SubjectErased, match=str(ann.subject_id)):
        ledger.user_tier(ann.subject_id)
    change(user, "low", 2_000_000)
    with pytest.raises(SubjectErased):
        ledger.save(user)


@pytest.mark.parametrize(
    ("topic", "fault"), [("user-tier.tier-changed.v2", SchemaNewerThanCode), ("subprocess:run", TopicUnknown)]
)
def test_names_from_the_database_are_never_imported(
    world: World, ledger: Ledger, topic: str, fault: type[Exception]
) -> None:
    (ann,) = world.enrol("ann")
    ledger.save(enrolled(ann))
    with transaction(world.pool) as connection:
        append(connection, AppendBatch([event(ann, 2)._replace(topic=topic)]))
    with pytest.raises(fault):
        ledger.user_tier(ann.subject_id)


def test_what_could_not_be_read_again_is_not_written(world: World, ledger: Ledger) -> None:
    (ann,) = world.enrol("ann")
    user = enrolled(ann)
    change(user, "low", 2_000_000, receipt="not a receipt")
    with pytest.raises(DataInvalid):
        ledger.save(user)
    assert world.count() == 0
