"""Tags on a real ledger: decided at their instant, gone at their end, once for a command, proven afterwards."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from application.queries import UnknownUser
from application.tags.add_tag import AddTag
from domain.facts.history import SubjectInHistory
from domain.facts.instants import SECOND, parse_instant
from domain.user_tier.tagging import TagEndsInPast, TagInvalid
from infrastructure.event_store.application import Ledger
from tests.support.ledger import LedgerSystem, order

DAY = 86_400 * SECOND
START = parse_instant("2026-03-02T00:00:00Z")
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["low", "high"],
    "features": {"orders": {"count": "order"}},
    "rules": {"high": "tag('vip') or orders >= 3"},
}


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        yield system


@pytest.fixture
def ann(system: LedgerSystem) -> str:
    """A user on the lowest tier, decided."""
    system.activate(MODEL)
    system.facts([order("o1", "ann", START)])
    system.settle()
    return "ann"


def told(system: LedgerSystem, user_id: str = "ann") -> list[tuple[Any, ...]]:
    """Topic, tiers and cause of all events but the first decision's."""
    events = system.events()[user_id]
    return [(e["topic"][10:-3], e.get("tag"), e["from"], e["to"], e.get("cause")) for e in events[2:]]


def test_a_tag_counts_from_its_instant_on_and_no_longer(system: LedgerSystem, ann: str) -> None:
    added = system.add_tag(ann, "vip", "key:op", reason="a friend of the house")
    assert added.changed and added.position > 0
    system.clock.set(START + DAY)
    removed = system.remove_tag(ann, "vip", "key:op")
    assert removed.changed and removed.position > added.position
    assert told(system) == [
        ("tag-added", "vip", None, None, None),
        ("tier-changed", None, "low", "high", "evaluation"),
        ("tag-removed", "vip", None, None, None),
        ("tier-changed", None, "high", "low", "evaluation"),
    ]
    events = system.events()[ann][2:]
    assert events[0]["at"] == events[1]["at"] < START + DAY <= events[2]["at"] == events[3]["at"]
    assert events[0]["reason"] == "a friend of the house"
    assert system.settle() == 0, "nothing is left to decide"
    system.assert_proven()


def test_a_tag_ends_by_itself(system: LedgerSystem, ann: str) -> None:
    until = START + 3 * DAY + 7
    assert system.add_tag(ann, "vip", "key:op", until=until).until == until
    assert (system.observed("ann").tags, system.observed("ann").tag_until) == (["vip"], {"vip": until})
    system.clock.set(START + 5 * DAY)
    assert system.settle() == 1
    assert told(system)[-1] == ("tier-changed", None, "high", "low", "timer")
    assert system.events()[ann][-1]["at"] == until
    assert (system.observed("ann").tags, system.observed("ann").tag_until) == ([], {})
    system.assert_proven()


def test_the_end_of_a_tag_that_no_rule_reads_is_observed_too(system: LedgerSystem, ann: str) -> None:
    system.add_tag(ann, "pilot", "key:op", until=START + DAY)
    system.add_tag(ann, "beta", "key:op")
    assert system.observed("ann").tags == ["beta", "pilot"]
    system.clock.set(START + 2 * DAY)
    system.settle()
    assert system.observed("ann").tags == ["beta"]
    assert len(told(system)) == 2, "a tag's end is no event"


def test_what_is_so_already_is_not_recorded(system: LedgerSystem, ann: str) -> None:
    assert system.remove_tag(ann, "vip", "key:op").changed is False
    system.add_tag(ann, "vip", "key:op", until=START + DAY)
    again = system.add_tag(ann, "vip", "key:op", until=START + DAY, reason="once more")
    assert (again.changed, again.position) == (False, 0)
    assert system.add_tag(ann, "vip", "key:op").changed, "for good is another end"
    system.clock.set(START + 2 * DAY)
    system.settle()
    assert [entry[0] for entry in told(system)] == ["tag-added", "tier-changed", "tag-added"]
    assert system.observed("ann").tags == ["vip"]
    system.assert_proven()


def test_a_tag_that_has_ended_may_come_again(system: LedgerSystem, ann: str) -> None:
    system.add_tag(ann, "vip", "key:op", until=START + DAY)
    system.clock.set(START + 2 * DAY)
    assert system.remove_tag(ann, "vip", "key:op").changed is False, "it is there no more, decided or not"
    assert system.add_tag(ann, "vip", "key:op", until=START + 3 * DAY).changed
    moved = [entry[2:4] for entry in told(system) if entry[0] == "tier-changed"]
    assert moved == [("low", "high"), ("high", "low"), ("low", "high")]
    system.assert_proven()


