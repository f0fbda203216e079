"""Bulk grants on a real ledger: each member once or skipped with the reason, held, taken back, agreed to by grades."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from application.bulk_grants.ports import BulkGrantView, BulkWanted
from application.identity.merge_users import MergeUsers
from domain.benefits.refusals import BenefitNotInForce, BudgetNotOpen, UnknownBenefit, UnknownBudget
from domain.bulk_grants.refusals import (
    BulkGrantNotApproved,
    BulkGrantOutOfTurn,
    NobodyToGrant,
    OwnBulkGrant,
    UnknownBulkGrant,
)
from infrastructure.benefits.merging import move_grants
from infrastructure.identity.ledger import PostgresIdentities
from tests.application.benefits.test_grants import START
from tests.application.bulk_grants.bulk import BulkSystem
from tests.support.benefits import COUPON, accounts, open_budget, put_in_force
from tests.support.ledger import order

GRANTED = "user-tier.benefit-granted.v1"
REVOKED = "user-tier.benefit-revoked.v1"


@pytest.fixture
def system(database: str) -> Iterator[BulkSystem]:
    """Two on low, three on high."""
    with BulkSystem(database) as system:
        system.people(low=2, high=3)
        yield system


def stories(view: BulkGrantView) -> list[str]:
    return [line["what"] for line in view.story]


def test_everybody_of_a_segment_is_granted_it_once(system: BulkSystem) -> None:
    open_budget(system.dsn, "spring", 100_000)
    put_in_force(system.dsn, {**COUPON, "stock": 20, "budget": "spring", "entitlement": {"value": ["high"]}})
    planned = system.plan(units=2, reason="spring", campaign="s26")
    assert (planned.state, planned.people, planned.unknown, planned.unit_cost) == ("previewed", 5, 0, 1000)
    preview = planned.preview
    assert preview is not None
    assert (preview["counted"], preview["looked_at"], preview["gets"], preview["skipped"]) == (
        "exact",
        5,
        3,
        {"not-entitled": 2},
    )
    assert (preview["cost"], preview["most_cost"], preview["suffices"]) == (6_000, 10_000, True)
    assert preview["accounts"] == [
        {"account": "budget:spring", "left": 100_000, "needed": 6_000, "suffices": True},
        {"account": "stock:coupon-10", "left": 20, "needed": 6, "suffices": True},
    ]
    seen = {one["user_id"]: (one["gets"], one["reason"], one["about"]) for one in preview["sample"]}
    assert (seen["high-1"], seen["low-0"]) == ((True, "", ""), (False, "not-entitled", "value=low"))
    assert system.granted() == {}, "a preview grants nothing"

    started = system.bulk.start(planned.run_id, "key:op")
    assert (started.state, started.progress.left) == ("running", 5)
    done = system.worked(planned.run_id)
    assert (done.state, done.progress.granted, done.progress.skipped) == ("finished", 3, {"not-entitled": 2})
    assert (done.progress.left, done.progress.cost) == (0, 6_000)
    assert stories(done) == ["planned", "previewed", "started", "finished"]
    assert system.granted() == {f"high-{number}": [GRANTED] for number in range(3)}
    assert accounts(system.dsn) == {"budget:spring": (100_000, 6_000, 0), "stock:coupon-10": (20, 6, 0)}
    event = system.events()["high-0"][-1]
    told = (event["units"], event["cost"], event["cause"], event["reason"], event["campaign"], event["tiers"])
    assert told == (2, 6_000 // 3, "bulk", "spring", "s26", {"value": "high"})
    assert event["run_id"] == planned.run_id
    [[by_row]] = system.rows("select distinct (units, cause, campaign, run_id::text, tiers::text) from grants")
    assert by_row == ("2", "bulk", "s26", planned.run_id, '{"value": "high"}')
    topics = system.rows("select topic from events where topic like 'bulk-grant.%' order by position")
    assert [row[0].split(".")[1] for row in topics] == ["planned", "previewed", "started", "finished"]
    assert not system.bulk.perform(), "nothing is left to do"
    system.assert_proven()


def test_a_list_names_its_bad_lines_and_costs_nothing_else(system: BulkSystem) -> None:
    put_in_force(system.dsn, COUPON)
    view = system.plan(users=["high-0", "nobody", "low-0", "high-0", "  "])
    assert (view.people, view.unknown) == (2, 2)
    assert view.faults == [
        {"line": 2, "user_id": "nobody", "problem": "is not known"},
        {"line": 5, "user_id": "", "problem": "names no user_id"},
    ]
    system.bulk.start(view.run_id, "key:op")
    assert system.worked(view.run_id).progress.granted == 2
    assert sorted(system.granted()) == ["high-0", "low-0"], "named twice is granted once"


def test_what_cannot_be_granted_is_refused_at_once(system: BulkSystem) -> None:
    with pytest.raises(UnknownBenefit):
        system.plan()
    put_in_force(system.dsn, {**COUPON, "budget": "spring"})
    with pytest.raises(UnknownBudget, match="spring"):
        system.plan()
    open_budget(system.dsn, "spring", 100, ends_at=START)
    with pytest.raises(BudgetNotOpen):
        system.plan()
    put_in_force(system.dsn, COUPON, version=2)
    with pytest.raises(NobodyToGrant):
        system.plan("nobody-has-this")
    with pytest.raises(NobodyToGrant, match="line 1: mallory is not known"):
        system.plan(users=["mallory"])
    with psycopg.connect(system.dsn) as connection:
        connection.execute("update benefits set status = 'retired'")
    with pytest.raises(BenefitNotInForce):
        system.plan()
    assert system.rows("select count(*) from bulk_grant_members") == [(0,)], "nothing half done"
    for run_id in ("no-id", "3f0c3b9e-93d4-4a8b-8a34-6f0f6a4d9e21"):
        with pytest.raises(UnknownBulkGrant):
            system.bulk.pause(run_id, "key:op")


def test_a_budget_that_runs_out_skips_the_rest_with_the_reason(system: BulkSystem) -> None:
    open_budget(system.dsn, "spring", 3_500)
    put_in_force(system.dsn, {**COUPON, "stock": 4, "budget": "spring"})
    planned = system.plan()
    assert planned.preview is not None and planned.preview["suffices"] is False
    system.bulk.start(planned.run_id, "key:op")
    done = system.worked(planned.run_id)
    assert (done.state, done.progress.granted, done.progress.skipped) == ("finished", 3, {"budget-exhausted": 2})
    assert accounts(system.dsn) == {"budget:spring": (3_500, 3_000, 0), "stock:coupon-10": (4, 3, 0)}
    assert system.rows("select distinct about from bulk_grant_skips") == [("budget:spring",)]
    assert len(system.granted()) == 3


def test_caps_count_what_was_had_before(system: BulkSystem) -> None:
    put_in_force(system.dsn, {**COUPON, "caps": {"per_user": 1}})
    assert system.worked(system.started(users=["high-0"]).run_id).progress.granted == 1
    again = system.plan("high")
    assert again.preview is not None and again.preview["skipped"] == {"cap-reached": 1}
    system.bulk.start(again.run_id, "key:op")
    done = system.worked(again.run_id)
    assert (done.progress.granted, done.progress.skipped) == (2, {"cap-reached": 1})


def test_who_is_undecided_is_decided_first(system: BulkSystem) -> None:
    put_in_force(system.dsn, {**COUPON, "entitlement": {"value": ["high"]}})
    planned = system.plan()
    system.facts([order("o9", "low-0", START), order("o9", "low-1", START)])
    system.bulk.start(planned.run_id, "key:op")
    done = system.worked(planned.run_id)
    assert (done.progress.granted, done.progress.skipped) == (5, {})
    assert system.events()["low-0"][-1]["tiers"] == {"value": "high"}
    system.assert_proven()


def test_paused_it_grants_nothing_until_it_goes_on(system: BulkSystem) -> None:
    put_in_force(system.dsn, COUPON)
    run_id = system.started().run_id
    paused = system.bulk.pause(run_id, "key:op", reason="a look at the stock")
    assert (paused.state, paused.because) == ("paused", "a look at the stock")
    assert not system.bulk.perform()
    assert system.granted() == {}
    system.bulk.resume(run_id, "key:op")
    assert system.worked(run_id).progress.granted == 5
    with pytest.raises(BulkGrantOutOfTurn, match="is finished: it cannot be paused"):
        system.bulk.pause(run_id, "key:op")


def test_after_a_pause_is_answered_nothing_more_is_granted(database: str) -> None:
    with BulkSystem(database) as system:
        system.people(low=1_500)
        put_in_force(system.dsn, COUPON)
        run_id = system.started().run_id
        perform = system.in_small_chunks(20)  # which overlap all the time

        def work() -> None:
            while perform(run_id):
                pass

        with ThreadPoolExecutor(2) as threads:
            working = [threads.submit(work) for _ in range(2)]
            while system.bulk.store.get(run_id).progress.granted == 0:
                assert not all(one.done() for one in working)
            paused = system.bulk.pause(run_id, "key:op")
        assert 0 < paused.progress.granted < 1_500
        assert system.bulk.store.get(run_id).progress.granted == paused.progress.granted
        assert system.rows("select count(*) from grants") == [(paused.progress.granted,)]


@pytest.mark.parametrize("scope", ["*", "benefit:coupon-10", "campaign:s26", "budget:spring", "bulk:{run_id}"])
def test_a_stop_pauses_it_by_itself_and_nothing_is_lost(system: BulkSystem, scope: str) -> None:
    open_budget(system.dsn, "spring", 100_000)
    put_in_force(system.dsn, {**COUPON, "budget": "spring"})
    run_id = system.started(campaign="s26").run_id
    with psycopg.connect(system.dsn) as connection:
        connection.execute(
            "insert into grant_stops values (%s, 'key:boss', 0, 'something is wrong')", (scope.format(run_id=run_id),)
        )
    stopped = system.worked(run_id)
    assert stopped.state == "paused"
    assert "something is wrong" in stopped.because and "key:boss" in stopped.because
    assert (stopped.story[-1]["by"], stopped.progress.left) == ("bulk-grants", 5)
    with psycopg.connect(system.dsn) as connection:
        connection.execute("delete from grant_stops")
    system.bulk.resume(run_id, "key:op")
    assert system.worked(run_id).progress.granted == 5


def test_another_version_pauses_it(system: BulkSystem) -> None:
    put_in_force(system.dsn, COUPON)
    run_id = system.started().run_id
    put_in_force(system.dsn, {**COUPON, "unit_cost": 9_000}, version=2)
    stopped = system.worked(run_id)
    assert (stopped.state, stopped.progress.granted) == ("paused", 0)
    assert "version 2 of 'coupon-10' is in force, and version 1 was planned" in stopped.because


def test_reverted_it_revokes_what_is_unredeemed(system: BulkSystem) -> None:
    open_budget(system.dsn, "spring", 100_000)
    put_in_force(system.dsn, {**COUPON, "budget": "spring"})
    run_id = system.worked(system.started(units=2).run_id).run_id
    [[grant_id]] = system.rows(
        "select grant_id::text from grants join user_ids using (subject_id) where user_id = 'high-0'"
    )
    system.redeem(grant_id, "key:till", units=1)
    with pytest.raises(BulkGrantOutOfTurn):
        system.bulk.cancel(run_id, "key:op")
    assert system.bulk.revert(run_id, "key:op", reason="the wrong coupon").state == "reverting"
    done = system.worked(run_id)
    assert (done.state, done.progress.reverted, done.progress.reverted_units) == ("reverted", 5, 9)
    assert accounts(system.dsn) == {"budget:spring": (100_000, 0, 1_000)}
    assert system.granted()["low-0"] == [GRANTED, REVOKED]
    assert system.events()["low-0"][-1]["reason"] == "the wrong coupon"
    assert system.bulk.revert(run_id, "key:op", reason="again").state == "reverted", "twice is once"


def test_cancelled_it_keeps_what_was_granted(system: BulkSystem) -> None:
    put_in_force(system.dsn, COUPON)
    run_id = system.started().run_id
    cancelled = system.bulk.cancel(run_id, "key:op", reason="no more")
    assert (cancelled.state, cancelled.because) == ("cancelled", "no more")
    assert not system.bulk.perform()
    with pytest.raises(BulkGrantOutOfTurn, match="cannot be resumed"):
        system.bulk.resume(run_id, "key:op")
    system.bulk.revert(run_id, "key:op", reason="all of it")
    assert system.worked(run_id).state == "reverted"


def test_what_it_costs_says_how_many_have_to_agree(database: str) -> None:
    settings = {"bulk_approval_from": 3_000, "bulk_second_approval_from": 4_000, "approvals": "required"}
    with BulkSystem(database, **settings) as system:
        system.people(low=2, high=2)
        put_in_force(system.dsn, COUPON)
        cheap = system.plan("low")
        assert (cheap.approvals_needed, system.bulk.start(cheap.run_id, "key:op").state) == (0, "running")
        dear = system.plan(users=["low-0", "low-1", "high-0"])
        assert dear.approvals_needed == 1
        dearest = system.plan()
        assert dearest.approvals_needed == 2
        with pytest.raises(OwnBulkGrant):
            system.bulk.approve(dear.run_id, "key:op")
        with pytest.raises(BulkGrantNotApproved, match="needs 1 to approve it; 0 did"):
            system.bulk.start(dear.run_id, "key:op", as_admin=True)
        assert system.bulk.approve(dear.run_id, "key:ann", note="fine").approved_by == ["key:ann"]
        assert system.bulk.start(dear.run_id, "key:op").state == "running"
        for _ in range(2):
            system.bulk.approve(dearest.run_id, "key:ann")
        with pytest.raises(BulkGrantNotApproved, match="needs 2 to approve it; 1 did"):
            system.bulk.start(dearest.run_id, "key:op")
        assert system.bulk.approve(dearest.run_id, "key:bob").approved_by == ["key:ann", "key:bob"]
        assert system.bulk.start(dearest.run_id, "key:op").approvals_skipped is False
        rejected = system.bulk.reject(system.plan().run_id, "key:ann", reason="too dear")
        assert (rejected.state, rejected.because) == ("rejected", "too dear")
        with pytest.raises(BulkGrantOutOfTurn):
            system.bulk.start(rejected.run_id, "key:op")

        skipping = system.with_settings(approvals="admin-may-skip")
        planned = system.plan()
        with pytest.raises(BulkGrantNotApproved):
            skipping.start(planned.run_id, "key:op")
        assert skipping.start(planned.run_id, "key:root", as_admin=True).approvals_skipped is True


def test_under_one_command_it_is_planned_once(system: BulkSystem) -> None:
    put_in_force(system.dsn, COUPON)
    asked = BulkWanted("coupon-10", {"where": ""})
    first, again = (system.bulk.plan(asked, None, "key:op", command_id="k/1") for _ in range(2))
    assert first.run_id == again.run_id
    found, after = system.bulk.store.latest(None, 10)
    assert ([view.run_id for view in found], after) == ([first.run_id], None)


def test_who_was_erased_meanwhile_is_skipped(system: BulkSystem) -> None:
    put_in_force(system.dsn, COUPON)
    run_id = system.started("high").run_id
    with psycopg.connect(system.dsn) as connection:
        whose = "(select subject_id from user_ids where user_id = %s)"
        connection.execute(f"delete from timelines where subject_id = {whose}", ("high-0",))
        connection.execute(f"delete from subjects where subject_id = {whose}", ("high-1",))
    done = system.worked(run_id)
    assert (done.progress.granted, done.progress.skipped, done.progress.left) == (1, {"erased": 2}, 0)
    assert done.preview is not None
    assert None in [one["user_id"] for one in done.preview["sample"]]


def test_who_was_merged_meanwhile_is_skipped_and_reverted_with_the_survivor(system: BulkSystem) -> None:
    put_in_force(system.dsn, COUPON)
    first = system.worked(system.started("high").run_id)
    second = system.started("high")
    identities = PostgresIdentities(system.pool, system.keyring, system.evaluation, [move_grants])
    MergeUsers(identities)("high-0", "high-1", "key:op", reason="one person")
    done = system.worked(second.run_id)
    assert (done.progress.granted, done.progress.skipped, done.progress.left) == (2, {"merged": 1}, 0)
    system.bulk.revert(first.run_id, "key:op", reason="all of it")
    assert system.worked(first.run_id).progress.reverted == 3
    assert system.rows("select status, count(*) from grants group by status order by 1") == [
        ("open", 2),
        ("revoked", 3),
    ]
