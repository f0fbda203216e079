"""Cards in Redis: their shape, and what a write may and may not do."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec.structs import replace
from redis import Redis

from domain.user_tier.holds import Freeze, Pin
from projections.catalogue import USER_CARD
from projections.records import ObservationRecord
from projections.target import LaneBatch, LaneLost
from projections.user_card.projector import project
from projections.user_card.view import UserCards, UserCardView, prefix
from tests.projections.written_log import SHOP, START, observation

VERSION = USER_CARD.version


@pytest.fixture
def target(redis: Redis) -> UserCards:
    return UserCards(redis)


def seen(tier: str, position: int, subject_id: UUID, *user_ids: str) -> ObservationRecord:
    return ObservationRecord(position, subject_id, user_ids, position - 1, START, observation(tier, START, 1, 0))


def write(target: UserCards, *records: ObservationRecord, after: int = 0, fence: int = 1) -> int:
    position = records[-1].position
    batch = LaneBatch(0, fence, after, position, [project(record) for record in records])
    assert target.apply(VERSION, batch) == []
    return position


def test_a_card_has_the_published_shape(target: UserCards, cards: UserCardView) -> None:
    subject_id = uuid4()
    write(target, seen("mid", 7, subject_id, "ann"))
    card = msgspec.json.decode(cards.read("ann"))
    assert card.keys() >= {"user_id", "standings", "tags", "strategies", "grants", "position", "through", "subject_id"}
    assert (card["user_id"], card["position"], card["through"]) == ("ann", 7, 6)
    assert UUID(card["subject_id"]) == subject_id
    standing = card["standings"]["value"]
    assert (standing["tier"], standing["since"], standing["pinned"]) == ("mid", "2026-01-01T00:00:00Z", False)
    assert (standing["grace_until"], standing["next_tier"], standing["may_drop_on"]) == (
        None,
        "high",
        "2026-01-02T00:00:00Z",
    )
    assert standing["missing"] == [{"feature": "spend", "at_least": 200_000, "more": 80_000}]
    assert set(card["standings"]) == {"value", "behaviour", "feature", "club"}
    assert "growth" not in standing
    assert card["standings"]["club"]["growth"] == {
        "balance": 520,
        "carried": 150,
        "settled_at": "2025-12-31T23:00:00Z",
    }
    merchants = card["scopes"]["loyalty"]
    assert {scope: at["tier"] for scope, at in merchants.items()} == {"m-1": "mid", SHOP: "low"}
    assert merchants["m-1"].keys() == standing.keys()


@pytest.mark.parametrize(
    ("grace_until", "held", "told"),
    [
        (START + 1, {}, "2026-01-01T00:00:00.000001Z"),
        (START, {}, None),
        (START + 1, {"pin": Pin("floor", "mid", 0)}, None),
        (START + 2, {"pin": Pin("floor", "mid", 0, START + 1)}, "2026-01-01T00:00:00.000002Z"),
        (START + 1, {"pin": Pin("ceiling", "mid", 0)}, "2026-01-01T00:00:00.000001Z"),
        (START + 1, {"pin": Pin("exact", "mid", 0)}, None),
        (START + 1, {"frozen": Freeze(0)}, None),
        (START + 1, {"frozen": Freeze(0, START + 1)}, None),
        (START + 2, {"frozen": Freeze(0, START + 1)}, "2026-01-01T00:00:00.000002Z"),
    ],
)
def test_a_grace_that_holds_nothing_any_more_is_not_told(
    target: UserCards, cards: UserCardView, grace_until: int, held: dict[str, Any], told: str | None
) -> None:
    record = seen("mid", 7, uuid4(), "ann")
    value = record.observation.schemes["value"]
    value[""] = replace(value[""], standing=replace(value[""].standing, grace_until=grace_until, **held))
    write(target, record)
    assert msgspec.json.decode(cards.read("ann"))["standings"]["value"]["grace_until"] == told


def test_a_card_without_scopes_names_none(target: UserCards, cards: UserCardView) -> None:
    record = seen("mid", 7, uuid4(), "ann")
    del record.observation.schemes["loyalty"]
    write(target, record)
    assert "scopes" not in msgspec.json.decode(cards.read("ann"))


def test_scopes_are_counted_together_and_each(target: UserCards, cards: UserCardView, redis: Redis) -> None:
    ann, tiers = uuid4(), ["low", "mid", "high"]
    at = write(target, seen("low", 1, ann, "ann"), seen("mid", 2, uuid4(), "bob"))
    assert cards.counts()["loyalty"] == {"low": 3, "mid": 1}
    assert cards.scope_counts("loyalty", "m-1", tiers) == {"low": 1, "mid": 1, "high": 0}
    assert cards.scope_counts("loyalty", SHOP, tiers) == {"low": 2, "mid": 0, "high": 0}
    moved = seen("high", 3, ann, "ann")
    del moved.observation.schemes["loyalty"][SHOP]
    write(target, moved, after=at)
    assert cards.counts()["loyalty"] == {"low": 1, "mid": 1, "high": 1}
    assert cards.scope_counts("loyalty", "m-1", tiers) == {"low": 0, "mid": 1, "high": 1}
    assert cards.scope_counts("loyalty", "nowhere", tiers) == {"low": 0, "mid": 0, "high": 0}
    assert redis.hlen(f"{prefix(VERSION)}scope_counts") == 3, "nothing is kept for a tier that nobody stands on"


def test_applied_twice_is_as_applied_once(target: UserCards, cards: UserCardView, redis: Redis) -> None:
    record = seen("mid", 7, uuid4(), "ann")
    position = write(target, record)
    once = {key: redis.dump(key) for key in redis.scan_iter()}
    write(target, record, after=position)
    assert {key: redis.dump(key) for key in redis.scan_iter()} == once
    assert cards.counts()["value"] == {"mid": 1}


def test_an_older_observation_changes_nothing(target: UserCards, cards: UserCardView) -> None:
    subject_id = uuid4()
    write(target, seen("high", 9, subject_id, "ann"))
    write(target, seen("low", 7, subject_id, "ann"), after=9)
    assert msgspec.json.decode(cards.read("ann"))["standings"]["value"]["tier"] == "high"
    assert cards.counts()["value"] == {"high": 1}


def test_counts_follow_each_subject_once(target: UserCards, cards: UserCardView) -> None:
    ann, bob = uuid4(), uuid4()
    at = write(target, seen("low", 1, ann, "ann", "ann-phone"), seen("low", 2, bob, "bob"))
    assert cards.counts()["value"] == {"low": 2}
    assert cards.counts()["behaviour"] == {"active": 2}
    write(target, seen("high", 3, ann, "ann", "ann-phone"), after=at)
    assert cards.counts()["value"] == {"low": 1, "high": 1}
    assert set(cards.read_many(["ann", "ann-phone", "bob", "nobody"])) == {"ann", "ann-phone", "bob"}


def test_one_subject_twice_in_a_batch_is_its_last(target: UserCards, cards: UserCardView) -> None:
    ann = uuid4()
    write(target, seen("low", 1, ann, "ann"), seen("mid", 2, ann, "ann"))
    assert cards.counts()["value"] == {"mid": 1}


def test_a_lower_fence_is_refused_and_writes_nothing(target: UserCards, cards: UserCardView) -> None:
    at = write(target, seen("low", 1, uuid4(), "ann"), fence=5)
    with pytest.raises(LaneLost, match="fence"):
        write(target, seen("low", 2, uuid4(), "bob"), after=at, fence=4)
    assert cards.read("bob") is None
    assert target.positions(VERSION) == {0: 1}


def test_a_checkpoint_that_is_elsewhere_is_refused(target: UserCards, cards: UserCardView, redis: Redis) -> None:
    at = write(target, seen("low", 1, uuid4(), "ann"))
    redis.flushdb()
    with pytest.raises(LaneLost, match="position"):
        write(target, seen("low", 2, uuid4(), "bob"), after=at)
    assert cards.read("bob") is None


def test_a_restarted_redis_has_forgotten_the_script(target: UserCards, cards: UserCardView, redis: Redis) -> None:
    at = write(target, seen("low", 1, uuid4(), "ann"))
    redis.script_flush()
    write(target, seen("low", 2, uuid4(), "bob"), after=at)
    assert cards.read("bob") is not None


def test_more_cards_than_one_call_takes(target: UserCards, cards: UserCardView) -> None:
    write(target, *[seen("low", at, uuid4(), f"user-{at}") for at in range(1, 1_202)])
    assert cards.counts()["value"] == {"low": 1_201}
    assert target.positions(VERSION) == {0: 1_201}


def test_a_reader_follows_a_switch(target: UserCards, cards: UserCardView) -> None:
    ann = uuid4()
    target.point_to(VERSION)
    write(target, seen("low", 1, ann, "ann"))
    assert cards.read("ann") is not None
    batch = LaneBatch(0, 1, 0, 1, [project(seen("high", 1, ann, "ann"))])
    target.apply(VERSION + 1, batch)
    target.point_to(VERSION + 1)
    assert msgspec.json.decode(cards.read("ann"))["standings"]["value"]["tier"] == "high"
    target.drop(VERSION)
    assert cards.read("ann") is not None
    assert cards.counts()["value"] == {"high": 1}
    assert list(cards.user_ids()) == ["ann"]


def test_user_ids_may_hold_any_character(target: UserCards, cards: UserCardView) -> None:
    names = ["*", "a[b]?", "张三", "x y\n", "{user_card.v1}"]
    write(target, *[seen("low", at, uuid4(), name) for at, name in enumerate(names, 1)])
    assert set(cards.read_many(names)) == set(names)
    assert sorted(cards.user_ids()) == sorted(names)


def test_a_merged_subject_has_no_card_and_counts_no_more(target: UserCards, cards: UserCardView) -> None:
    ann, bob = uuid4(), uuid4()
    at = write(target, seen("low", 1, ann, "ann"), seen("mid", 2, bob, "bob"))
    write(target, seen("low", 3, bob), seen("high", 4, ann, "ann", "bob"), after=at)
    assert cards.counts()["value"] == {"high": 1}
    for user in ("ann", "bob"):
        card = msgspec.json.decode(cards.read(user))
        assert (card["user_id"], UUID(card["subject_id"]), card["position"]) == (user, ann, 4)


def test_a_lane_that_is_late_does_not_bring_back_the_card_of_an_id_that_was_split_off(
    target: UserCards, cards: UserCardView
) -> None:
    """What the old subject's lane read before the split is written after the new subject's card."""
    stays, new = uuid4(), uuid4()
    late = seen("high", 7, stays, "ann", "bob")
    write(target, msgspec.structs.replace(seen("low", 9, new, "bob"), shared=True))
    batch = LaneBatch(1, 1, 0, 8, [project(late)])
    assert target.apply(VERSION, batch) == []
    found = {user: msgspec.json.decode(cards.read(user)) for user in ("ann", "bob")}
    assert {user: card["subject_id"] for user, card in found.items()} == {"ann": stays.hex, "bob": new.hex}
    assert found["bob"]["standings"]["value"]["tier"] == "low"


def test_a_lane_that_is_late_does_not_bring_a_merged_users_card_back(
    target: UserCards, cards: UserCardView, redis: Redis
) -> None:
    """One lane read bob's observation before the merge, and writes after another has written ann's."""
    ann, bob = uuid4(), uuid4()
    late = [project(seen("mid", 2, bob, "bob"))]
    assert target.apply(VERSION, LaneBatch(1, 1, 0, 4, [project(seen("high", 4, ann, "ann", "bob"))])) == []
    assert target.apply(VERSION, LaneBatch(0, 1, 0, 2, late)) == []
    assert UUID(msgspec.json.decode(cards.read("bob"))["subject_id"]) == ann
    assert target.apply(VERSION, LaneBatch(0, 1, 2, 3, [project(seen("mid", 3, bob))])) == []
    assert cards.counts()["value"] == {"high": 1}
    # Whatever names the user id later may write the card: ann again, or another one.
    assert target.apply(VERSION, LaneBatch(1, 1, 4, 5, [project(seen("low", 5, ann, "ann", "bob"))])) == []
    assert target.apply(VERSION, LaneBatch(2, 1, 0, 6, [project(seen("mid", 6, uuid4(), "bob"))])) == []
    assert msgspec.json.decode(cards.read("ann"))["position"] == 5
    assert msgspec.json.decode(cards.read("bob"))["position"] == 6
