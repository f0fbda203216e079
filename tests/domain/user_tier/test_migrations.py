"""What an activation makes of the standings there are, worked out by hand."""

from typing import Any
from uuid import UUID

from domain.facts.table import FactTable, RecordedFact, table_from_facts
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.migration import Migration, share_of
from domain.tier_model.spans import ALWAYS
from domain.tier_model.timeline import Force
from domain.user_tier.decide import Decided, Subject, decide
from tests.domain.user_tier.stories import ANN, at, fact, model, table, told

SPEND = {"spend": {"sum": "order.amount", "within": "90 days"}}
LADDER = ["low", "mid", "high", "top"]


def version(number: int, *thresholds: int, tiers: list[str] = LADDER, **policy: Any) -> CompiledModel:
    """Tiers above the lowest are entered at these amounts."""
    rules = {tier: f"spend >= money({least}.00)" for tier, least in zip(tiers[1:], thresholds, strict=True)}
    return model("value", number, tiers=tiers, features=SPEND, rules=rules, policy=policy)


def live(facts: FactTable, *versions: tuple[CompiledModel, str, Migration], until: str) -> Decided:
    forces = tuple(Force(compiled, at(since) if since else ALWAYS, how) for compiled, since, how in versions)
    return decide([Subject(ANN, 0)], facts, {"value": forces}, at(until)).decided[0]


OLD = (version(1, 100, 200, 300), "", Migration())
FACTS = table([fact("2026-03-01", "order", 30_000)])  # 300.00: top until it leaves the window on 30 May
DEARER = version(2, 400, 500, 600)


def test_everybody_is_reassessed_unless_something_else_is_said() -> None:
    done = live(FACTS, OLD, (DEARER, "2026-04-01", Migration()), until="2026-05-01")
    assert told(done.events)[1:] == ["2026-04-01T00:00:00Z value tier-changed top -> low model-change"]


def test_up_only_keeps_a_tier_until_the_new_rules_have_borne_it_out() -> None:
    kept = live(FACTS, OLD, (DEARER, "2026-04-01", Migration(mode="up-only")), until="2026-12-01")
    assert told(kept.events)[1:] == []  # also when the old order leaves the window
    borne_out = table([fact("2026-03-01", "order", 30_000), fact("2026-04-20", "order", 60_000)])
    fallen = live(borne_out, OLD, (DEARER, "2026-04-01", Migration(mode="up-only")), until="2026-12-01")
    assert told(fallen.events)[1:] == ["2026-07-19T00:00:00Z value tier-changed top -> low timer"]


def test_grandfathered_people_fall_from_the_date_on() -> None:
    until = Migration(mode="grandfather", until=at("2026-06-15T12:00"))
    done = live(FACTS, OLD, (DEARER, "2026-04-01", until), until="2026-12-01")
    assert told(done.events)[1:] == ["2026-06-15T12:00:00Z value tier-changed top -> low timer"]
    seen = live(FACTS, OLD, (DEARER, "2026-04-01", until), until="2026-05-01").observation.schemes["value"][""]
    assert seen.may_drop_on == at("2026-06-15T12:00")


def test_a_soft_landing_waits_and_then_goes_a_rung_at_a_time() -> None:
    soft = Migration(mode="soft-landing", grace_days=10)
    monthly = version(2, 400, 500, 600, downgrade={"review": "monthly"})
    done = live(FACTS, OLD, (monthly, "2026-04-05", soft), until="2026-12-01")
    assert told(done.events)[1:] == [
        "2026-05-01T00:00:00Z value tier-changed top -> high timer",
        "2026-06-01T00:00:00Z value tier-changed high -> mid timer",
        "2026-07-01T00:00:00Z value tier-changed mid -> low timer",
    ]


def test_a_soft_landing_is_over_when_the_tier_is_earned() -> None:
    soft = Migration(mode="soft-landing", grace_days=10)
    facts = table([fact("2026-03-01", "order", 30_000), fact("2026-04-07", "order", 60_000)])
    done = live(facts, OLD, (DEARER, "2026-04-05", soft), until="2026-12-01")
    assert told(done.events)[1:] == ["2026-07-06T00:00:00Z value tier-changed top -> low timer"]


