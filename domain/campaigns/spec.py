"""A campaign as written: which strategies, from when to when, on which budget. Read with every fault's place."""

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from domain.facts.instants import format_instant, parse_instant
from domain.refusal import Refusal
from domain.strategies.spec.values import StrategyName
from domain.tier_model.spec import Label
from domain.tier_model.spec.faults import Fault, complaints_of, first_of
from domain.tier_model.spec.parts import Part
from domain.tier_model.spec.reading import Language, Location
from domain.tier_model.spec.source import Source
from domain.tier_model.spec.values import TimeZone

Moment = Literal["ahead", "running", "resting", "over"]


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _instant(text: str) -> str:
    try:
        return format_instant(parse_instant(text))
    except ValueError as problem:
        raise ValueError(f"is {problem}: write one with an offset") from None


class Rest(Part):
    """The campaign rests from an instant until another, and goes on by itself."""

    since: str = Field(alias="from")
    until: str = Field(alias="to")

    @field_validator("since", "until")
    @classmethod
    def _an_instant(cls, text: str) -> str:
        return _instant(text)


class CampaignSpec(Part):
    """A campaign, as written. Instants are RFC 3339 with an offset, and kept in UTC."""

    campaign: StrategyName
    label: Label = Label()
    time_zone: TimeZone
    starts_at: str
    ends_at: str
    rests: Annotated[tuple[Rest, ...], BeforeValidator(_listed), Field(max_length=100)] = ()
    strategies: Annotated[tuple[StrategyName, ...], BeforeValidator(_listed), Field(min_length=1, max_length=100)]
    budget: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9_.\-]{0,62}[a-z0-9])?$")] | None = None

    @field_validator("starts_at", "ends_at")
    @classmethod
    def _an_instant(cls, text: str) -> str:
        return _instant(text)

    @field_validator("ends_at")
    @classmethod
    def _after_the_start(cls, text: str, others: ValidationInfo) -> str:
        if "starts_at" in others.data and parse_instant(text) <= parse_instant(others.data["starts_at"]):
            raise ValueError("does not lie after starts_at: change one of them")
        return text

    @model_validator(mode="after")
    def _in_order(self) -> "CampaignSpec":
        if len(set(self.strategies)) < len(self.strategies):
            raise ValueError("names a strategy twice: keep one")
        at = self.start
        for rest in self.rests:
            since, until = parse_instant(rest.since), parse_instant(rest.until)
            if not at <= since < until <= self.end:
                raise ValueError("has rests that overlap, or lie outside of it: put them in order, each inside")
            at = until
        return self

    @property
    def start(self) -> int:
        """Microseconds."""
        return parse_instant(self.starts_at)

    @property
    def end(self) -> int:
        """Microseconds."""
        return parse_instant(self.ends_at)

    def moment(self, now: int) -> Moment:
        """Where an instant falls."""
        if now < self.start:
            return "ahead"
        if now >= self.end:
            return "over"
        resting = any(parse_instant(rest.since) <= now < parse_instant(rest.until) for rest in self.rests)
        return "resting" if resting else "running"

    def turns_after(self, now: int) -> int | None:
        """The next instant at which time alone moves it; None after its end."""
        edges = [parse_instant(edge) for rest in self.rests for edge in (rest.since, rest.until)]
        return min((at for at in (self.start, self.end, *edges) if at > now), default=None)


class CampaignInvalid(Refusal):
    """The text is no campaign, or one that cannot be. errors: every fault that was found."""

    def __init__(self, errors: list[Fault]) -> None:
        self.errors = errors
        super().__init__(f"The campaign is invalid: {first_of(errors)}", *complaints_of(errors, "campaign"))


def read_campaign(text: str | bytes) -> tuple[CampaignSpec, Source]:
    """A campaign out of YAML or JSON, with the source that knows every path's place. Raises CampaignInvalid."""
    return _CAMPAIGN.read(text)


def as_plain(spec: CampaignSpec) -> dict[str, Any]:
    """As stored: plain values, what equals its default left out."""
    return spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def content_hash(spec: CampaignSpec) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    text = json.dumps(as_plain(spec), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a campaign file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **CampaignSpec.model_json_schema(mode="validation"),
    }


def _part_at(location: Location, _data: Any) -> type[BaseModel]:
    match location:
        case ("rests", *_):
            return Rest
        case ("label", *_):
            return Label
        case _:
            return CampaignSpec


_CAMPAIGN = Language(
    CampaignSpec,
    noun="A campaign",
    keys="campaign, time_zone, starts_at, ends_at and strategies",
    refuse=CampaignInvalid,
    part_at=_part_at,
    spelling=lambda _location: None,
)
