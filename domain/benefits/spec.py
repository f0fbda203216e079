"""A benefit as written: one frozen value, its canonical text and its hash."""

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from domain.benefits.kinds import KINDS
from domain.benefits.kinds.kind import Kind
from domain.facts.instants import format_instant, parse_instant
from domain.tier_model.spec.parts import Part
from domain.tier_model.spec.scores import Label
from domain.tier_model.spec.values import Currency, Length, Name, Tier, TimeZone, parse_length

LARGEST = 2**53 - 1  # of every number that is written as JSON and read by anybody's parser
Period = Literal["day", "week", "month", "quarter", "year"]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9_.\-]{0,62}[a-z0-9])?$")]
Count = Annotated[int, Field(ge=1, le=LARGEST)]
Money = Annotated[int, Field(ge=0, le=LARGEST)]  # minor units


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class ValiditySpec(Part):
    """Until when a grant can be redeemed: exactly one of them."""

    from_grant: str | None = None
    end_of: Literal["month", "quarter", "year"] | None = None
    until: str | None = None

    @field_validator("from_grant")
    @classmethod
    def _a_length(cls, text: str | None) -> str | None:
        return None if text is None else str(parse_length(text, ("day", "week", "month", "year")))

    @field_validator("until")
    @classmethod
    def _an_instant(cls, text: str | None) -> str | None:
        if text is None:
            return None
        try:
            return format_instant(parse_instant(text))
        except ValueError as problem:
            raise ValueError(f"is {problem}: write one with an offset") from None

    @model_validator(mode="after")
    def _one(self) -> "ValiditySpec":
        if sum(given is not None for given in (self.from_grant, self.end_of, self.until)) != 1:
            raise ValueError("says when grants end in no way, or in several: give one of from_grant, end_of and until")
        return self

    @property
    def length(self) -> Length | None:
        """Of from_grant."""
        return None if self.from_grant is None else parse_length(self.from_grant, ("day", "week", "month", "year"))


class PeriodCap(Part):
    """At most so many units granted to one user in one calendar period."""

    units: Count
    period: Period


class Caps(Part):
    """What one user can be granted: units over all time, and units in a calendar period."""

    per_user: Count | None = None
    per_period: PeriodCap | None = None


class RedemptionRules(Part):
    """in_part: some units at a time (None: as the kind does); most_times: redemptions of one grant at most;
    while_entitled: only while the user stands on a tier that is entitled to it."""

    in_part: bool | None = None
    most_times: Count | None = None
    while_entitled: bool = False


class ClawbackRules(Part):
    """on_refund: what is taken back when the order that it hangs on is refunded; on_downgrade: what is left is taken
    back when the user falls below its entitlement."""

    on_refund: Literal["nothing", "unredeemed", "all"] = "nothing"
    on_downgrade: bool = False


class BenefitSpec(Part):
    """One version of a benefit. unit_cost: what a unit costs whoever bears it, minor units; stock: units there are."""

    benefit: Id
    kind: Literal["coupon", "points", "free_shipping", "price", "priority_service", "gift", "custom"]
    labels: Label
    currency: Currency
    time_zone: TimeZone
    unit_cost: Money
    details: dict[str, Any] = Field(default_factory=dict, validate_default=True)
    validity: ValiditySpec | None = None
    stock: Annotated[int, Field(ge=0, le=LARGEST)] | None = None
    caps: Caps = Caps()
    entitlement: dict[Name, Annotated[tuple[Tier, ...], BeforeValidator(_as_tuple), Field(min_length=1)]] = Field(
        default_factory=dict
    )
    redemption: RedemptionRules = RedemptionRules()
    clawback: ClawbackRules = ClawbackRules()
    budget: Id | None = None

    @field_validator("labels")
    @classmethod
    def _in_both_languages(cls, labels: Label) -> Label:
        if labels.zh_cn is None or labels.en is None:
            raise ValueError("are not in both languages: give zh-CN and en")
        return labels

    @field_validator("details")
    @classmethod
    def _of_the_kind(cls, details: dict[str, Any], told: ValidationInfo) -> dict[str, Any]:
        if "kind" in told.data:  # else there is nothing to hold them against
            KINDS[told.data["kind"]].details.model_validate(details)
        return details

    @model_validator(mode="after")
    def _whole(self) -> "BenefitSpec":
        needs_tiers = self.redemption.while_entitled or self.clawback.on_downgrade
        if needs_tiers and not self.entitlement:
            raise ValueError("asks for an entitlement that it does not name: add entitlement, or leave out what asks")
        return self

    @property
    def of_kind(self) -> Kind:
        """What its kind says."""
        return KINDS[self.kind]

    @property
    def in_part(self) -> bool:
        """Whether some units of a grant may be redeemed at a time."""
        return self.of_kind.in_part if self.redemption.in_part is None else self.redemption.in_part

    @property
    def touches_money(self) -> bool:
        """Whether a promise of it costs anything."""
        return self.unit_cost > 0


def spec_to_json(spec: BenefitSpec) -> dict[str, Any]:
    """Plain values, defaults left out; BenefitSpec.model_validate reads them back."""
    return spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a benefit file: what its details are follows from its kind."""
    parts = {name: kind.details.model_json_schema(mode="validation") for name, kind in KINDS.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **BenefitSpec.model_json_schema(mode="validation"),
        "allOf": [
            {"if": {"properties": {"kind": {"const": name}}}, "then": {"properties": {"details": part}}}
            for name, part in parts.items()
        ],
    }


def content_hash(spec: BenefitSpec) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    text = json.dumps(spec_to_json(spec), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