def test_tiers_are_renamed_inserted_and_removed() -> None:
    tiers = ["low", "silver", "gold", "platinum", "diamond"]
    named = version(2, 100, 150, 200, 300, tiers=tiers)
    mapping = Migration(mapping={"mid": "silver", "high": "platinum", "top": "diamond"})
    done = live(FACTS, OLD, (named, "2026-04-01", mapping), until="2026-05-01")
    assert told(done.events)[1:] == ["2026-04-01T00:00:00Z value tier-changed top -> diamond model-change"]
    (_, first, renamed) = done.events
    assert renamed.data["keeps_since"]
    assert renamed.data["receipt"]["clause"] == "tier-mapped"
    standing = done.observation.schemes["value"][""].standing
    assert (standing.tier, standing.since) == ("diamond", first.effective_at)
    shorter = version(2, 500, tiers=["low", "top"])
    fallen = live(
        FACTS, OLD, (shorter, "2026-04-01", Migration(mapping={"mid": "low", "high": "top"})), until="2026-05-01"
    )
    assert told(fallen.events)[1:] == ["2026-04-01T00:00:00Z value tier-changed top -> low model-change"]


def test_a_renamed_tier_falls_as_a_further_step() -> None:
    tiers = ["low", "mid", "high", "diamond"]
    named = version(2, 400, 500, 600, tiers=tiers)
    done = live(FACTS, OLD, (named, "2026-04-01", Migration(mapping={"top": "diamond"})), until="2026-05-01")
    assert told(done.events)[1:] == [
        "2026-04-01T00:00:00Z value tier-changed top -> diamond model-change",
        "2026-04-01T00:00:00Z value tier-changed diamond -> low model-change",
    ]


def test_the_former_version_brings_back_what_its_rules_give() -> None:
    done = live(
        FACTS, OLD, (DEARER, "2026-04-01", Migration()), (OLD[0], "2026-04-10", Migration()), until="2026-05-01"
    )
    assert told(done.events)[1:] == [
        "2026-04-01T00:00:00Z value tier-changed top -> low model-change",
        "2026-04-10T00:00:00Z value tier-changed low -> top model-change",
    ]


SUBJECTS = [Subject(UUID(int=number), 0) for number in range(1, 401)]
CROWD = table_from_facts(
    [RecordedFact(n, fact("2026-03-01", "order", 30_000)[0], n + 1, at("2026-03-01")) for n in range(400)], 400
)


def moved(*versions: tuple[CompiledModel, str, Migration], until: str) -> list[list[str]]:
    """What each of four hundred alike is told after the first decision."""
    forces = tuple(Force(compiled, at(since) if since else ALWAYS, how) for compiled, since, how in versions)
    return [told(found.events)[1:] for found in decide(SUBJECTS, CROWD, {"value": forces}, at(until)).decided]


def test_a_rollout_reaches_the_same_people_again_and_more() -> None:
    first = (DEARER, "2026-04-01", Migration(percent=20))
    more = (DEARER, "2026-04-08", Migration(percent=50))
    everybody = (DEARER, "2026-04-15", Migration())
    fell = {day: f"2026-04-{day}T00:00:00Z value tier-changed top -> low model-change" for day in ("01", "08", "15")}
    one = moved(OLD, first, until="2026-05-01")
    assert {number for number, events in enumerate(one) if events} == {
        number for number, subject in enumerate(SUBJECTS) if share_of("value", subject.subject_id) < 2_000
    }
    assert 50 < sum(bool(events) for events in one) < 110
    three = moved(OLD, first, more, everybody, until="2026-05-01")
    for subject, before, events in zip(SUBJECTS, one, three, strict=True):
        share = share_of("value", subject.subject_id)
        day = "01" if share < 2_000 else "08" if share < 5_000 else "15"
        assert events == [fell[day]]  # once each: who is on the version already notices nothing
        assert (share < 2_000) == (events == before)


def test_a_rollout_that_is_rolled_back_touches_only_those_it_reached() -> None:
    told_of = moved(
        OLD, (DEARER, "2026-04-01", Migration(percent=20)), (OLD[0], "2026-04-10", Migration()), until="2026-05-01"
    )
    assert {len(events) for events in told_of} == {0, 2}
    assert all(not events or events[1].endswith("low -> top model-change") for events in told_of)


def test_percentages_are_of_hashes_with_their_salt() -> None:
    shares = [share_of("a", subject.subject_id) for subject in SUBJECTS]
    assert min(shares) >= 0 and max(shares) < 10_000
    assert shares != [share_of("b", subject.subject_id) for subject in SUBJECTS]
    half = Migration(percent=50, salt="a")
    assert [half.reaches("value", s.subject_id) for s in SUBJECTS] == [share < 5_000 for share in shares]
