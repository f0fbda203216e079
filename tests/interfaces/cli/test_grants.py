"""`tierline grants`: given, used, taken back, issued by themselves; refused with the reason and the remedy."""

from pathlib import Path

import pytest

from tests.interfaces.cli.conftest import Run
from tests.interfaces.http.conftest import as_url
from tests.support.benefits import COUPON, accounts, open_budget, put_in_force


@pytest.fixture
def at_work(tierline: Run, database: str, model_file: str, facts_file: str) -> Run:
    """u-0 on mid, and coupons: five of them, for 30 days, out of a budget for four."""
    dsn = as_url(database)
    tierline("model", "activate", model_file)
    tierline("facts", "import", facts_file)
    open_budget(dsn, "spring", 4_000)
    put_in_force(dsn, COUPON | {"stock": 5, "budget": "spring", "validity": {"from_grant": "30 days"}})
    return tierline


def test_a_grant_is_given_used_in_part_shown_and_revoked(at_work: Run, database: str) -> None:
    operator = at_work("key", "create", "Olive", "--role", "operator")["key"]
    words = ("grants", "give", "u-0", "coupon-10", "--units", "3", "--order", "o-0", "--command-id", "c-1")
    grant, again = (at_work(*words, "--reason", "sorry", "--key", operator) for _ in range(2))
    assert (grant["status"], grant["left"], grant["user_id"]) == ("open", 3, "u-0")
    assert again["grant_id"] == grant["grant_id"]
    assert accounts(as_url(database))["budget:spring"] == (4_000, 3_000, 0)
    grant_id = grant["grant_id"]
    used = ("grants", "redeem", grant_id, "--units", "1", "--order", "o-7", "--command-id", "t-1")
    part, replayed = (at_work(*used) for _ in range(2))
    assert (part["left"], replayed["left"], part["redeemed"]) == (2, 2, 1)
    shown = at_work("grants", "show", grant_id)
    assert {**shown, "position": 0} == {**part, "position": 0}
    assert [one["grant_id"] for one in at_work("grants", "list", "u-0", "--status", "open")] == [grant_id]
    assert at_work("grants", "list", "u-0", "--status", "expired") == []
    revoked = at_work("grants", "revoke", grant_id, "--reason", "a mistake")
    assert (revoked["status"], revoked["redeemed"], revoked["released"]) == ("revoked", 1, 2)
    assert accounts(as_url(database)) == {"budget:spring": (4_000, 0, 1_000), "stock:coupon-10": (5, 0, 1)}


def test_what_people_read(at_work: Run) -> None:
    told = at_work("grants", "give", "u-0", "coupon-10", "--units", "2", as_json=False)
    grant_id = told.split()[1]
    assert "of u-0: open until 20" in told and "2 of 2 coupon-10 are left." in told
    assert "1 of 2 coupon-10 are left." in at_work("grants", "redeem", grant_id, "--units", "1", as_json=False)
    table = at_work("grants", "list", "u-0", as_json=False)
    assert grant_id in table and "coupon-10" in table
    shown = at_work("grants", "show", grant_id, as_json=False)
    assert "unit_cost" in shown and "1000" in shown
    assert ": revoked." in at_work("grants", "revoke", grant_id, as_json=False)


