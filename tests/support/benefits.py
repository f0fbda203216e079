"""Benefits on a ledger under test: definitions in force without their way there, and what the tables show."""

from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from domain.benefits.spec import BenefitSpec, content_hash, spec_to_json

COUPON: dict[str, Any] = {
    "benefit": "coupon-10",
    "kind": "coupon",
    "labels": {"zh-CN": "十元券", "en": "Ten off"},
    "currency": "USD",
    "time_zone": "UTC",
    "unit_cost": 1000,
    "details": {"amount_off": 1000},
}


def put_in_force(dsn: str, definition: dict[str, Any], version: int = 1) -> BenefitSpec:
    """As an activation leaves it: the version in force, and its stock."""
    spec = BenefitSpec.model_validate(definition)
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update benefits set status = 'retired' where benefit = %s and status = 'active'", (spec.benefit,)
        )
        connection.execute(
            "insert into benefits (benefit, version, status, spec, content_hash, created_at, created_by, activated_at)"
            " values (%s, %s, 'active', %s, %s, 0, 'test', 0)",
            (spec.benefit, version, Jsonb(spec_to_json(spec)), content_hash(spec)),
        )
        if spec.stock is not None:
            connection.execute(
                "insert into accounts (account, allowed) values (%s, %s)"
                " on conflict (account) do update set allowed = excluded.allowed",
                (f"stock:{spec.benefit}", spec.stock),
            )
    return spec


def open_budget(dsn: str, budget: str, amount: int, *, parent: str | None = None, **further: Any) -> None:
    """A budget in USD, with its account."""
    row = {"currency": "USD", "period": "", "time_zone": "UTC", "starts_at": None, "ends_at": None, **further}
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into budgets (budget, parent, amount, currency, period, time_zone, starts_at, ends_at, status,"
            " changed_at) values (%s, %s, %s, %s, %s, %s, %s, %s, 'open', 0)",
            (budget, parent, amount, *row.values()),
        )
        if not row["period"]:
            connection.execute("insert into accounts (account, allowed) values (%s, %s)", (f"budget:{budget}", amount))


def accounts(dsn: str) -> dict[str, tuple[int, int, int]]:
    """allowed, reserved, spent, by account."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("select account, allowed, reserved, spent from accounts order by account").fetchall()
    return {account: tuple(numbers) for account, *numbers in rows}
