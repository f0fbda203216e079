"""The figures of docs/model-effect.md on the whole sample year, beside those measured independently of this code."""

from pathlib import Path

import pytest

from domain.effects.model_effect import EffectPlan, InForce, ModelEffect
from domain.facts.instants import parse_instant
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.learned_training import DAY
from domain.tier_model.spec import Target, parse_model
from tests.examples.sample_year import SampleYear

PAGE = (Path(__file__).parents[2] / "docs" / "model-effect.md").read_text()
VALUE = Path(__file__).parents[2] / "examples" / "models" / "value.yaml"


@pytest.mark.soak
def test_ninety_days_foretell_the_next_ninety(tmp_path: Path) -> None:
    year = SampleYear(tmp_path, households=2_469)
    table = year.table()
    text = VALUE.read_text().replace("rules:", "  rfm: {weighted: {r: 1, f: 1, m: 1}}\nrules:", 1)
    spec = year.fitted(parse_model(text), table)
    since = parse_instant("2017-07-01T00:00:00-04:00")
    plan = EffectPlan(
        at=since + 90 * DAY,
        weeks=1,
        periods=1,
        horizon=90 * DAY,
        in_force=[InForce(since - 400 * DAY, 1)],
        models={1: CompiledModel(spec, 1)},
        value=Target(sum="order.amount", minus="refund.amount"),
    )
    effect = ModelEffect(plan)
    effect.add(table, [])
    (period,) = effect.to_json()["periods"]
    told = period["versions"]["1"]
    # Measured elsewhere: plain spend .817 and .861, R+F+M .756 and .778 (cuts fitted on that day).
    assert period["plain_spend"]["spearman"] == pytest.approx(0.817, abs=0.006)
    assert period["plain_spend"]["gini"] == pytest.approx(0.861, abs=0.006)
    assert told["scores"]["rfm"]["spearman"] == pytest.approx(0.756, abs=0.02)
    assert told["scores"]["rfm"]["gini"] == pytest.approx(0.778, abs=0.02)
    assert f"{period['users']:,} households" in PAGE
    said = [period["plain_spend"], told["scores"]["m"], told["qualified"]]
    assert [round(one["spearman"], 2) for one in said] == [0.82, 0.80, 0.72]
    assert [round(one["gini"], 2) for one in said] == [0.86, 0.81, 0.72]
    best = told["tiers"][-1]
    assert (best["users"], round(best["share"], 2)) == (438, 0.42)