def test_a_command_happens_once_under_its_name(system: LedgerSystem, ann: str) -> None:
    first = system.add_tag(ann, "vip", "key:op", command_id="k/1")
    system.remove_tag(ann, "vip", "key:op", command_id="k/2")
    again = system.add_tag(ann, "vip", "key:op", command_id="k/1")  # as after a crash before the answer was kept
    assert again.changed and again.position <= first.position
    assert [entry[0] for entry in told(system)] == ["tag-added", "tier-changed", "tag-removed", "tier-changed"]
    assert system.observed("ann").tags == []


def test_a_user_without_any_decision_may_be_tagged(system: LedgerSystem) -> None:
    system.facts([order("o1", "bob", START)])
    assert system.add_tag("bob", "vip", "key:op").changed
    topics = [event["topic"] for event in system.events()["bob"]]
    assert topics == ["user-tier.user-enrolled.v1", "user-tier.tag-added.v1"]
    system.activate(MODEL)
    system.settle()
    assert system.events()["bob"][-1]["to"] == "high"
    system.assert_proven()


def test_the_stream_tells_the_tags(system: LedgerSystem, ann: str) -> None:
    system.add_tag(ann, "vip", "key:op")
    system.add_tag(ann, "pilot", "key:op", until=START + DAY)
    system.add_tag(ann, "gone", "key:op")
    system.remove_tag(ann, "gone", "key:op")
    with system.pool.connection() as connection:
        row = connection.execute("select subject_id from user_ids").fetchone()
    user = Ledger(system.pool, system.keyring).user_tier(row[0])  # type: ignore[index]
    assert user is not None and user.tags == {"vip": None, "pilot": START + DAY}


@pytest.mark.parametrize("tag", ["", " ", "x" * 65, "it's", 'a"b', "a\\b", "a\nb", "a\0", " x", "x "])
def test_names_that_no_condition_could_write(system: LedgerSystem, ann: str, tag: str) -> None:
    for command in (system.add_tag, system.remove_tag):
        with pytest.raises(TagInvalid) as refused:
            command(ann, tag, "key:op")
        assert refused.value.complaints[0].field == "tag"


def test_refusals_record_nothing(system: LedgerSystem, ann: str) -> None:
    with pytest.raises(UnknownUser):
        system.add_tag("nobody", "vip", "key:op")
    with pytest.raises(TagEndsInPast):
        system.add_tag(ann, "vip", "key:op", until=START)
    with pytest.raises(TagInvalid):
        system.add_tag(ann, "vip", "key:op", reason="x" * 501)
    session = system.sessions.open("test")
    system.facts([order("o1", "eve", START - DAY)], session.history_id)
    with pytest.raises(SubjectInHistory):
        system.add_tag("eve", "vip", "key:op")
    assert told(system) == []


def test_a_crash_before_the_commit_leaves_nothing(database: str, system: LedgerSystem, ann: str) -> None:
    class Dying:
        """The ledger, whose connection dies under the command."""

        @contextmanager
        def take_user(self, user_id: str, *, whole: bool = False) -> Iterator[Any]:
            with system.add_tag._ledger.take_user(user_id) as taken:
                with psycopg.connect(database, autocommit=True) as killer:
                    backend = taken.connection.info.backend_pid  # type: ignore[attr-defined]
                    killer.execute("select pg_terminate_backend(%s)", (backend,))
                yield taken

    with pytest.raises(psycopg.OperationalError):
        AddTag(Dying(), system.tag_definitions)(ann, "vip", "key:op")  # type: ignore[arg-type]
    assert told(system) == []
    assert system.add_tag(ann, "vip", "key:op").changed


def test_commands_at_once_are_decided_one_after_the_other(system: LedgerSystem, ann: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        tags = [f"t{number}" for number in range(12)]
        changed = list(threads.map(lambda tag: system.add_tag(ann, tag, "key:op").changed, tags))
    assert all(changed)
    assert system.observed("ann").tags == sorted(tags)
    instants = [event["at"] for event in system.events()[ann][2:]]
    assert len(set(instants)) == 12 and instants == sorted(instants)
    system.assert_proven()


def test_an_activation_that_was_missed_is_decided_before_the_command(system: LedgerSystem, ann: str) -> None:
    system.clock.set(START + DAY)
    system.activate({**MODEL, "rules": {"high": "tag('vip') or orders >= 1"}})
    system.clock.set(START + 2 * DAY)
    system.add_tag(ann, "vip", "key:op")
    assert told(system) == [
        ("tier-changed", None, "low", "high", "model-change"),
        ("tag-added", "vip", None, None, None),
    ]
    assert system.settle() == 0
    system.assert_proven()
