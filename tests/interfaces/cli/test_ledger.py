"""docs/ledger.md is true: every command on the page is run, on grants that add up."""

import re
from pathlib import Path

import psycopg
import pytest

from application.benefits.grant_benefit import grant_id_of
from domain.benefits.granting import GrantWanted
from infrastructure.bootstrap import System, build
from infrastructure.settings import load_settings
from tests.interfaces.cli.conftest import Run
from tests.support.benefits import COUPON, open_budget, put_in_force

PAGE = Path(__file__).parents[3] / "docs/ledger.md"
COMMANDS = [
    line.removeprefix("tierline ").split()
    for block in re.findall(r"```\n(.*?)```", PAGE.read_text(), re.S)
    for line in block.splitlines()
    if line.startswith("tierline ")
]


@pytest.fixture
def granted(tierline: Run, model_file: str, facts_file: str, database: str) -> Run:
    """Three users with a grant of two units each, of which one is used by two of them."""
    tierline("model", "activate", model_file)
    tierline("facts", "import", facts_file)
    open_budget(database, "spring", 10_000)
    put_in_force(database, {**COUPON, "budget": "spring", "stock": 6, "validity": {"from_grant": "30 days"}})
    system: System = build(load_settings(), parts=["postgres"])
    for number in range(3):
        wanted = GrantWanted(grant_id_of(""), f"u-{number}", "coupon-10", units=2, actor="test", campaign="c-1")
        grant_id = system.grants.grant(wanted).grant.grant_id
        if number:
            system.grants.redeem(grant_id, "test", units=1)
    system.close()
    return tierline


def test_every_command_on_the_page(granted: Run) -> None:
    assert len(COMMANDS) >= 5
    for command in COMMANDS:
        found = granted(*command)
        if command[0] == "ledger":
            assert found["totals"] and found["rows"] and found["position"]
        assert granted(*command, as_json=False)


def test_figures_add_up(granted: Run) -> None:
    (owed,) = granted("ledger", "liability")["totals"]
    assert owed == {"currency": "USD", "grants": 3, "units": 4, "cost": 4_000}
    assert granted("ledger", "forecast")["totals"] == [owed]
    (row,) = granted("ledger", "costs", "--by", "campaign")["rows"]
    assert (row["granted"]["units"], row["redeemed"]["units"], row["open"]["cost"]) == (6, 2, 4_000)
    shown = granted("ledger", "liability", as_json=False)
    assert "4,000" in shown and "spring" in shown
    assert "scheme" in granted("ledger", "costs", "--by", "tier", code=1)


def test_tampering_is_told(granted: Run, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "update grants set redeemed = 2 where redeemed = 1 and grant_id = (select max(grant_id::text)::uuid"
            " from grants where redeemed = 1)"
        )
    found = granted("verify", "ledger", code=1)
    assert (found["clean"], found["problems"]["grant-amounts-differ"], found["problems"]["account-differs"]) == (
        False,
        1,
        2,
    )
    told = granted("verify", "ledger", as_json=False, code=1)
    assert "grant-amounts-differ: u-" in told and "account-differs: budget:spring" in told
    assert "no ledger-verification" in granted("verify", "ledger", "--resume", "nope", code=1)
