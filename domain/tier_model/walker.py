"""A subject on its way through time."""

import msgspec

from domain.tier_model.compiled import Truth
from domain.tier_model.outcome import NOTHING_MISSED, Missed, Outcome
from domain.tier_model.spans import ALWAYS
from domain.user_tier.holds import HoldChange
from domain.user_tier.observation import Standing

Steps = list[tuple[int, Truth]]


class Held(msgspec.Struct):
    """What happened to a standing at an instant, before the rules are asked there. before: as it stood till then.
    complete: all of it is done."""

    at: int
    before: Standing | None
    outcomes: list[Outcome]
    missed: Missed = NOTHING_MISSED
    occasion: str = ""
    complete: bool = False


UNTOUCHED = Held(ALWAYS, None, [], complete=True)  # nobody did anything to it


class Walker(msgspec.Struct):
    """One subject on its way. floor: decided up to there. basis_at: as of when its points are evaluated: what windows
    since standing and growth value lie upon turns with time, and then they are evaluated anew.

    told: it has come to now, and how it stands there is said; from there on standing is what is foreseen. held: what
    was done to the standing at the instant that is decided next.
    """

    subject: int
    standing: Standing | None
    floor: int
    basis_at: int
    changes: dict[int, list[HoldChange]]
    truth: Truth | None = None
    held: Held | None = None
    told: bool = False
