"""Tags by rule on a real ledger: everybody at first, then whoever changes, each once, whatever breaks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from application.evaluation.ports import Undecidable
from application.reactions.ports import RulesInForce
from application.reactions.when_a_subject_changes_its_rule_tags_follow import RuleTagJob, follow
from application.runs.perform_runs import PerformRuns
from application.tags.circles import TagCircle
from domain.facts.instants import SECOND, parse_instant
from domain.tags.definition import TagKeptByRule
from domain.tier_model.expression import ConditionInvalid
from domain.tier_model.spec import ModelInvalid
from tests.support.ledger import LedgerSystem, order
from tests.support.tags import RuleTags, tags_of

DAY = 86_400 * SECOND
START = parse_instant("2026-03-02T00:00:00Z")
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "Asia/Shanghai",
    "currency": "USD",
    "tiers": ["low", "high"],
    "features": {
        "orders": {"count": "order", "within": "30 days"},
        "recency": {"days_since": "order"},
        "spend": {"sum": "order.amount"},
    },
    "rules": {"high": "orders >= 2"},
}
CLUB: dict[str, Any] = {
    **MODEL,
    "scheme": "club",
    "features": {"visits": {"count": "visit"}},
    "rules": {"high": "tag('best')"},
}


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        system.activate(MODEL)
        system.facts([order("o1", "ann", START), order("o2", "ann", START), order("o1", "bob", START)])
        system.settle()
        yield system


@pytest.fixture
def rules(system: LedgerSystem) -> RuleTags:
    return RuleTags(system)


def tagged(system: LedgerSystem, user_id: str) -> list[tuple[str, str]]:
    return [(e["topic"][10:-3], e["tag"]) for e in system.events()[user_id] if "tag" in e]


def test_everybody_is_tagged_and_then_whoever_changes(system: LedgerSystem, rules: RuleTags) -> None:
    rules.rule("best", "tier.value = 'high' and spend >= money(2.00)")
    rules.settle()
    assert tags_of(system, "ann", "bob") == [["best"], []]
    system.facts([order("o2", "bob", START)])
    system.settle()
    rules.settle()
    assert tags_of(system, "ann", "bob") == [["best"], ["best"]]
    system.clock.set(START + 40 * DAY)
    system.settle()
    rules.settle()
    assert tags_of(system, "ann", "bob") == [[], []]
    assert tagged(system, "bob") == [("tag-added", "best"), ("tag-removed", "best")]
    (added,) = [e for e in system.events()["bob"] if e["topic"].endswith("tag-added.v1")]
    with system.pool.connection() as connection:
        row = connection.execute(
            "select actor, command_id from events where effective_at = %s and topic like '%%added%%'", (added["at"],)
        ).fetchone()
    assert row is not None and row[0] == "rule-tag:best" and row[1].startswith("rule-tag:best:1:")
    system.assert_proven()


def test_a_tier_that_reads_the_tag_moves_with_it(system: LedgerSystem, rules: RuleTags) -> None:
    system.activate(CLUB)
    system.settle()
    rules.rule("best", "tier.value = 'high'")
    rules.settle()
    tiers = [system.observed(user).schemes["club"][""].standing.tier for user in ("ann", "bob")]
    assert tiers == ["high", "low"]
    system.assert_proven()


def test_time_alone_puts_a_tag_on_and_a_fact_takes_it_off(system: LedgerSystem, rules: RuleTags) -> None:
    rules.rule("sleeping", "recency > 2")
    rules.settle()
    assert tags_of(system, "ann", "bob") == [[], []]
    midnight = parse_instant("2026-03-04T16:00:00Z")  # where the scheme lives, three days after the orders' day
    system.clock.set(midnight - SECOND)
    rules.settle()
    assert tags_of(system, "ann", "bob") == [[], []]
    system.clock.set(midnight)
    rules.settle()
    assert tags_of(system, "ann", "bob") == [["sleeping"], ["sleeping"]]
    system.facts([order("o9", "bob", midnight)])
    system.settle()
    rules.settle()
    assert tags_of(system, "ann", "bob") == [["sleeping"], []]
    with system.pool.connection() as connection:
        due = connection.execute("select count(*) from rule_tag_due where due_at <= tierline_peek()").fetchone()
    assert due == (0,), "a turn that has come does not come again"
    system.assert_proven()


def test_a_rule_that_reads_a_tag_follows_it(system: LedgerSystem, rules: RuleTags) -> None:
    rules.rule("best", "tier.value = 'high'")
    rules.rule("star", "tag('best') and tag('friend')")
    rules.settle()
    system.add_tag("ann", "friend", "key:op")
    rules.settle()
    assert tags_of(system, "ann") == [["best", "friend", "star"]]
    system.remove_tag("ann", "friend", "key:op")
    rules.settle()
    assert tags_of(system, "ann") == [["best"]]


def test_a_crash_between_the_tag_and_the_place_in_the_log_tags_once(system: LedgerSystem, rules: RuleTags) -> None:
    rules.rule("best", "tier.value = 'high'")
    rules.settle()
    system.facts([order("o2", "bob", START)])
    system.settle()
    with rules.ledger.following() as place:
        assert place is not None
        observed, _, _ = place.next(500)
        in_force = rules.ledger.rules()
        assert follow(rules.ledger, in_force, observed, in_force.rules) == 1
    rules.settle()  # the place was not noted: all of it is met again
    assert tagged(system, "bob") == [("tag-added", "best")]


def test_a_run_that_was_cut_off_goes_on_where_it_was(system: LedgerSystem, rules: RuleTags) -> None:
    rules.rule("best", "tier.value = 'high'")

    class Dying(RuleTagJob):
        """Dies after the first batch was tagged, before that is noted."""

        def __call__(self, part: Any) -> None:
            class Deaf:
                def __getattr__(self, name: str) -> Any:
                    return getattr(part, name)

                def keep(self, *_: Any) -> None:
                    raise KeyboardInterrupt

            super().__call__(Deaf())  # type: ignore[arg-type]

    rules.follow()
    dying = PerformRuns(rules.runs, {"rule-tag": Dying(rules.ledger)})
    with pytest.raises(KeyboardInterrupt):
        list(iter(dying, False))
    with system.pool.connection() as connection:
        connection.execute("update run_parts set lease_until = now() - interval '1 second' where state = 'waiting'")
    rules.settle()
    assert tagged(system, "ann") == [("tag-added", "best")]
    run = rules.runs.latest("rule-tag", {"tag": "best"})
    assert run is not None and (run.state, run.done) == ("done", 2)


def test_who_cannot_be_decided_holds_nobody_else_up(system: LedgerSystem, rules: RuleTags) -> None:
    rules.rule("best", "orders >= 1")
    with system.pool.connection() as connection:
        row = connection.execute("select subject_id from user_ids where user_id = 'ann'").fetchone()
    assert row is not None
    broken, take = row[0], rules.ledger.take

    @contextmanager
    def taken(ids: Sequence[UUID]) -> Iterator[Any]:
        if broken in ids:
            raise Undecidable(ids, ValueError("planted"))
        with take(ids) as found:
            yield found

    rules.ledger.take = taken  # type: ignore[method-assign, assignment]
    rules.settle()
    assert tags_of(system, "ann", "bob") == [[], ["best"]]
    rules.ledger.take = take  # type: ignore[method-assign]
    system.clock.set(START + 120 * SECOND)
    rules.settle()
    assert tags_of(system, "ann") == [["best"]]


def test_a_revised_rule_is_held_against_everybody_and_a_retired_one_against_nobody(
    system: LedgerSystem, rules: RuleTags
) -> None:
    rules.rule("best", "tier.value = 'high'")
    rules.settle()
    rules.rule("best", "tier.value = 'low'", revise=True)
    rules.settle()
    assert tags_of(system, "ann", "bob") == [[], ["best"]]
    for command in (system.add_tag, system.remove_tag):
        with pytest.raises(TagKeptByRule):
            command("ann", "best", "key:op")
    rules.retire("best", "key:op")
    system.facts([order("o2", "bob", START)])
    system.settle()
    rules.settle()
    assert tags_of(system, "bob") == [["best"]]
    assert system.remove_tag("bob", "best", "key:op").changed
    with system.pool.connection() as connection:
        assert connection.execute("select position from rule_tag_progress").fetchone() == (None,)


def test_circles_are_refused(system: LedgerSystem, rules: RuleTags) -> None:
    with pytest.raises(TagCircle, match="tag best → tag best"):
        rules.rule("best", "tag('best') or orders > 1")
    system.activate(CLUB)
    with pytest.raises(TagCircle, match="tag best → scheme club → tag best"):
        rules.rule("best", "tier.club = 'high'")
    rules.rule("star", "tier.club = 'high'")
    with pytest.raises(TagCircle, match="tag best → tag star → scheme club → tag best"):
        rules.rule("best", "tag('star')")
    rules.rule("best", "tier.value = 'high'")
    with pytest.raises(TagCircle):
        rules.rule("best", "not tag('star')", revise=True)


def test_a_model_that_would_close_a_circle_does_not_come_into_force(system: LedgerSystem, rules: RuleTags) -> None:
    rules.rule("best", "tier.value = 'high'")
    rules.rule("star", "tag('best')")
    with pytest.raises(ModelInvalid, match="scheme value → tag star → tag best → scheme value"):
        system.activate({**MODEL, "rules": {"high": "orders >= 2 or tag('star')"}})
    rules.retire("star", "key:op")
    system.activate({**MODEL, "rules": {"high": "orders >= 2 or tag('star')"}})


def test_what_a_rule_reads_is_kept_and_must_be_there(system: LedgerSystem, rules: RuleTags) -> None:
    with pytest.raises(ConditionInvalid) as refused:
        rules.rule("best", "orders >= 1 and\n ordres >= 2")
    assert (refused.value.line, "Did you mean" in str(refused.value)) == (2, True)
    rules.rule("best", "orders >= 1 AND spend > money(1)")
    view = system.tag_definitions.find("best")
    assert view is not None
    assert view.spec["lineage"] == {
        "source": "rule",
        "condition": "orders >= 1 and spend > money(1.00)",
        "currency": "USD",
        "reads": {"value": 1},
    }


def test_without_rules_nothing_is_read(system: LedgerSystem, rules: RuleTags) -> None:
    assert rules.follow() is False
    assert rules.ledger.rules() == RulesInForce((), {})