def test_refusals_say_why_and_what_to_do(at_work: Run) -> None:
    compliance = at_work("key", "create", "Carl", "--role", "compliance")["key"]
    grant_id = at_work("grants", "give", "u-0", "coupon-10", "--units", "2")["grant_id"]
    refused = {
        ("give", "nobody", "coupon-10"): "check the spelling",
        ("give", "u-0", "coupon-1"): "There is no benefit 'coupon-1'.",
        ("give", "u-0", "coupon-10", "--units", "3"): "raise the budget",
        ("give", "u-0", "coupon-10", "--budget", "winter"): "define it, or leave it out",
        ("give", "u-0", "coupon-10", "--reason", "a\nb"): "at most 500 characters on one line",
        ("give", "u-0", "coupon-10", "--key", compliance): "may not grant benefits",
        ("redeem", grant_id, "--units", "3"): "redeem at most 2",
        ("redeem", grant_id, "--key", compliance): "may not redeem grants",
        ("redeem", "0" * 32): "use a grant_id as the grant was answered",
        ("revoke", grant_id, "--key", compliance): "may not revoke grants",
        ("revoke", "nonsense"): "There is no grant 'nonsense'.",
        ("show", "nonsense"): "There is no grant 'nonsense'.",
        ("list", "nobody"): "check the spelling",
    }
    for words, said in refused.items():
        assert said in at_work("grants", *words, code=1), words
    at_work("grants", "redeem", grant_id)
    assert "is redeemed since" in at_work("grants", "redeem", grant_id, "--command-id", "t-2", code=1)
    assert "is redeemed since" in at_work("grants", "revoke", grant_id, code=1)
    at_work("grants", "stop", "*", "--reason", "a rehearsal")
    assert "is stopped" in at_work("grants", "give", "u-0", "coupon-10", code=1)
    assert "--units" in at_work("grants", "give", "u-0", "coupon-10", "--units", "0", code=2)
    assert "--status" in at_work("grants", "list", "u-0", "--status", "gone", code=2)
    assert len(at_work("grants", "list", "u-0")) == 1, "nothing half done"


def test_an_issuance_is_defined_listed_and_retired(at_work: Run, tmp_path: Path) -> None:
    approver = at_work("key", "create", "Bob", "--role", "approver")["key"]
    operator = at_work("key", "create", "Olive", "--role", "operator")["key"]
    file = tmp_path / "monthly.yaml"
    file.write_text("benefit: coupon-10\ntime_zone: UTC\nmonthly: 10\n")
    define = ("grants", "issuance", "define", "monthly", str(file))
    assert "may not issue benefits" in at_work(*define, "--key", operator, code=1)
    made = at_work(*define, "--key", approver)
    assert (made["name"], made["revision"], made["issued"], made["refused"]) == ("monthly", 1, 0, {})
    file.write_text("benefit: coupon-10\ntime_zone: UTC\nmonthly: 11\n")
    assert at_work(*define)["revision"] == 2
    assert "monthly issues coupon-10 from now on." in at_work(*define, as_json=False)
    (listed,) = at_work("grants", "issuance", "list")
    assert (listed["monthly"], listed["status"]) == (11, "active")
    assert "coupon-10" in at_work("grants", "issuance", "list", as_json=False)
    assert at_work("grants", "issuance", "retire", "monthly", "--reason", "over", "--key", approver)["status"] == (
        "retired"
    )
    assert "is retired" in at_work(*define, code=1)


def test_an_issuance_that_cannot_stand(at_work: Run, tmp_path: Path) -> None:
    file = tmp_path / "issuance.yaml"
    define = ("grants", "issuance", "define", "gift", str(file))
    for text, said in {
        "benefit: coupon-10\ntime_zone: UTC\n": "give one of monthly, birthday and upgrade",
        "benefit: coupon-10\ntime_zone: UTC\nmonthly: 40\n": "monthly 40: Write at most 31",
        "benefit: coupon-1\ntime_zone: UTC\nmonthly: 4\n": "There is no benefit 'coupon-1'.",
        "benefit: coupon-10\ntime_zone: UTC\nupgrade: valeu\n": "Did you mean value?",
        "- a list\n": "The file is no issuance.",
        "benefit: [\n": "It cannot be read.",
    }.items():
        file.write_text(text)
        assert said in at_work(*define, code=1), text
    file.unlink()
    assert "issuance.yaml" in at_work(*define, code=2).replace("\n", "").replace(" ", "").replace("│", "")
    assert "define the issuance first" in at_work("grants", "issuance", "retire", "gift", code=1)
