"""The shipped models are good ones: without faults, and of use on the sample year."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.facts.fact import Fact
from domain.facts.instants import SECOND, parse_instant
from domain.tier_model.lint import lint, lint_text
from domain.tier_model.spec import TierModelSpec, canonical_json, parse_model, with_cuts
from examples.sample_data import write_facts
from tests.examples.sample_year import Row, SampleYear, tiers_of
from tests.support.ledger import LedgerSystem

MODELS = sorted((Path(__file__).parents[2] / "examples" / "models").glob("*.yaml"))
DAY = 86_400 * SECOND


def spec_of(path: Path) -> TierModelSpec:
    return parse_model(path.read_bytes())


def named(name: str) -> TierModelSpec:
    return spec_of(next(path for path in MODELS if path.stem == name))


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> SampleYear:
    return SampleYear(tmp_path_factory.mktemp("year"), households=150)


def test_a_model_is_named_as_its_scheme_and_there_are_some_for_every_dimension() -> None:
    assert [spec_of(path).scheme for path in MODELS] == [path.stem for path in MODELS]
    dimensions = [spec_of(path).dimension for path in MODELS]
    assert {name: dimensions.count(name) for name in ("value", "behaviour", "feature")} == {
        "value": 2,
        "behaviour": 4,
        "feature": 5,
    }


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_shipped_model_has_no_faults_and_every_name_in_two_languages(path: Path) -> None:
    spec = spec_of(path)
    others = {other.stem: spec_of(other) for other in MODELS if other != path}
    assert lint_text(path.read_bytes(), others) == lint(spec, None, others, activating=True) == []
    labelled = {name for name, label in spec.labels.items() if label.zh_cn and label.en}
    assert labelled == {
        spec.scheme,
        *spec.tiers,
        *spec.features,
        *spec.scores,
    }  # of `growth`, scheme and feature are one
    assert parse_model(canonical_json(spec)) == spec


@pytest.mark.parametrize(
    ("name", "beside", "empty"),
    [
        ("value", [], {"general_retain", "general_value", "important_retain", "important_win_back"}),
        ("behaviour", [], set()),
        ("feature", [], set()),
        ("interest", [], set()),
        ("price_band", [], set()),
        ("discount", [], set()),
        ("channel", [], set()),
        ("growth", [], set()),
        ("store", [], set()),
        ("crossed", ["value", "behaviour", "growth"], {"left_alone", "win_back"}),
    ],
)
def test_a_shipped_model_parts_the_households_of_the_sample_year(
    year: SampleYear, name: str, beside: list[str], empty: set[str]
) -> None:
    """empty: tiers on which none of so few households may stand at the year's end."""
    table = year.table()
    specs = [year.fitted(named(each), table) for each in (*beside, name)]
    assert [fault for spec in specs for fault in lint(spec) if fault.severity == "error"] == []
    standing = tiers_of(year.decided(specs, table), name)
    assert set(standing) >= set(named(name).tiers) - empty
    assert standing.total() >= len(year.users)  # of each shop: more
    assert max(standing.values()) <= 0.7 * standing.total()


def churn_scores(year: SampleYear, score_of: Callable[[int], float | None]) -> list[Row]:
    """What the other service would have sent at the year's end."""
    at = year.ends - 3 * DAY
    return [
        (number, Fact(f"churn-{number}", user, "profile", at, "churn", attributes={"churn_score": score}))
        for number, user in enumerate(year.users)
        if (score := score_of(number)) is not None
    ]


def test_scores_of_another_service_come_as_facts(year: SampleYear) -> None:
    assert tiers_of(year.decided([named("churn_risk")], year.table()), "churn_risk") == {"unscored": len(year.users)}
    extra = churn_scores(year, lambda number: None if number % 5 == 0 else (number % 50) / 50)
    standing = tiers_of(year.decided([named("churn_risk")], year.table(extra)), "churn_risk")
    assert set(standing) == {"rescue", "watch", "safe", "unscored"}
    assert standing["unscored"] == len(year.users) / 5


def test_what_a_user_grew_is_what_they_spent_and_redeemed(year: SampleYear) -> None:
    """Worked out apart, over the raw facts, for everybody whose level has never been settled."""
    checked = 0
    for number, decided in enumerate(year.decided([named("growth")], year.table())):
        observed = decided.observation.schemes["growth"][""]
        if observed.standing.growth_settled_at is None:
            dollars = sum((fact.amount or 0) // 100 for owner, fact in year.rows if owner == number)
            coupons: dict[int, int] = {}
            for owner, fact in year.rows:
                if owner == number and fact.kind == "interaction":
                    coupons[fact.occurred_at] = min(40, coupons.get(fact.occurred_at, 0) + 20)  # all at noon of a day
            assert observed.features["growth"] == dollars + sum(coupons.values())
            checked += 1
    assert checked > 10


def test_the_eight_cells_cover_every_score_once() -> None:
    spec = named("value")
    names = [spec.labels[tier].zh_cn for tier in reversed(spec.tiers)]
    assert names == [f"{weight}{cell}" for weight in ("重要", "一般") for cell in ("价值", "发展", "保持", "挽留")]
    fitted = with_cuts(spec, {"r": [3, 8, 20, 60], "f": [2, 5, 9, 16], "m": [100, 200, 300, 400]}, 0, "")
    assert lint(fitted) == []
    classes = {
        **fitted.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "unordered": True,
        "default": spec.tiers[0],
        "policy": {},
    }
    classes["rules"] = {tier: {"enter": rule["enter"]} for tier, rule in classes["rules"].items()} | {
        spec.tiers[0]: {"enter": "r < 4 and f < 4 and m < 4"}
    }
    assert lint(TierModelSpec.model_validate(classes)) == []


def test_every_shipped_model_goes_from_its_file_into_force(database: str, tmp_path: Path) -> None:
    """Drafted, fitted and activated on a real ledger, crossed schemes after those that they read; users are decided."""
    files = write_facts(tmp_path, weeks=0, households=4)
    facts = [json.loads(line) for line in files.facts.read_text().splitlines()]
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(parse_instant(files.last_occurred_at) + DAY)
        for start in range(0, len(facts), 1_000):
            assert system.facts(facts[start : start + 1_000]).rejected == []
        for path in sorted(MODELS, key=lambda path: path.stem == "crossed"):
            system.activate(path.read_text())
        system.settle()
        moved = [
            event["scheme"]
            for events in system.events().values()
            for event in events
            if event["topic"] == "user-tier.tier-changed.v1"
        ]
    assert set(moved) == {path.stem for path in MODELS}
