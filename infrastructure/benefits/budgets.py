"""Budgets: their events in the log, and beside them the tables that granting looks up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from application.budgets.ports import AccountView, BudgetView
from domain.benefits.periods import start_of_period
from domain.benefits.refusals import UnknownBudget
from domain.budgets.aggregate import Budget, Proposal
from domain.budgets.events import BudgetEvent, Changed, Closed, Defined, Proposed, Reopened
from domain.budgets.refusals import BudgetBelowPromised
from domain.budgets.terms import BudgetTerms, terms_from_json
from domain.facts.instants import parse_instant
from infrastructure.benefits.changing import Changes
from infrastructure.event_store.application import Ledger
from infrastructure.postgres.pool import Pool, transaction

_ALL = """
select budget, amount, currency, time_zone, coalesce(parent, ''), period, starts_at, ends_at, labels, status, changed_at
from budgets order by budget
"""
_ACCOUNTS = """
select split_part(account, '@', 1), split_part(account, '@', 2), allowed, reserved, spent
from accounts where account like 'budget:%' order by account collate "C"
"""
_PROPOSALS = "select budget, terms, proposed_by, proposed_at from budget_proposals order by budget"
_PROPOSE = """
insert into budget_proposals (budget, terms, proposed_by, proposed_at) values (%s, %s, %s, %s)
on conflict (budget) do update set terms = excluded.terms, proposed_by = excluded.proposed_by,
    proposed_at = excluded.proposed_at
"""
_DECIDED = "delete from budget_proposals where budget = %s"
_DEFINE = """
insert into budgets (budget, amount, currency, time_zone, parent, period, starts_at, ends_at, labels, status,
                     changed_at)
values (%s, %s, %s, %s, nullif(%s, ''), %s, %s, %s, %s, 'open', %s)
"""
_OPEN_ACCOUNT = "insert into accounts (account, allowed) values (%s, %s)"
_CHANGE = "update budgets set amount = %s, ends_at = %s, changed_at = %s where budget = %s"
_STATUS = "update budgets set status = %s, changed_at = %s where budget = %s"
_PROMISED = """
select account, split_part(account, '@', 2), reserved + spent from accounts
where account = %(account)s or starts_with(account, %(account)s || '@') order by account for update
"""
_ALLOW = "update accounts set allowed = %s where account = any(%s)"


class PostgresBudgets:
    """Fulfils Budgets."""

    def __init__(self, pool: Pool, ledger: Ledger) -> None:
        self._pool, self._ledger, self._changes = pool, ledger, Changes(pool)

    @contextmanager
    def change(self, budget: str) -> Iterator["LockedBudget"]:
        """The budget, locked; grants wait."""
        with self._changes.begin(in_force=True) as (connection, now):
            yield LockedBudget(connection, self._ledger, self._ledger.budget(budget), now)

    def all(self) -> list[BudgetView]:
        """By name."""
        with transaction(self._pool) as connection, connection.pipeline():
            told, charged, waiting = (connection.execute(query) for query in (_ALL, _ACCOUNTS, _PROPOSALS))
            rows, accounts = told.fetchall(), _accounts(charged.fetchall())
            proposals = {row[0]: Proposal(terms_from_json(row[1]), *row[2:]) for row in waiting.fetchall()}
        there = {row[0] for row in rows}
        children: dict[str, list[str]] = {}
        for row in rows:
            children.setdefault(row[4], []).append(row[0])
        views = [
            BudgetView(
                budget,
                status,
                BudgetTerms(*terms),
                changed_at,
                tuple(accounts.get(f"budget:{budget}", ())),
                tuple(children.get(budget, ())),
                proposals.get(budget),
            )
            for budget, *terms, status, changed_at in rows
        ]
        views += [
            BudgetView(budget, "proposed", waits.terms, waits.proposed_at, waiting=waits)
            for budget, waits in proposals.items()
            if budget not in there
        ]
        return sorted(views, key=lambda view: view.budget)


class LockedBudget:
    """Fulfils BudgetChange."""

    def __init__(self, connection: Connection, ledger: Ledger, budget: Budget | None, now: int) -> None:
        self._connection, self._ledger, self.budget, self.now = connection, ledger, budget, now

    def currency_of(self, budget: str) -> str:
        """Of a budget that is defined. Raises UnknownBudget."""
        row = self._connection.execute("select currency from budgets where budget = %s", (budget,)).fetchone()
        if row is None:
            raise UnknownBudget(budget)
        return str(row[0])

    def save(self, budget: Budget) -> int:
        """Tables, events and commit."""
        if not budget.pending_events:
            self._connection.rollback()
            return 0
        for event in budget.pending_events:
            assert isinstance(event, BudgetEvent)
            self._keep(budget, event)
        return self._ledger.save_joined(self._connection, budget)

    def _keep(self, budget: Budget, event: BudgetEvent) -> None:
        name, at = budget.budget, event.effective_at
        match event:
            case Proposed():
                self._connection.execute(_PROPOSE, (name, Jsonb(event.terms), event.actor, at))
            case Defined():
                self._define(name, budget.require_defined(), at)
                self._connection.execute(_DECIDED, (name,))
            case Changed():
                self._allow(name, budget.require_defined(), at)
                self._connection.execute(_CHANGE, (event.amount, event.ends_at, at, name))
                self._connection.execute(_DECIDED, (name,))
            case Closed():
                self._connection.execute(_STATUS, ("closed", at, name))
            case Reopened():
                self._connection.execute(_STATUS, ("open", at, name))

    def _define(self, name: str, terms: BudgetTerms, at: int) -> None:
        money = (terms.amount, terms.currency, terms.time_zone, terms.parent, terms.period)
        self._connection.execute(_DEFINE, (name, *money, terms.starts_at, terms.ends_at, Jsonb(terms.labels), at))
        if not terms.period:  # a period's account is opened when it is first charged
            self._connection.execute(_OPEN_ACCOUNT, (f"budget:{name}", terms.amount))

    def _allow(self, name: str, terms: BudgetTerms, at: int) -> None:
        """The amount of the whole, or of this period and all to come."""
        since = start_of_period(terms.period, terms.time_zone, at) if terms.period else 0  # type: ignore[arg-type]
        rows = self._connection.execute(_PROMISED, {"account": f"budget:{name}"}).fetchall()
        followed = [row for row in rows if not row[1] or parse_instant(row[1]) >= since]
        fullest = max(followed, key=lambda row: row[2], default=None)
        if fullest is not None and fullest[2] > terms.amount:
            raise BudgetBelowPromised(name, terms.amount, fullest[2], fullest[0])
        self._connection.execute(_ALLOW, (terms.amount, [row[0] for row in followed]))


def _accounts(rows: list[Any]) -> dict[str, list[AccountView]]:
    """By the budget's name, with its prefix."""
    found: dict[str, list[AccountView]] = {}
    for account, start, allowed, reserved, spent in rows:
        view = AccountView(allowed, reserved, spent, parse_instant(start) if start else None)
        found.setdefault(account, []).append(view)
    return found
