"""The ledger's figures as they are answered: plain values, instants as text."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from application.benefits.ledger.ports import AccountState, Cost, Costs, Forecast, Liability, Owed
from domain.facts.instants import format_instant


def liability_json(found: Liability) -> dict[str, Any]:
    """Rows, totals and what is past its end; the accounts beside them."""
    return {
        "as_of": format_instant(found.as_of),
        "rows": _owed(found.rows),
        "totals": _totals(found.totals),
        "ended": _totals(found.ended),
        "budgets": [_account(state, "budget") for state in found.budgets],
        "stocks": [_account(state, "benefit") for state in found.stocks],
        "position": found.position,
    }


def forecast_json(found: Forecast) -> dict[str, Any]:
    """Periods in their order, `never` last."""
    return {
        "as_of": format_instant(found.as_of),
        "rows": _owed(found.rows),
        "totals": _totals(found.totals),
        "position": found.position,
    }


def costs_json(found: Costs) -> dict[str, Any]:
    """Each row with its five flows."""
    return {
        "as_of": format_instant(found.as_of),
        "rows": [_cost(row) for row in found.rows],
        "totals": [{name: value for name, value in _cost(row).items() if name != "key"} for row in found.totals],
        "position": found.position,
    }


def _owed(rows: Sequence[Owed]) -> list[dict[str, Any]]:
    return [{"key": row.key, **total} for row, total in zip(rows, _totals(rows), strict=True)]


def _totals(rows: Sequence[Owed]) -> list[dict[str, Any]]:
    return [{"currency": row.currency, "grants": row.grants, **asdict(row.left)} for row in rows]


def _cost(row: Cost) -> dict[str, Any]:
    return asdict(row)


def _account(state: AccountState, named: str) -> dict[str, Any]:
    told: dict[str, Any] = {named: state.name}
    if state.currency is not None:
        starts_at = None if state.starts_at is None else format_instant(state.starts_at)
        told |= {"currency": state.currency, "period_start": starts_at}
    left = state.allowed - state.reserved - state.spent
    return told | {"allowed": state.allowed, "reserved": state.reserved, "spent": state.spent, "left": left}
