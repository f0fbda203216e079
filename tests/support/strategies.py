"""Strategies on a ledger under test: facts in, decisions, reactions, and what became of it."""

from typing import Any

import yaml

from application.queries import SegmentPage
from application.runs.perform_runs import PerformRuns
from domain.segments.definition import SegmentSpec
from infrastructure.runs.store import PostgresRuns
from infrastructure.settings import Settings
from infrastructure.strategies.wiring import build_strategies
from tests.support.ledger import LedgerSystem, order

MODEL = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["low", "mid", "high"],
    "features": {
        "spend": {"sum": "order.amount", "within": "30 days"},
        "recency": {"days_since": "order"},
    },
    "rules": {"high": "spend >= money(100.00)", "mid": "spend >= money(10.00)"},
    "policy": {"downgrade": {"review": "continuous"}},
}
WELCOME: dict[str, Any] = {
    "strategy": "welcome",
    "time_zone": "UTC",
    "currency": "USD",
    "trigger": {"entered": "value.high"},
    "do": [{"notify": "sms", "template": "hello"}],
}
_ASSIGNMENTS = """
select u.user_id, a.strategy, a.arm, a.holdout, a.ended_at is null, a.end_reason
from assignments a join user_ids u using (subject_id) order by a.assigned_at, u.user_id, a.strategy
"""


def _seven(*_: Any) -> SegmentPage:
    """The search index, as far as anybody asks it here."""
    return SegmentPage(7, (), {}, None)


class StrategySystem(LedgerSystem):
    """Use it in a with statement. Nothing happens by itself: `react` brings it about."""

    def __init__(self, dsn: str, *, manual_clock: bool = True, **settings: Any) -> None:
        super().__init__(dsn, manual_clock=manual_clock)
        self.runs = PostgresRuns(self.pool, self.keyring)
        self.segments: dict[str, SegmentSpec] = {}
        self.strategies, jobs = build_strategies(
            self.pool, self.keyring, self.evaluation, self.runs, Settings(**settings), _seven, self.segments.__getitem__
        )
        self.perform_runs = PerformRuns(self.runs, jobs)

    def start(self, definition: dict[str, Any] | None = None, **changes: Any) -> str:
        """Define the strategy and start it; its name."""
        spec = {**(definition or WELCOME), **changes}
        self.strategies.define(yaml.safe_dump(spec, allow_unicode=True), "test")
        self.strategies.change.start(spec["strategy"], "test", as_admin=True)
        return str(spec["strategy"])

    def spends(self, user_id: str, amount: int, at: int, fact_id: str = "o-1", **profile: Any) -> None:
        """An order of an amount in cents, and a profile before it."""
        facts = [order(fact_id, user_id, at, amount)]
        if profile:
            told = {"fact_id": f"p-{fact_id}", "user_id": user_id, "kind": "profile", "attributes": profile}
            facts.insert(0, {**told, "occurred_at": facts[0]["occurred_at"]})
        assert not self.facts(facts).rejected

    def react(self) -> None:
        """Decide and react until nothing is left to do."""
        self.settle()
        while self.react_once() or self.settle() or self.perform_runs():
            pass

    def react_once(self) -> bool:
        """A bit of all that happens by itself; whether anything was done."""
        did = [self.strategies.start_when_tiers_change(), self.strategies.carry_out_actions()]
        return any([*did, self.strategies.keep_up()])

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Straight from the database."""
        with self.pool.connection() as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()

    def assignments(self) -> list[tuple[Any, ...]]:
        """(user, strategy, arm, holdout, whether it goes on, why it ended), in their order."""
        return self.rows(_ASSIGNMENTS)

    def told(self, user_id: str) -> list[dict[str, Any]]:
        """The user's events of strategies."""
        return [event for event in self.events().get(user_id, []) if event["topic"].startswith("user-tier.strategy-")]

    def topics(self, user_id: str) -> list[str]:
        """The same in short: assigned, exposed, skipped: reason, ended: reason."""
        short = []
        for event in self.told(user_id):
            name = event["topic"].removeprefix("user-tier.strategy-").removesuffix(".v1")
            short.append(f"{name}: {event['reason']}" if "reason" in event else name)
        return short
