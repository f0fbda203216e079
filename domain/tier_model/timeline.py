"""A scheme's timeline: the versions in force, what is decided when, and what a standing lays under evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np

from domain.tier_model.compiled import CompiledModel
from domain.tier_model.migration import Migration
from domain.tier_model.outcome import Outcome
from domain.tier_model.spans import ALWAYS, Bases, Int64s, Points
from domain.user_tier.holds import HoldChange
from domain.user_tier.observation import Standing

REASSESS = Migration()


@dataclass(frozen=True, slots=True)
class Force:
    """A model version in force from an activation's instant on. since ALWAYS: from the beginning (sealed history).

    passed: with since ALWAYS, all that came into force up to this one, as they did: tiers may have been named before.
    """

    model: CompiledModel
    since: int
    migration: Migration = REASSESS
    passed: "tuple[Force, ...]" = ()


@dataclass(frozen=True, slots=True)
class SchemeInput:
    """One scheme's work for a batch of subjects.

    forces: oldest first. decided_at: per subject, up to where it is decided (ALWAYS: nowhere). standings: as of then.
    foreseen: other schemes read its tiers, so that they are wanted to the horizon. changes: per subject, what people do
    to its standing after decided_at, in the order of time; empty: nothing to anybody's.
    """

    forces: tuple[Force, ...]
    decided_at: Int64s
    standings: list[Standing | None]
    foreseen: bool = False
    changes: Sequence[Sequence[HoldChange]] = ()


class Decision(msgspec.Struct, frozen=True):
    """One recorded outcome of one decision. upon: the standing that its values were evaluated on; occasion: the cause
    of what is decided, where neither facts nor time are."""

    subject: int
    instant: int
    model: CompiledModel
    outcome: Outcome
    model_change: bool  # decided because a version came into force
    qualified: str
    before: Standing | None
    after: Standing
    upon: Standing | None
    occasion: str = ""


class Move(NamedTuple):
    """A subject came to stand on a tier; in the future: will, if nothing else happens."""

    subject: int
    instant: int
    tier: str


@dataclass(slots=True)
class SchemeResult:
    """What a scheme's walk found: decisions in time order per subject, and how each subject then stands. moves: where
    other schemes read them."""

    decisions: list[Decision] = field(default_factory=list)
    standings: list[Standing | None] = field(default_factory=list)
    models: list[CompiledModel | None] = field(default_factory=list)
    due_at: Int64s = field(default_factory=lambda: np.empty(0, dtype=np.int64))  # NEVER: none
    may_drop_on: list[int | None] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    instants: int = 0  # decided points


def bases_of(model: CompiledModel, points: Points, standings: dict[int, Standing], at: dict[int, int]) -> Points:
    """The points with what the standings lay under them, where the model reads that.

    standings, at: by subject, where it stands (nowhere: not there) and as of which instant; one for all its points.
    """
    if not model.reads_standing:
        return points
    size = int(points.subject.max(initial=-1)) + 1
    anchor, carried = np.full(size, ALWAYS, dtype=np.int64), np.zeros(size, dtype=np.int64)
    settled_at = np.full(size, ALWAYS, dtype=np.int64)
    for number, standing in standings.items():
        anchor[number], carried[number], settled_at[number] = basis_of(model, standing, at[number])
    mine = points.subject
    return Points(mine, points.instant, Bases(anchor[mine], carried[mine], settled_at[mine]))


def basis_of(model: CompiledModel, standing: Standing | None, at: int) -> tuple[int, int, int]:
    """(anchor, carried, settled_at) of one standing at an instant, as in Bases."""
    if standing is None:
        return ALWAYS, 0, ALWAYS
    anchor, settled_at = model.policy.window_from(standing, at), standing.growth_settled_at
    return (
        ALWAYS if anchor is None else anchor,
        standing.growth_carried,
        ALWAYS if settled_at is None else settled_at,
    )
