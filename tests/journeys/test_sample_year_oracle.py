"""The oracle itself: it says what the slow reference says, fits by the definition, and tells a wrong day."""

import json
from datetime import date
from pathlib import Path

import pytest
import yaml

from examples.sample_data import write_facts
from tests.journeys.sample_year_oracle import Difference, SampleYear, differences
from tests.reference.evaluator import Version, decide_timeline
from tests.reference.zones import instant, zone

MODELS = Path(__file__).parents[2] / "examples" / "models"
UNTIL = instant("2018-01-03T00:00:00Z")
NEW_YORK = zone("America/New_York")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The facts of forty households."""
    return write_facts(tmp_path_factory.mktemp("sample"), weeks=0, households=40).facts


@pytest.fixture(scope="module")
def year(sample):
    return SampleYear(sample, UNTIL)


@pytest.mark.parametrize("name", ["value", "behaviour", "feature"])
def test_it_says_what_the_reference_says(sample, year, name):
    model = year.fitted(_shipped(name), instant("2018-01-02T12:00:00Z"))
    expected = {
        user: [
            (event["effective_at"], event["to"])
            for event in decide_timeline(facts, [Version(model, 0)], UNTIL, sealed_at=UNTIL)
            if event["topic"] == "tier-changed"
        ]
        for user, facts in _by_user(sample).items()
    }
    assert year.tiers(model) == expected
    assert sum(map(len, expected.values())) > 60


def test_it_fits_by_the_definition(sample, year):
    at = instant("2018-01-02T12:00:00Z")
    cuts = year.fitted(_shipped("value"), at)["scores"]
    orders: dict[str, list[dict]] = {}
    for user, facts in _by_user(sample).items():
        orders[user] = [fact for fact in facts if fact["kind"] == "order"]
    days = [(date(2018, 1, 2) - NEW_YORK.day(facts[-1]["occurred_at"])).days for facts in orders.values() if facts]
    counts = [_within(facts, at) for facts in orders.values()]
    for found, values in ((cuts["r"]["cuts"], days), (cuts["f"]["cuts"], [len(facts) for facts in counts])):
        shares = [sum(other <= value for other in values) / len(values) for value in values]
        assert found == sorted(
            {min(value for value, share in zip(values, shares, strict=True) if share >= j / 5) for j in range(1, 5)}
        )


def test_a_wrong_day_is_told():
    steps = [(instant("2017-03-01T12:00:00Z"), "low"), (instant("2017-03-03T05:00:00Z"), "high")]
    late = [steps[0], (instant("2017-03-04T05:00:00Z"), "high")]
    first, last = date(2017, 2, 28), date(2017, 3, 5)
    assert differences("value", NEW_YORK, {"hh-1": steps}, {"hh-1": steps}, first, last) == []
    assert differences("value", NEW_YORK, {"hh-1": steps}, {"hh-1": late}, first, last) == [
        Difference("value", "hh-1", date(2017, 3, 3), "high", "low")
    ]
    assert len(differences("value", NEW_YORK, {"hh-1": steps}, {}, first, last)) == 5


def _shipped(name: str) -> dict:
    return yaml.safe_load((MODELS / f"{name}.yaml").read_text(encoding="utf-8"))


def _within(facts: list[dict], at: int) -> list[dict]:
    """90 days up to 2 January 2018."""
    start = NEW_YORK.midnight(date(2017, 10, 5))
    return [fact for fact in facts if start <= fact["occurred_at"] <= at]


def _by_user(path: Path) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for position, row in enumerate(map(json.loads, path.read_text().splitlines()), 1):
        at = instant(row["occurred_at"])
        fact = {
            "position": position,
            "fact_id": row["fact_id"],
            "source": row["source"],
            "kind": row["kind"],
            "occurred_at": at,
            "known_at": at,
            "amount": row.get("amount"),
            "currency": row.get("currency"),
            "attributes": row.get("attributes", {}),
            "lines": row.get("lines", []),
        }
        found.setdefault(row["user_id"], []).append(fact)
    return found
