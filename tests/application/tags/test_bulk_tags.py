"""A tag for many on a real ledger: once for each, whatever breaks, and back again without touching what others did."""

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import pytest

from application.runs.perform_runs import PerformRuns
from application.tags.bulk import BULK_TAG, BulkTagJob, BulkTags
from application.tags.bulk_ports import Bulk, BulkCannot, BulkInvalid, BulkWanted, UnknownBulk
from domain.facts.instants import SECOND, parse_instant
from domain.tags.aggregate import TagDefinition
from domain.tags.definition import Lineage, TagKeptByRule, TagSpec, TagValueInvalid, spec_to_json
from domain.tier_model.version import By
from domain.user_tier.tagging import TagEndsInPast, TagInvalid
from infrastructure.runs.store import PostgresRuns
from infrastructure.tags.bulks import PostgresBulks
from tests.support.ledger import LedgerSystem, order
from tests.support.tags import tags_of
from tests.support.waiting import wait_for

DAY = 86_400 * SECOND
START = parse_instant("2026-03-02T00:00:00Z")
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["low", "high"],
    "features": {"orders": {"count": "order"}},
    "rules": {"high": "tag('vip')"},
}
SIZE = TagSpec("crm", "what fits", type="choice", options=("S", "L"))


class Bulks:
    """Bulks as people and workers have them."""

    def __init__(self, system: LedgerSystem) -> None:
        self.runs = PostgresRuns(system.pool, system.keyring)
        self.ledger = PostgresBulks(system.pool, system.keyring, system.evaluation)
        self.bulk = BulkTags(self.ledger, self.runs, system.tag_definitions, cast(Any, None))
        self.perform = PerformRuns(self.runs, {BULK_TAG: BulkTagJob(self.ledger)})

    def preview(self, users: list[str], tag: str = "vip", **wanted: Any) -> Bulk:
        terms = {"action": "add", "value": None, "until": None, "reason": "spring"} | wanted
        return self.bulk.preview(BulkWanted(tag, **terms), "key:op", users)

    def done(self, bulk: Bulk) -> dict[str, int]:
        """Perform all that waits; what became of the users."""
        while self.perform():
            pass
        return dict(self.bulk.get(bulk.bulk_id).users)


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        system.activate(MODEL)
        system.facts([order("o1", user, START) for user in ("ann", "bob", "eve")])
        system.settle()
        yield system


@pytest.fixture
def bulks(system: LedgerSystem) -> Bulks:
    return Bulks(system)


def define(system: LedgerSystem, name: str, spec: TagSpec) -> None:
    with system.tag_definitions.change(name) as change:
        change.save(TagDefinition.define(None, name, spec_to_json(spec), By(change.now, "key:op")))


def test_looked_at_run_and_taken_back(system: LedgerSystem, bulks: Bulks) -> None:
    system.add_tag("bob", "vip", "key:other")
    bulk = bulks.preview(["ann", "bob", "ghost", "ann"])
    assert (bulk.users, bulk.unknown, bulk.unknown_first) == ({"waiting": 2}, 1, ["ghost"])
    assert sorted(bulk.sample) == ["ann", "bob"]
    assert tags_of(system, "ann", "bob") == [[], ["vip"]]
    bulks.bulk.run(bulk.bulk_id, "key:op")
    assert bulks.done(bulk) == {"changed": 1, "unchanged": 1}
    assert bulks.bulk.shown(bulks.bulk.get(bulk.bulk_id))["state"] == "done"
    assert tags_of(system, "ann", "bob", "eve") == [["vip"], ["vip"], []]
    added, moved = system.events()["ann"][-2:]
    assert (added["reason"], moved["to"], added["at"]) == ("spring", "high", moved["at"])
    bulks.bulk.revert(bulk.bulk_id, "key:op")
    assert bulks.done(bulk) == {"reverted": 1, "unchanged": 1}
    assert tags_of(system, "ann", "bob") == [[], ["vip"]]
    assert bulks.bulk.shown(bulks.bulk.get(bulk.bulk_id))["state"] == "reverted"
    system.assert_proven()


def test_what_somebody_has_touched_since_stays(system: LedgerSystem, bulks: Bulks) -> None:
    bulk = bulks.preview(["ann", "bob"])
    bulks.bulk.run(bulk.bulk_id, "key:op")
    bulks.done(bulk)
    system.add_tag("ann", "other", "key:op")  # another tag is none of its business
    system.remove_tag("bob", "vip", "key:op")
    system.add_tag("bob", "vip", "key:op", reason="by hand")
    bulks.bulk.revert(bulk.bulk_id, "key:op")
    assert bulks.done(bulk) == {"reverted": 1, "kept": 1}
    assert tags_of(system, "ann", "bob") == [["other"], ["vip"]]


