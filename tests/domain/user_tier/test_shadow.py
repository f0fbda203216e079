"""A candidate beside the version in force: from where it begins for whom."""

from domain.tier_model.compiled import CompiledModel
from domain.tier_model.spans import ALWAYS
from domain.tier_model.timeline import Force
from domain.user_tier.decide import Subject, decide
from domain.user_tier.shadow import LiveDecisions, ShadowStanding, follow
from tests.domain.user_tier.stories import ANN, at, fact, model, table

ORDERS = {"orders": {"count": "order"}}
FACTS = table(
    [fact("2026-03-01", "visit"), fact("2026-03-10", "order", 1_000), fact("2026-03-15T12:00", "order", 1_000)]
)


def value(version: int, high: str, **policy: object) -> CompiledModel:
    return model("value", version, tiers=["low", "high"], features=ORDERS, rules={"high": high}, policy=policy)


def followed(forces: dict[str, tuple[Force, ...]], candidate: Force) -> ShadowStanding:
    """Ann is decided on the 5th; then on the 20th, and the candidate with it, which never saw her before."""
    first = decide([Subject(ANN, 0)], FACTS, {name: found[:1] for name, found in forces.items()}, at("2026-03-05"))
    (before,) = first.decided
    ann = Subject(ANN, len(before.events), at("2026-03-05") - 1, before.observation)
    now = at("2026-03-20")
    live = LiveDecisions([ann], FACTS, forces, now, decide([ann], FACTS, forces, now).decided)
    (found,) = follow(live, candidate, {})
    return found


def test_it_begins_where_the_version_in_force_had_come_to_by_all_that_this_one_reads() -> None:
    club = model("club", tiers=["basic", "gold"], features=ORDERS, rules={"gold": "orders >= 1"})
    forces = {
        "club": (Force(club, ALWAYS),),
        "value": (Force(value(1, "orders >= 9 or tier.club = 'gold'"), ALWAYS),),
    }
    found = followed(forces, Force(value(2, "orders >= 5", downgrade="never"), at("2026-03-15")))
    assert (found.live_tier, found.shadow_tier) == ("high", "high")


def test_what_comes_into_force_after_it_began_is_of_no_account_to_it() -> None:
    versions = (Force(value(1, "orders >= 2"), ALWAYS), Force(value(3, "orders >= 1"), at("2026-03-16")))
    found = followed({"value": versions}, Force(value(2, "orders >= 9", downgrade="never"), at("2026-03-15")))
    assert (found.live_tier, found.shadow_tier) == ("high", "low"), "the second order came after it had begun"
