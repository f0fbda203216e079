"""The observation: where one subject stands now, on every scheme. One current row; read models show it."""

from typing import Any

import msgspec

from domain.user_tier.holds import Freeze, HoldChange, Opening, Pin

Scalar = int | float | str | bool | None


class Protection(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a migration promised to who stood here: no fall below floor (None: no longer) before until (microseconds,
    None: for as long as it takes), and then one rung a fall; all of it ends when the new rules bear the tier out."""

    earned: str  # the tier that the rules have to bear out
    floor: str | None
    until: int | None = None
    one_rung: bool = False


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """State of one subject on one scheme and scope, as the policy keeps it. Instants in microseconds."""

    tier: str
    since: int
    valid_from: int  # entry or last tier-requalified: validity is counted from here
    last_decided: int  # the last instant at which something was recorded
    grace_until: int | None = None
    stepped_at: int | None = None  # the drop that led here
    warned_of: tuple[int, ...] = ()  # the reviews and validity ends ahead that were warned of
    validity_until: int | None = None
    event_id: str = ""  # the last transition's
    window_from: int | None = None  # the window since standing that holds until the midnight after valid_from
    growth_carried: int = 0  # growth value left by the last settlement
    growth_settled_at: int | None = None
    entered_at: int | None = None  # windows since standing count from here, where that is not valid_from
    validity_given: bool = False  # validity_until was taken over as it was
    validity_settled: bool = False  # growth value was settled at the end of this validity: once
    pin: Pin | None = None
    covered: "Standing | None" = None  # what a pin moved away, as it returns
    frozen: Freeze | None = None
    protected: Protection | None = None


def running_grace(standing: Standing, now: int) -> int | None:
    """When the grace ends that holds it now; None: none does. One that ends inside a freeze, or while a floor keeps the
    tier, holds nothing, and under an exact pin none does."""
    until, pin, frozen = standing.grace_until, standing.pin, standing.frozen
    if until is None or until <= now or (pin is not None and pin.mode == "exact"):
        return None
    floor = pin if pin is not None and pin.mode == "floor" and pin.tier == standing.tier else None
    outlasts = [hold.until is None or hold.until >= until for hold in (frozen, floor) if hold is not None]
    return None if any(outlasts) else until


class SchemeObservation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one scheme (and scope) says of the subject as of the last decision."""

    version: int
    standing: Standing
    qualified: str
    features: dict[str, Scalar]
    scores: dict[str, Scalar]
    next_tier: str | None = None
    missing: list[dict[str, Any]] = []  # the smallest missing parts for the next tier up
    may_drop_on: int | None = None  # the first instant at which time alone may lower the tier
    days: dict[str, int | None] = {}  # of days_since features: the local day (days since 1970-01-01) counted from


class Observation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of an observations row. schemes: scheme -> scope ('' is the platform) -> what it says."""

    schemes: dict[str, dict[str, SchemeObservation]] = {}
    attributes: dict[str, Scalar] = {}  # the latest profile attributes
    tags: list[str] = []  # present, by code point
    tag_until: dict[str, int] = {}  # of those that end
    tag_values: dict[str, Scalar] = {}  # of those that have one
    facts_seen: int = 0
    openings: dict[str, dict[str, Opening]] = {}  # scheme -> scope: taken over, and to be decided
    opened_at: int | None = None  # the instant at which they were taken over


class _Tier(msgspec.Struct, gc=False):
    tier: str


class _Place(msgspec.Struct, gc=False):
    standing: _Tier


class _Places(msgspec.Struct, gc=False):
    schemes: dict[str, dict[str, _Place]] = {}


_PLATFORM = ""
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Observation)
_TIERS_DECODER = msgspec.msgpack.Decoder(_Places)


def encode_observation(observation: Observation) -> bytes:
    """To msgpack."""
    return _ENCODER.encode(observation)


def decode_observation(data: bytes) -> Observation:
    """From msgpack; a field that this code does not know is ignored, a missing one takes its default."""
    return _DECODER.decode(data)


def decode_tiers(data: bytes) -> dict[str, str]:
    """Of an observation only the tiers by scheme, of the schemes that are kept for the platform as a whole: a fraction
    of what decoding all of it takes."""
    return {
        scheme: scopes[_PLATFORM].standing.tier
        for scheme, scopes in _TIERS_DECODER.decode(data).schemes.items()
        if _PLATFORM in scopes
    }


def openings_as_changes(observation: Observation) -> tuple[HoldChange, ...]:
    """The standings that were taken over and wait to be decided."""
    if observation.opened_at is None:
        return ()
    return tuple(
        HoldChange(observation.opened_at, scheme, scope, "opened", opening=opening)
        for scheme, scopes in observation.openings.items()
        for scope, opening in scopes.items()
    )