def test_what_it_replaced_or_took_off_comes_back(system: LedgerSystem, bulks: Bulks) -> None:
    define(system, "size", SIZE)
    until = START + 9 * DAY
    system.add_tag("ann", "size", "key:op", value="S", until=until)
    system.add_tag("bob", "size", "key:op", value="S", until=START + DAY)
    replaced = bulks.preview(["ann", "eve"], "size", value="L")
    bulks.bulk.run(replaced.bulk_id, "key:op")
    assert bulks.done(replaced) == {"changed": 2}
    assert system.observed("ann").tag_values == {"size": "L"}
    bulks.bulk.revert(replaced.bulk_id, "key:op")
    bulks.done(replaced)
    seen = system.observed("ann")
    assert (seen.tag_values, seen.tag_until, system.observed("eve").tags) == ({"size": "S"}, {"size": until}, [])
    removed = bulks.preview(["ann", "bob", "eve"], "size", action="remove")
    bulks.bulk.run(removed.bulk_id, "key:op")
    assert bulks.done(removed) == {"changed": 2, "unchanged": 1}
    system.clock.set(START + 2 * DAY)  # bob's would be over by now
    bulks.bulk.revert(removed.bulk_id, "key:op")
    assert bulks.done(removed) == {"reverted": 1, "kept": 1, "unchanged": 1}
    assert (system.observed("ann").tag_values, system.observed("bob").tags) == ({"size": "S"}, [])
    system.assert_proven()


def test_cancelled_it_stops_and_run_again_it_goes_on(
    system: LedgerSystem, bulks: Bulks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.tags.bulk._TOGETHER", 1)
    monkeypatch.setattr("application.tags.bulk._PARTS", 1)
    bulk = bulks.preview(["ann", "bob", "eve"])
    with pytest.raises(BulkCannot):
        bulks.bulk.cancel(bulk.bulk_id)
    bulks.bulk.run(bulk.bulk_id, "key:op")
    with pytest.raises(BulkCannot, match="running"):
        bulks.bulk.revert(bulk.bulk_id, "key:op")
    bulks.perform(kept=lambda: bulks.bulk.cancel(bulk.bulk_id) and None)
    found = bulks.bulk.get(bulk.bulk_id)
    assert (bulks.bulk.state(found), found.users) == ("cancelled", {"changed": 1, "waiting": 2})
    bulks.bulk.run(bulk.bulk_id, "key:op")
    assert bulks.done(bulk) == {"changed": 3}
    with pytest.raises(BulkCannot):
        bulks.bulk.run(bulk.bulk_id, "key:op")


def test_what_cannot_be_asked_for(system: LedgerSystem, bulks: Bulks) -> None:
    define(system, "size", SIZE)
    define(system, "ruled", TagSpec("crm", "x", lineage=Lineage("rule", condition="orders > 1", currency="USD")))
    with pytest.raises(TagValueInvalid):
        bulks.preview(["ann"], "size", value="XXL")
    with pytest.raises(TagKeptByRule):
        bulks.preview(["ann"], "ruled")
    with pytest.raises(TagEndsInPast):
        bulks.preview(["ann"], until=START - 1)
    with pytest.raises(TagInvalid):
        bulks.preview(["ann"], "it's")
    with pytest.raises(BulkInvalid):
        bulks.preview(["ann"], condition="orders > 1")
    with pytest.raises(BulkInvalid):
        bulks.bulk.preview(BulkWanted("vip", "add", None, None, ""), "key:op")
    for unknown in ("nonsense", "6f6e0d3e-5c0c-4c4e-9f0e-0f1f6d1c2b3a"):
        with pytest.raises(UnknownBulk):
            bulks.bulk.get(unknown)


def test_users_of_an_open_history_are_refused(system: LedgerSystem, bulks: Bulks) -> None:
    session = system.sessions.open("test")
    system.facts([order("o1", "old", START - DAY)], session.history_id)
    bulk = bulks.preview(["ann", "old"])
    bulks.bulk.run(bulk.bulk_id, "key:op")
    assert bulks.done(bulk) == {"changed": 1, "refused": 1}


def _perform(dsn: str) -> None:
    with LedgerSystem(dsn) as system:
        bulks = Bulks(system)
        while bulks.perform():
            pass


def test_killed_in_the_middle_everybody_is_tagged_once(system: LedgerSystem, bulks: Bulks, database: str) -> None:
    users = [f"u-{number}" for number in range(3_000)]
    for start in range(0, len(users), 1_000):
        system.facts([order("o1", user, START) for user in users[start : start + 1_000]])
    system.settle()
    bulk = bulks.preview(users)
    bulks.bulk.run(bulk.bulk_id, "key:op")
    worker = multiprocessing.get_context("spawn").Process(target=_perform, args=(database,))
    worker.start()
    wait_for(lambda: bulks.bulk.get(bulk.bulk_id).users.get("changed", 0) > 0, seconds=60)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    half = bulks.bulk.get(bulk.bulk_id).users
    assert half.get("waiting", 0) > 0, f"it was over too soon to be killed in the middle: {half}"
    with system.pool.connection() as connection:
        connection.execute("update run_parts set lease_until = now() - interval '1 second' where state = 'waiting'")
    assert bulks.done(bulk) == {"changed": 3_000}
    topics = Counter(
        (user, event["topic"]) for user, events in system.events().items() for event in events if user in set(users)
    )
    assert {count for (_, topic), count in topics.items() if topic == "user-tier.tag-added.v1"} == {1}
    assert sum(count for (_, topic), count in topics.items() if topic == "user-tier.tag-added.v1") == 3_000
    system.assert_proven()
