"""One scheme's decisions for a batch of subjects, with the values that explain them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from domain.facts.scopes import scopes_of
from domain.facts.table import FactTable
from domain.tier_model.column import Scalar
from domain.tier_model.compiled import CompiledModel, Truth
from domain.tier_model.model_columns import Evaluated, ModelColumns, Row
from domain.tier_model.outside import Outside, TierPath
from domain.tier_model.receipt import missing_for_next
from domain.tier_model.spans import ALWAYS, Bases, Int64s, PointIndex, Points, points_of
from domain.tier_model.timeline import Decision, Force, Move, SchemeInput, SchemeResult, basis_of
from domain.tier_model.walk import walk
from domain.user_tier.observation import SchemeObservation, Standing
from domain.user_tier.tags import TagSpan

PLATFORM = ""  # the scope of schemes that are kept per platform
LOOK_AHEAD = 400 * 86_400_000_000  # how far a card says when a tier may drop, microseconds


@dataclass(frozen=True, slots=True)
class Standers:
    """Whose standings a scheme keeps: the subjects of a batch, or each of their scopes. One row of the table's subjects
    each: the subject it belongs to (ascending), and its scope."""

    table: FactTable
    owner: npt.NDArray[np.int32]
    scope: tuple[str, ...]


def standers_of(table: FactTable, per: str | None, standing: Iterable[tuple[int, str]] = ()) -> Standers:
    """The subjects themselves, or their scopes by an attribute of their facts. standing: (subject, scope) pairs where
    somebody stands or is taken over, fact or no fact."""
    if per is None:
        return Standers(table, np.arange(table.subjects, dtype=np.int32), (PLATFORM,) * table.subjects)
    scopes = scopes_of(table, per, standing)
    return Standers(scopes.table, scopes.owner, scopes.value)


@dataclass(frozen=True, slots=True)
class Paths:
    """Where everybody stood on the schemes decided so far: of subjects, and of scopes with what these are per and whose
    they are."""

    platform: dict[str, TierPath]
    scoped: dict[str, tuple[str, Standers, Sequence[Move]]]

    def outside(self, standers: Standers, per: str | None, tags: Sequence[Sequence[TagSpan]]) -> Outside:
        """What the rules of a scheme may read besides their own model."""
        if per is None:
            return Outside(self.platform, tags=tags)
        own = {
            scheme: _path_of(_as_those_of(standers, theirs, moves))
            for scheme, (other, theirs, moves) in self.scoped.items()
            if other == per
        }
        return Outside(self.platform, own, tags, standers.owner)

    def keep(self, scheme: str, per: str | None, standers: Standers, result: SchemeResult) -> None:
        """Remember a scheme's moves for those that read it."""
        if per is None:
            self.platform[scheme] = _path_of(result.moves)
        else:
            self.scoped[scheme] = (per, standers, result.moves)


def _as_those_of(mine: Standers, theirs: Standers, moves: Sequence[Move]) -> Sequence[Move]:
    """The moves of other standers by the numbers that mine have: where somebody was taken over without a fact, only
    that scheme has a stander."""
    if mine.scope == theirs.scope and np.array_equal(mine.owner, theirs.owner):
        return moves
    places = {place: number for number, place in enumerate(zip(mine.owner.tolist(), mine.scope, strict=True))}
    number = [places.get(place) for place in zip(theirs.owner.tolist(), theirs.scope, strict=True)]
    return [move._replace(subject=there) for move in moves if (there := number[move.subject]) is not None]


def _path_of(moves: Sequence[Move]) -> TierPath:
    return TierPath(*zip(*moves, strict=True)) if moves else TierPath((), (), ())


class Explained(msgspec.Struct, frozen=True):
    """A decision with the values that it was made of. decision.subject counts the standers."""

    decision: Decision
    row: Row
    truth: Truth


