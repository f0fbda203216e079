"""A benefit file becomes a value, or a list of faults with their places."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.benefits.kinds import KINDS
from domain.benefits.lint import Surroundings, lint_text
from domain.benefits.reading import BenefitInvalid, parse_benefit
from domain.benefits.spec import content_hash, json_schema, spec_to_json
from domain.facts.instants import parse_instant
from domain.facts.kinds import KindDefinition

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "docs" / "benefit.schema.json"
TEXT = (ROOT / "examples" / "benefits" / "gold-coupon.yaml").read_text()
BESIDE = Surroundings(
    tiers={"growth": ("plain", "gold", "diamond"), "shop": ("low", "high")},
    scoped=("shop",),
    budgets={"membership": "USD", "europe": "EUR"},
    now=parse_instant("2026-03-01T00:00:00Z"),
    kinds={"growth_gift": KindDefinition(), "shelf": KindDefinition(requires=("attributes.shelf", "attributes.value"))},
)


def faults(text: str | bytes, beside: Surroundings | None = BESIDE) -> list[tuple[str, int | None, int | None, str]]:
    return [
        (fault.path, fault.line, fault.column, f"{fault.message}. {fault.remedy}") for fault in lint_text(text, beside)
    ]


def with_value(**changes: Any) -> str:
    """The benefit with some keys replaced; None takes one out."""
    data = yaml.safe_load(TEXT) | changes
    return json.dumps({key: value for key, value in data.items() if value is not None})


def test_yaml_and_json_are_the_same_benefit() -> None:
    spec = parse_benefit(TEXT)
    assert parse_benefit(json.dumps(spec_to_json(spec))) == spec == parse_benefit(with_value())
    assert content_hash(parse_benefit(with_value(stock=None, clawback=yaml.safe_load(TEXT)["clawback"]))) == (
        content_hash(spec)
    )
    assert content_hash(parse_benefit(with_value(unit_cost=1))) != content_hash(spec)
    assert faults(TEXT) == []


def test_a_fault_has_its_place_its_value_and_its_remedy() -> None:
    text = TEXT.replace("amount_off: 2000", "amount_of: 2000").replace("units: 2", "units: 0")
    text = text.replace("[gold, diamond]", "[gold, ' x']").replace("zh-CN: 金卡满百减二十, ", "")
    found = faults(text)
    assert [fault[:3] for fault in found] == [
        ("labels", 4, 1),
        ("details.amount_of", 8, 11),
        ("caps.per_period.units", 10, 21),
        ("entitlement.growth.1", 11, 30),
    ]
    assert "Did you mean amount_off? Known here: amount_off, least_order, percent_off" in found[1][3]
    assert "Write a tier" in found[3][3]
    with pytest.raises(BenefitInvalid, match=r"labels: are not in both languages. Give zh-CN and en \(and 3 more\)"):
        parse_benefit(text)


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("", "", "Write benefit, kind, labels"),
        ("- a", "", "A benefit has the keys benefit, kind"),
        ("benefit: [", "", "is not YAML"),
        (b"\xff\xfe", "", "is not UTF-8"),
        (with_value(kind="voucher"), "kind", "is not one of the known words"),
        (with_value(kind=None), "kind", "is missing"),
        (with_value(details={}), "details", "give amount_off or percent_off".capitalize()),
        (with_value(details={"amount_off": 1, "percent_off": 1}), "details", "coupon of nothing, or of two things"),
        (with_value(kind="gift"), "details.sku", "is missing"),
        (with_value(benefit="Gold Coupon"), "benefit", "Write 1 to 64 small letters"),
        (with_value(unit_cost=-1), "unit_cost", "Write at least 0"),
        (with_value(unit_cost=12.5), "unit_cost", "a whole number"),
        (with_value(unit_cost=2**53), "unit_cost", "Write at most"),
        (with_value(validity={}), "validity", "Give one of from_grant, end_of and until"),
        (with_value(validity={"from_grant": "5 hours"}), "validity.from_grant", "must be a length"),
        (with_value(validity={"until": "2027-01-01"}), "validity.until", "Write one with an offset"),
        (with_value(entitlement=None), "", "Add entitlement, or leave out what asks"),
        (with_value(time_zone="Mars"), "time_zone", "Write one such as Asia/Shanghai"),
    ],
)
def test_what_cannot_be_a_benefit(text: str | bytes, path: str, said: str) -> None:
    found = faults(text)
    assert path in [fault[0] for fault in found], found
    assert any(said in fault[3] for fault in found), found


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"entitlement": {"growht": ["gold"]}}, "entitlement.growht", "is no scheme in force. Did you mean growth?"),
        ({"entitlement": {"growth": ["gould"]}}, "entitlement.growth.0", "Did you mean gold?"),
        ({"entitlement": {"shop": ["high"]}}, "entitlement.shop", "with a standing per merchant"),
        ({"budget": "memberships"}, "budget", "is no budget that there is. Did you mean membership?"),
        ({"budget": "europe"}, "budget", "is in EUR, and the benefit costs USD"),
        ({"validity": {"until": "2026-03-01T00:00:00Z"}}, "validity.until", "has passed"),
        ({"unit_cost": 0}, "budget", "is never charged"),
        ({"stock": 0}, "stock", "lets nothing be granted"),
        ({"caps": {"per_user": 1, "per_period": {"units": 2, "period": "day"}}}, "caps.per_period.units", "at all (1)"),
        ({"redemption": {"in_part": False, "most_times": 2}}, "redemption.most_times", "has no effect"),
    ],
)
def test_what_is_wrong_beside_what_there_is(changes: dict[str, Any], path: str, said: str) -> None:
    ((found, _, _, text),) = faults(with_value(**changes))
    assert (found, said in text) == (path, True), text


def test_alone_only_the_file_is_looked_at() -> None:
    assert faults(with_value(entitlement={"nope": ["x"]}, budget="nope"), None) == []


def test_the_published_schema_is_current_and_knows_every_kind() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema(), "python -m domain.benefits > docs/benefit.schema.json"
    assert [part["if"]["properties"]["kind"]["const"] for part in json_schema()["allOf"]] == list(KINDS)


_LINES = sorted(
    {line for path in (ROOT / "examples" / "benefits").glob("*.yaml") for line in path.read_text().splitlines()}
)
_WORDS = r"""null true 0 -1 1.5 1e400 9223372036854775808 [] {} [1] {a:1} '' x 2026-01-01T00:00:00Z &x *x !!int
"\0" "\ud800" 30\ days gold order.amount"""
_VALUES = [*_WORDS.split(), "30 days", "0 days", "1000000000 days"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(st.sampled_from(_LINES), st.tuples(st.sampled_from(_LINES), st.sampled_from(_VALUES))), max_size=14
    )
)
def test_whatever_is_given_there_are_faults_and_never_an_error(lines: list[Any]) -> None:
    text = "\n".join(line if isinstance(line, str) else f"{line[0].partition(':')[0]}: {line[1]}" for line in lines)
    assert all(fault.message and fault.remedy for fault in lint_text(text, BESIDE))


def test_growth_value_is_earned_from_a_kind_that_is_registered_and_asks_for_no_more_than_a_grant_has() -> None:
    def found(kind: str) -> list[tuple[str, int | None, int | None, str]]:
        return faults(with_value(kind="points", details={"of": "growth", "fact_kind": kind}))

    assert found("growth_gift") == []
    ((path, _, _, unknown),) = found("growth_gif")
    assert path == "details.fact_kind"
    assert "is no kind of facts that is registered. Register it" in unknown
    assert "of: growth_gif.value" in unknown and "Did you mean growth_gift?" in unknown
    assert "asks for what a grant does not have: attributes.shelf." in found("shelf")[0][3]
