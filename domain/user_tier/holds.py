"""What people do to a standing: pins, freezes, and the standings that a running programme is taken over with."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from domain.user_tier.decisions import NewEvent

PinMode = Literal["exact", "floor", "ceiling"]
PIN_MODES: tuple[PinMode, ...] = get_args(PinMode)

PINNED, UNPINNED = "user-tier.tier-pinned.v1", "user-tier.tier-unpinned.v1"
FROZEN, UNFROZEN = "user-tier.tier-frozen.v1", "user-tier.tier-unfrozen.v1"
COMMANDED = (PINNED, UNPINNED, FROZEN, UNFROZEN)


class Pin(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person holds a standing: exact (on the tier), floor (not below it), ceiling (not above it). since, until (None:
    until it is lifted): microseconds."""

    mode: PinMode
    tier: str
    since: int
    until: int | None = None
    reason: str = ""


class Freeze(msgspec.Struct, frozen=True, omit_defaults=True):
    """Nothing moves from since on; until: microseconds, None: until it is lifted."""

    since: int
    until: int | None = None
    reason: str = ""


class Opening(msgspec.Struct, frozen=True, omit_defaults=True):
    """A standing as a programme before this one left it. since, valid_until: microseconds, None: as the policy counts
    it.

    growth: the growth value that is carried in, with all that was earned until the import; None: what the facts earn.
    named: how the tier was called then, where it is decided under a later version that calls it otherwise.
    """

    tier: str
    since: int
    actor: str
    valid_until: int | None = None
    growth: int | None = None
    named: str = ""


class HoldChange(NamedTuple):
    """One thing done to one standing at an instant. pin of pinned, freeze of frozen, opening of opened."""

    instant: int
    scheme: str
    scope: str
    what: Literal["pinned", "unpinned", "frozen", "unfrozen", "opened"]
    pin: Pin | None = None
    freeze: Freeze | None = None
    opening: Opening | None = None


def changes_of(events: Iterable[NewEvent], actor: str) -> tuple[HoldChange, ...]:
    """All that people did to a subject's standings, from its recorded events. actor: who decides by itself."""
    found = [_change(event) for event in events if event.actor != actor]
    return tuple(change for change in found if change is not None)


def _change(event: NewEvent) -> HoldChange | None:
    at, data = event.effective_at, event.data
    place = (at, event.scheme, event.scope)
    match event.topic:
        case "user-tier.tier-pinned.v1":
            pin = Pin(data["mode"], str(event.to_tier), at, data.get("until"), data.get("reason", ""))
            return HoldChange(*place, "pinned", pin=pin)
        case "user-tier.tier-unpinned.v1":
            return HoldChange(*place, "unpinned")
        case "user-tier.tier-frozen.v1":
            return HoldChange(*place, "frozen", freeze=Freeze(at, data.get("until"), data.get("reason", "")))
        case "user-tier.tier-unfrozen.v1":
            return HoldChange(*place, "unfrozen")
        case "user-tier.tier-changed.v1" if data.get("cause") == "opening" and "opened" in data:
            return HoldChange(*place, "opened", opening=_opening(event.actor, str(event.to_tier), data["opened"]))
    return None


def _opening(actor: str, tier: str, opened: dict[str, Any]) -> Opening:
    named = opened.get("named", tier)
    return Opening(named, opened["since"], actor, opened.get("valid_until"), opened.get("growth"))


def of_place(changes: Sequence[HoldChange], scheme: str, scope: str) -> tuple[HoldChange, ...]:
    """Those of one standing, in the order of time."""
    mine = [change for change in changes if (change.scheme, change.scope) == (scheme, scope)]
    return tuple(sorted(mine, key=lambda change: change.instant))
