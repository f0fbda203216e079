"""`tierline model preset` and `fit`, from a ready model to a card; kinds of facts."""

import json
from pathlib import Path

import pytest

from tests.interfaces.cli.conftest import Run

LEARNED = """
scheme: future
dimension: value
time_zone: UTC
currency: USD
tiers: [low, high]
features:
  recency: {days_since: order}
  spend: {sum: order.amount}
scores:
  next: {learned: [recency, spend], predict: {sum: order.amount}, horizon: 30 days}
  n2: {of: next, bins: 2}
rules:
  high: "n2 = 2"
"""


def written(path: Path, prefix: str, users: int, step: int) -> str:
    """A file of facts: each user orders every month, the same amount, which differs from user to user."""
    lines = [
        json.dumps(
            {
                "fact_id": f"o-{month}",
                "user_id": f"{prefix}-{user}",
                "kind": "order",
                "occurred_at": f"2026-{month:02}-{1 + user % 28:02}T00:00:00Z",
                "amount": 1_000 + step * user,
                "currency": "USD",
            }
        )
        for month in range(1, 6)
        for user in range(users)
    ]
    path.write_text("\n".join(lines))
    return str(path)


@pytest.fixture
def facts_file(tmp_path: Path) -> str:
    return written(tmp_path / "facts.ndjson", "u", 120, 100)


@pytest.fixture
def newcomers(tmp_path: Path) -> str:
    """Decided when their history is sealed: new-0 spends the least of all, new-1 the most."""
    return written(tmp_path / "newcomers.ndjson", "new", 2, 12_000)


def test_a_ready_model_from_its_file_to_a_card(tierline: Run, facts_file: str, newcomers: str, tmp_path: Path) -> None:
    assert {one["name"] for one in tierline("model", "preset")} >= {"rfm-eight-mean", "rfm-score"}
    assert "均值法" in tierline("model", "preset", as_json=False)
    text = tierline("model", "preset", "rfm-eight-mean", "--currency", "USD", "--time-zone", "UTC", as_json=False)
    file = tmp_path / "cells.yaml"
    file.write_text(text)
    assert tierline("model", "lint", str(file)) == []
    tierline("facts", "import", "--history", facts_file)
    fitted = tierline("model", "fit", str(file))
    assert sum(fitted["spec"]["fitted"]["baseline"]["m"]) == 120
    assert "users in each bin [" in tierline("model", "show", "rfm", as_json=False)
    assert tierline("model", "activate", str(file))["content_hash"] == fitted["content_hash"]
    tierline("facts", "import", "--history", newcomers)
    tiers = [tierline("user", "show", user)["standings"]["rfm"]["tier"] for user in ("new-0", "new-1")]
    assert tiers[0].startswith("general") and tiers[1].startswith("important")
    assert "rfm-nine" in tierline("model", "preset", "rfm-nine", code=1)


def test_a_learned_score_tells_its_quality_beside_plain_spend(
    tierline: Run, facts_file: str, newcomers: str, tmp_path: Path
) -> None:
    pytest.importorskip("sklearn")
    file = tmp_path / "future.yaml"
    file.write_text(LEARNED)
    assert "gradient-boosting" in tierline("model", "activate", str(file), code=1)
    tierline("facts", "import", "--history", facts_file)
    learning = ("model", "fit", str(file), "--learner", "gradient-boosting")
    assert "only 0 users" in tierline(*learning, "--at", "2026-02-15T00:00:00Z", code=1)
    told = tierline(*learning, "--at", "2026-05-29T00:00:00Z", as_json=False)
    assert "learned from recency, spend of 120 users at 2026-03-30T00:00:00Z" in told
    assert "next on the 120 users of the next 30 days: Spearman " in told
    assert "plain spend on the 120 users of the next 30 days: Spearman " in told
    assert tierline("model", "activate", str(file))["version"] == 1
    tierline("facts", "import", "--history", newcomers)
    cards = [tierline("user", "show", user)["standings"]["future"] for user in ("new-0", "new-1")]
    assert cards[0]["tier"] == "low" and cards[0]["scores"]["next"] < cards[1]["scores"]["next"]


def test_kinds_of_facts(tierline: Run) -> None:
    registered = tierline("facts", "register", "external_score", "--requires", "attributes.value")
    assert registered == {"kind": "external_score", "requires": ["attributes.value"], "texts": []}
    assert registered in tierline("facts", "kinds")
    assert "external_score" in tierline("facts", "kinds", as_json=False)
    assert "built in" in tierline("facts", "register", "order", code=1)