class SchemeWalk:
    """Walks one scheme, then evaluates once more at the decisions, and as of now."""

    def __init__(
        self, forces: Sequence[Force], standers: Standers, outside: Outside, now: int, ahead: int, decided_at: Int64s
    ) -> None:
        """ahead: how far it looks beyond now, microseconds. decided_at: per stander, as in SchemeInput."""
        self._now, self._ahead, self._standers = now, ahead, standers
        since = np.minimum(decided_at, now - 1) if (decided_at != ALWAYS).any() else None
        self._columns: dict[str, ModelColumns] = {}
        for force in forces:
            if force.model.content_hash not in self._columns:
                self._columns[force.model.content_hash] = ModelColumns(force.model, standers.table, outside, since)

    def run(self, work: SchemeInput) -> SchemeResult:
        """Everything before now, and a look ahead."""
        return walk(self._standers.table, self._columns, work, self._now, self._now + self._ahead)

    def explained(self, result: SchemeResult) -> Iterator[tuple[list[Explained], Mapping[int, SchemeObservation]]]:
        """By model version: its decisions in order, and the standers that it leaves, by number."""
        by_model: dict[str, list[Decision]] = {}
        for decision in result.decisions:
            by_model.setdefault(decision.model.content_hash, []).append(decision)
        in_force: dict[str, list[int]] = {}
        for number, model in enumerate(result.models):
            if model is not None:
                in_force.setdefault(model.content_hash, []).append(number)
        for model_hash in dict.fromkeys([*by_model, *in_force]):
            decisions, current = by_model.get(model_hash, []), in_force.get(model_hash, [])
            columns = self._columns[model_hash]
            values = _valued(
                columns,
                np.array([decision.subject for decision in decisions] + current, dtype=np.int32),
                np.array([d.instant for d in decisions] + [self._now - 1] * len(current), dtype=np.int64),
                [decision.upon for decision in decisions] + [result.standings[number] for number in current],
            )
            of_decisions, of_now = values[: len(decisions)], values[len(decisions) :]
            explained = [Explained(one, *found) for one, found in zip(decisions, of_decisions, strict=True)]
            yield explained, self._observed(columns.model, dict(zip(current, of_now, strict=True)), result)

    def _observed(
        self,
        model: CompiledModel,
        values_of: Mapping[int, tuple[Row, Truth]],
        result: SchemeResult,
    ) -> dict[int, SchemeObservation]:
        ages = [feature.name for feature in model.features if feature.aggregate == "days_since"]
        today = model.calendar.day_of(self._now - 1)
        observed = {}
        for number, (values, truth) in values_of.items():
            standing, in_force = result.standings[number], result.models[number]
            assert standing is not None and in_force is not None
            next_tier, missing = missing_for_next(model, standing.tier, values)
            observed[number] = SchemeObservation(
                version=in_force.version,
                standing=standing,
                qualified=model.tiers[model.qualify(truth, standing)],
                features=values.features,
                scores=values.scores,
                next_tier=next_tier,
                missing=missing,
                may_drop_on=result.may_drop_on[number],
                days={name: _day(today, values.features[name]) for name in ages},
            )
        return observed


def _day(today: int, age: Scalar) -> int | None:
    """The local day that an age in days counts from."""
    return today - age if isinstance(age, int) else None


def _valued(
    columns: ModelColumns, subject: npt.NDArray[np.int32], instant: Int64s, upon: Sequence[Standing | None]
) -> list[tuple[Row, Truth]]:
    """Values and truth at each subject's instant, upon the standing that holds there: out of what the walk has
    evaluated, as far as it has. Where a pair comes twice, the first one's standing holds."""
    found: dict[int, tuple[Row, Truth]] = {}
    missed = np.arange(len(subject))
    if columns.walked is not None:
        walked, evaluated = columns.walked
        rows = PointIndex(walked).first_at(subject, instant)
        last = np.minimum(rows, len(walked) - 1)
        there = (walked.subject[last] == subject) & (walked.instant[last] == instant)
        told = _told(evaluated.taken(rows[there]))
        if len(told) == len(subject):
            return told
        found, missed = dict(zip(np.flatnonzero(there).tolist(), told, strict=True)), np.flatnonzero(~there)
    points = points_of(subject[missed], instant[missed])
    rows = PointIndex(points).first_at(subject[missed], instant[missed])
    if columns.model.reads_standing:
        laid_by = dict(zip(rows[::-1].tolist(), missed[::-1].tolist(), strict=True))
        points = _based(columns.model, points, [upon[laid_by[row]] for row in range(len(points))])
    found.update(zip(missed.tolist(), _told(columns.evaluate(points).taken(rows)), strict=True))
    return [found[place] for place in range(len(subject))]


def _told(evaluated: Evaluated) -> list[tuple[Row, Truth]]:
    truths = evaluated.truths
    return [(row, truths[code]) for row, code in zip(evaluated.rows(), evaluated.codes.tolist(), strict=True)]


def _based(model: CompiledModel, points: Points, upon: Sequence[Standing | None]) -> Points:
    """The points upon the standings, one each."""
    pairs = zip(upon, points.instant.tolist(), strict=True)
    laid: Int64s = np.array([basis_of(model, standing, at) for standing, at in pairs], dtype=np.int64)
    return Points(points.subject, points.instant, Bases(laid[:, 0], laid[:, 1], laid[:, 2]))
