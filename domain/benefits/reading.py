"""Text to a benefit, with every fault named: its place, its value, what to write instead."""

from typing import Any

from pydantic import BaseModel

from domain.benefits.kinds import KINDS
from domain.benefits.spec import BenefitSpec, Caps, ClawbackRules, PeriodCap, RedemptionRules, ValiditySpec
from domain.refusal import Refusal
from domain.tier_model.spec.faults import Fault, complaints_of, first_of
from domain.tier_model.spec.reading import A_TIER, Language, Location
from domain.tier_model.spec.scores import Label
from domain.tier_model.spec.source import Source

_PARTS: dict[str, type[BaseModel]] = {
    "labels": Label,
    "validity": ValiditySpec,
    "caps": Caps,
    "redemption": RedemptionRules,
    "clawback": ClawbackRules,
}
_AN_ID = "Write 1 to 64 small letters, digits, points, hyphens and underscores, with a letter or digit at both ends"


class BenefitInvalid(Refusal):
    """The text is no benefit, or one that cannot be given. errors: every fault that was found."""

    def __init__(self, errors: list[Fault]) -> None:
        self.errors = errors
        super().__init__(f"The benefit is invalid: {first_of(errors)}", *complaints_of(errors, "benefit"))


def parse_benefit(text: str | bytes) -> BenefitSpec:
    """A benefit out of YAML or JSON. Raises BenefitInvalid with every fault of its structure; lint() finds others."""
    return read_benefit(text)[0]


def read_benefit(text: str | bytes) -> tuple[BenefitSpec, Source]:
    """parse_benefit, with the source that knows every path's line and column."""
    return _BENEFIT.read(text)


def _part_at(location: Location, data: Any) -> type[BaseModel]:
    match location:
        case ("details", *_) if data["kind"] in KINDS:
            return KINDS[data["kind"]].details
        case ("caps", "per_period", *_):
            return PeriodCap
        case (str(key), *_) if key in _PARTS:
            return _PARTS[key]
        case _:
            return BenefitSpec


def _spelling(location: Location) -> str | None:
    if location[0] == "entitlement" and location[-1] != "[key]":
        return A_TIER
    return _AN_ID if location[-1] in ("benefit", "budget") else None


_BENEFIT = Language(
    BenefitSpec,
    noun="A benefit",
    keys="benefit, kind, labels, currency, time_zone and unit_cost",
    refuse=BenefitInvalid,
    part_at=_part_at,
    spelling=_spelling,
)
