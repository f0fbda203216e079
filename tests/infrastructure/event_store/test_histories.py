"""Recorded histories of every event version load for ever. Never edit a file there; add one for a new version."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.benefits.aggregate import benefit_id_of
from domain.budgets.aggregate import budget_id_of
from domain.campaigns.aggregate import campaign_id_of
from domain.facts.instants import to_datetime
from domain.grant_stops.aggregate import stop_id_of
from domain.issuances.aggregate import Issuance
from domain.segments.aggregate import Segment
from domain.strategies.aggregate import strategy_id_of
from domain.tags.aggregate import TagDefinition
from domain.tags.definition import spec_from
from domain.tier_model.aggregate import model_id_of
from infrastructure.event_store.append import AppendBatch, append
from infrastructure.event_store.application import Ledger
from infrastructure.event_store.catalogue import CATALOGUE
from infrastructure.event_store.rows import EventRow
from infrastructure.postgres.pool import transaction
from infrastructure.security.seal import CONTEXT_EVENT, Seal
from projections.records import EventRecord
from tests.infrastructure.event_store.world import ALL, World

HISTORIES = Path(__file__).parents[2] / "histories"


def recorded(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((HISTORIES / name).read_text())
    return found


def write(world: World, name: str, stream_id: Any, seal: Seal | None) -> None:
    rows = []
    for event in recorded(name):
        state = msgspec.msgpack.encode(event.pop("data"))
        clear: dict[str, Any] = {"scope": "", "from_tier": None, "to_tier": None, **event}
        clear["originator_version"] = clear.pop("version")
        state = seal.seal(CONTEXT_EVENT, state) if seal else state
        rows.append(EventRow(originator_id=stream_id, recorded_at=1, state=state, **clear))
    with transaction(world.pool) as connection:
        append(connection, AppendBatch(rows))


def test_there_is_one_of_every_event_name_and_version() -> None:
    named = {event["topic"] for path in HISTORIES.glob("*.json") for event in recorded(path.name)}
    assert CATALOGUE.names() == named


def test_a_users_history_loads(world: World) -> None:
    (ann,) = world.enrol("ann")
    write(world, "user-tier-v1.json", ann.subject_id, ann.seal)
    user = Ledger(world.pool, world.keyring).user_tier(ann.subject_id)
    assert user is not None
    standing = user.standing("value")
    assert standing is not None
    assert (user.version, standing.tier, standing.grace_until) == (7, "middle", None)
    assert (standing.since, standing.valid_from) == (1772438400000000, 1776000000000000)
    assert user.modified_on == to_datetime(1776100000000000)


def test_a_history_of_growth_value_scopes_and_tags_loads(world: World) -> None:
    (ann,) = world.enrol("ann")
    write(world, "user-tier-growth-tags-v1.json", ann.subject_id, ann.seal)
    user = Ledger(world.pool, world.keyring).user_tier(ann.subject_id)
    assert user is not None
    club, member = user.standing("club"), user.standing("loyalty", "m-1")
    assert club is not None and member is not None
    assert (club.tier, club.growth_carried, club.growth_settled_at) == ("silver", 3_200, 1803888000000000)
    assert club.valid_from == club.growth_settled_at
    assert (member.tier, user.standing("loyalty")) == ("low", None)
    assert user.tags == {"pilot": 1774944000000000}


def test_a_models_history_loads(world: World) -> None:
    write(world, "tier-model-v1.json", model_id_of("value"), None)
    model = Ledger(world.pool, world.keyring).tier_model("value")
    assert model is not None
    assert [(v.number, v.status, v.content_hash) for v in model.versions.values()] == [
        (1, "retired", "a3"),
        (2, "retired", "b1"),
    ]
    assert (model.active, model.versions[1].activated_at) == (None, 1772352000000003)


def test_a_history_of_pins_freezes_openings_and_renamed_tiers_loads(world: World) -> None:
    (ann,) = world.enrol("ann")
    write(world, "user-tier-holds-v1.json", ann.subject_id, ann.seal)
    user = Ledger(world.pool, world.keyring).user_tier(ann.subject_id)
    assert user is not None
    standing = user.standing("value")
    assert standing is not None
    assert (standing.tier, standing.since, standing.growth_carried) == ("pro", 1775000000000000, 1_200)
    assert (standing.pin, standing.frozen) == (None, None)


def test_a_history_of_reviewed_and_scheduled_versions_loads(world: World) -> None:
    write(world, "tier-model-lifecycle-v1.json", model_id_of("value"), None)
    model = Ledger(world.pool, world.keyring).tier_model("value")
    assert model is not None
    first, second = model.versions.values()
    assert (first.status, first.review.approved_by, first.review.note) == ("active", "key:approver", "again")
    assert (second.status, second.migration.percent, model.active) == ("active", 10, second)
    assert second.migration.until == 1798761600000000


def test_a_history_of_a_candidate_loads(world: World) -> None:
    write(world, "tier-model-shadow-v1.json", model_id_of("value"), None)
    model = Ledger(world.pool, world.keyring).tier_model("value")
    assert model is not None
    assert [(version.status, version.shadowed) for version in model.versions.values()] == [
        ("active", False),
        ("fitted", False),
    ]


def test_a_benefits_history_loads(world: World) -> None:
    write(world, "benefit-v1.json", benefit_id_of("ten-off"), None)
    benefit = Ledger(world.pool, world.keyring).benefit("ten-off")
    assert benefit is not None
    assert [(v.number, v.status, v.content_hash) for v in benefit.versions.values()] == [
        (1, "retired", "a2"),
        (2, "retired", "b1"),
    ]
    first, second = benefit.versions.values()
    assert (first.review.approved_by, first.makers) == ("key:approver", {"key:operator", "key:other"})
    assert (second.review.submitted_at, second.activated_at) == (None, 1772352000000007)


def test_a_budgets_history_loads(world: World) -> None:
    write(world, "budget-v1.json", budget_id_of("spring"), None)
    budget = Ledger(world.pool, world.keyring).budget("spring")
    assert budget is not None and budget.terms is not None and budget.waiting is not None
    assert (budget.terms.amount, budget.terms.parent, budget.terms.ends_at) == (70_000, "year", 1780272000000000)
    assert (budget.is_open, budget.waiting.terms.amount, budget.waiting.proposed_by) == (True, 900_000, "key:operator")


@pytest.mark.parametrize(
    ("name", "state", "because"),
    [
        ("bulk-grant-v1.json", "reverted", "the wrong coupon"),
        ("bulk-grant-rejected-v1.json", "rejected", "too dear"),
        ("bulk-grant-cancelled-v1.json", "cancelled", "no more"),
    ],
)
def test_a_bulk_grants_history_loads(world: World, name: str, state: str, because: str) -> None:
    run_id = UUID(int=18)
    write(world, name, run_id, None)
    bulk = Ledger(world.pool, world.keyring).bulk_grant(run_id)
    assert bulk is not None
    assert (bulk.state, bulk.because, bulk.planned_by, bulk.people) == (state, because, "key:operator", 5)
    assert (bulk.terms.budgets, bulk.terms.cost_of(bulk.people)) == (("spring",), 10_000)
    assert bulk.approved_by == (("key:approver",) if state == "reverted" else ())


def test_a_stops_history_loads(world: World) -> None:
    write(world, "grant-stop-v1.json", stop_id_of("benefit:ten-off"), None)
    stop = Ledger(world.pool, world.keyring).grant_stop("benefit:ten-off")
    assert stop is not None
    assert (stop.stopped_scope, stop.is_stopped, stop.version) == ("benefit:ten-off", True, 3)


def test_a_history_of_user_ids_and_merges_loads(world: World) -> None:
    (ann,) = world.enrol("ann")
    write(world, "user-tier-identity-v1.json", ann.subject_id, ann.seal)
    user = Ledger(world.pool, world.keyring).user_tier(ann.subject_id)
    assert user is not None
    assert (user.version, user.tags, user.merged_into) == (5, {"size": None}, "0c9d0000000000000000000000000002")


def test_a_history_of_splits_loads(world: World) -> None:
    (app,) = world.enrol("app-77")
    write(world, "user-tier-split-v1.json", app.subject_id, app.seal)
    user = Ledger(world.pool, world.keyring).user_tier(app.subject_id)
    assert user is not None and (user.version, user.merged_into, user.standings) == (3, None, {})


def test_histories_of_definitions_load(world: World) -> None:
    write(world, "issuance-v1.json", Issuance.id_of("monthly"), None)
    monthly = Ledger(world.pool, world.keyring).definition(Issuance, "monthly")
    assert monthly is not None and (monthly.revision, monthly.retired, monthly.spec["monthly"]) == (2, True, 5)
    write(world, "tag-definition-v1.json", TagDefinition.id_of("vip"), None)
    write(world, "segment-v1.json", Segment.id_of("best"), None)
    ledger = Ledger(world.pool, world.keyring)
    tag, segment = ledger.definition(TagDefinition, "vip"), ledger.definition(Segment, "best")
    assert tag is not None and segment is not None
    assert (tag.name, tag.revision, tag.retired, spec_from(tag.spec).options) == ("vip", 2, True, ("black",))
    assert (segment.revision, segment.retired, segment.spec["where"]) == (2, True, "tag('vip')")


def test_a_campaigns_history_loads(world: World) -> None:
    write(world, "campaign-v1.json", campaign_id_of("spring"), None)
    campaign = Ledger(world.pool, world.keyring).campaign("spring")
    assert campaign is not None
    assert (campaign.status, campaign.strategies) == ("retired", {"welcome": "b1"})
    assert campaign.started_at == 1772352000000008
    assert campaign.read.rests[0].until == "2026-03-11T00:00:00Z"


def test_a_strategys_history_loads(world: World) -> None:
    write(world, "strategy-v1.json", strategy_id_of("welcome"), None)
    strategy = Ledger(world.pool, world.keyring).strategy("welcome")
    assert strategy is not None
    assert (strategy.status, strategy.content_version, strategy.running_version) == ("retired", 2, 2)
    assert (strategy.global_holdout, strategy.campaign, strategy.started_at) == (5.0, "spring", 1772352000000007)
    assert strategy.design is not None and strategy.design["holdout"] == 10


@pytest.mark.parametrize("name", sorted(path.name for path in HISTORIES.glob("*.json")))
def test_the_tail_reads_it(world: World, name: str) -> None:
    (ann,) = world.enrol("ann")
    sealed = name.startswith("user")
    write(world, name, ann.subject_id if sealed else model_id_of("value"), ann.seal if sealed else None)
    records = world.tail.read(ALL, 0, 100).records
    assert all(isinstance(record, EventRecord) for record in records)
    assert [record.data for record in records] == [event["data"] for event in recorded(name)]  # type: ignore[union-attr]


def test_a_history_of_messages_and_outcomes_loads(world: World) -> None:
    (ann,) = world.enrol("ann")
    write(world, "user-tier-outreach-v1.json", ann.subject_id, ann.seal)
    user = Ledger(world.pool, world.keyring).user_tier(ann.subject_id)
    assert user is not None and user.version == 6
