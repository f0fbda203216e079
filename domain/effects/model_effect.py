"""What a scheme's versions have done, and how good they are: sizes, moves, drift, foresight, value. Pure.

Folds batches of subjects, their facts and their transitions, into counts; nothing is kept of anybody but numbers.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from domain.effects.predictions import Foretold, Period
from domain.effects.transitions import NOBODY, Codes, StandingsOverTime, TierCodes, Transition
from domain.facts.table import NEVER, FactTable
from domain.tier_model.column import Column
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.fit import bin_counts, psi
from domain.tier_model.learned_training import DAY, added_up
from domain.tier_model.model_columns import Evaluated, ModelColumns, everybody_at
from domain.tier_model.spans import Points, points_of
from domain.tier_model.spec import CutScore, Target
from domain.user_tier.scheme_walk import Standers, standers_of

WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class InForce:
    """A version from an instant on (microseconds), until the next. mapping: old tier names to new ones."""

    since: int
    version: int
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EffectPlan:
    """What is measured. at: the end of everything, microseconds. weeks, periods: how many, the last of each ends then.

    horizon: of a period, microseconds. in_force: oldest first. models: every version that is looked at, by number.
    value: what people are worth.
    """

    at: int
    weeks: int
    periods: int
    horizon: int
    in_force: Sequence[InForce]
    models: Mapping[int, CompiledModel]
    value: Target

    @property
    def ends(self) -> list[int]:
        """Instants between which the weeks lie, oldest first."""
        return [self.at - number * WEEK for number in range(self.weeks, -1, -1)]

    @property
    def beginnings(self) -> list[int]:
        """Of the periods, oldest first."""
        return [self.at - number * self.horizon for number in range(self.periods, 0, -1)]

    @property
    def newest(self) -> CompiledModel:
        """The version whose tiers say what is up and what is down: the last in force, or else the last there is."""
        last = self.in_force[-1].version if self.in_force else max(self.models)
        return self.models.get(last) or self.models[max(self.models)]

    @property
    def value_kinds(self) -> frozenset[str]:
        """Kinds of facts whose attributes or lines the value reads."""
        return self.value.attribute_kinds

    @property
    def value_reads_lines(self) -> bool:
        """Whether the value reads order lines."""
        return any(field.of_lines for field in self.value.fields)

    def of(self, versions: Collection[int]) -> "EffectPlan":
        """The same, looking at these versions alone."""
        return replace(self, models={number: model for number, model in self.models.items() if number in versions})

    def version_at(self, instant: int) -> int | None:
        """In force then. What came into force first decided the history before it, too."""
        found = None
        for force in self.in_force:
            if found is None or force.since <= instant:
                found = force.version
        return found

    def mapped(self, since: int, until: int) -> dict[str, str]:
        """What tiers were renamed to in (since, until]."""
        mapping: dict[str, str] = {}
        for force in self.in_force:
            if since < force.since <= until:
                mapping = {old: force.mapping.get(new, new) for old, new in mapping.items()} | dict(force.mapping)
        return mapping


@dataclass(slots=True)
class _Week:
    """(since, until]. sizes: tier codes at its end; bins: users per bin of each score then."""

    since: int
    until: int
    version: int | None
    sizes: Counter[int] = field(default_factory=Counter)
    stayed: int = 0
    up: int = 0
    down: int = 0
    other: int = 0
    bins: dict[str, list[int]] = field(default_factory=dict)

    @property
    def moved(self) -> int:
        """Of those who stood somewhere at both ends."""
        return self.up + self.down + self.other


class ModelEffect:
    """The fold."""

    def __init__(self, plan: EffectPlan) -> None:
        self._plan = plan
        self._codes = TierCodes(plan.newest.tiers)
        self._weeks = [_Week(since, until, plan.version_at(until)) for since, until in pairwise(plan.ends)]
        self._periods = [
            Period(since, since + plan.horizon, {number: Foretold(model) for number, model in plan.models.items()})
            for since in plan.beginnings
        ]
        self.users = self._facts = 0
        self._first, self._last = NEVER, -NEVER

    def add(self, table: FactTable, transitions: Sequence[Transition]) -> None:
        """A batch: all facts of its subjects, and their transitions on the scheme, of each by their instants."""
        self.users += table.subjects
        seen = np.maximum(table.occurred_at, table.known_at) <= self._plan.at
        self._facts += int(seen.sum())
        if seen.any():
            self._first = min(self._first, int(table.occurred_at[seen].min()))
            self._last = max(self._last, int(table.occurred_at[seen].max()))
        per = self._plan.newest.spec.per
        standers = standers_of(table, per, {(one.subject, one.scope) for one in transitions} if per else ())
        standings = self._standings(standers, transitions)
        self._count_weeks(standings)
        everybody = {instant: everybody_at(standers.table, instant) for instant in self._instants()}
        for period in self._periods:
            self._add_period(period, standers.table, everybody[period.since], standings)
        for number, model in self._plan.models.items():
            self._add_version(number, model, standers.table, everybody)

    def to_json(self) -> dict[str, Any]:
        """As kept. Instants in microseconds."""
        plan, ordered = self._plan, not self._plan.newest.spec.unordered
        weeks = [self._week_json(week) for week in self._weeks]
        return {
            "data": {
                "users": self.users,
                "facts": self._facts,
                "first_fact": self._first if self._facts else None,
                "last_fact": self._last if self._facts else None,
                "currency": plan.newest.spec.currency,
                "value": {name: str(part) for name, part in plan.value if part is not None},
            },
            "tiers": self._codes.names,
            "versions": self._versions_json(weeks),
            "weeks": weeks,
            "periods": [period.to_json(self._codes, ordered=ordered) for period in self._periods],
        }

    def _instants(self) -> list[int]:
        return sorted({*(week.until for week in self._weeks), *(period.since for period in self._periods)})

    def _standings(self, standers: Standers, transitions: Sequence[Transition]) -> StandingsOverTime:
        places = zip(standers.owner.tolist(), standers.scope, strict=True)
        numbers = {place: number for number, place in enumerate(places)}
        # A scheme that was kept otherwise before (by another version) has standings here that no longer are any.
        known = [one for one in transitions if (one.subject, one.scope) in numbers]
        return StandingsOverTime(known, numbers, len(numbers), self._codes)

    def _count_weeks(self, standings: StandingsOverTime) -> None:
        before = standings.at(self._plan.ends[0])
        for week in self._weeks:
            after = standings.at(week.until)
            week.sizes.update(after[after != NOBODY].tolist())
            self._count_moves(week, self._codes.renamed(before, self._plan.mapped(week.since, week.until)), after)
            before = after

    def _count_moves(self, week: _Week, before: Codes, after: Codes) -> None:
        both = (before != NOBODY) & (after != NOBODY)
        before, after = before[both], after[both]
        tiers = 0 if self._plan.newest.spec.unordered else len(self._plan.newest.tiers)
        ranked = (before < tiers) & (after < tiers)
        moved = before != after
        week.stayed += int((~moved).sum())
        week.up += int((ranked & (after > before)).sum())
        week.down += int((ranked & (after < before)).sum())
        week.other += int((moved & ~ranked).sum())

    def _add_period(self, period: Period, table: FactTable, points: Points, standings: StandingsOverTime) -> None:
        model, target, horizon = self._plan.newest, self._plan.value, self._plan.horizon
        period.stood.append(standings.at(period.since)[points.subject])
        period.before.append(added_up(model, target, table, points.subject, period.since - horizon, period.since))
        period.after.append(added_up(model, target, table, points.subject, period.since, period.until))

    def _add_version(
        self, number: int, model: CompiledModel, table: FactTable, everybody: Mapping[int, Points]
    ) -> None:
        """Everybody by this version: at the ends of its weeks, and at the beginning of every period."""
        weeks = [week for week in self._weeks if week.version == number and _baseline(model)]
        instants = sorted({*(week.until for week in weeks), *(period.since for period in self._periods)})
        wanted = [everybody[instant] for instant in instants]
        points = points_of(
            np.concatenate([one.subject for one in wanted]), np.concatenate([one.instant for one in wanted])
        )
        evaluated = ModelColumns(model, table).evaluate(points)
        for week in weeks:
            _add_bins(week.bins, model, evaluated, points.instant == week.until)
        for period in self._periods:
            period.versions[number].add(evaluated, points.instant == period.since)

    def _week_json(self, week: _Week) -> dict[str, Any]:
        names = self._codes.names
        both = week.moved + week.stayed
        own = len(self._plan.newest.tiers)
        return {
            "from": week.since,
            "to": week.until,
            "version": week.version,
            "tiers": {tier: week.sizes[code] for code, tier in enumerate(names) if week.sizes[code] or code < own},
            "moved": week.moved,
            "up": week.up,
            "down": week.down,
            "share_moved": round(week.moved / both, 4) if both else None,
            "drift": self._drift(week),
        }

    def _drift(self, week: _Week) -> dict[str, float | None]:
        model = self._plan.models.get(week.version) if week.version is not None else None
        if model is None:
            return {}
        return {name: _psi(baseline, week.bins.get(name, [])) for name, baseline in _baseline(model).items()}

    def _versions_json(self, weeks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        told = []
        for number, model in sorted(self._plan.models.items()):
            mine = [week for week in weeks if week["version"] == number]
            shares = [week["share_moved"] for week in mine if week["share_moved"] is not None]
            since = [force.since for force in self._plan.in_force if force.version == number]
            told.append(
                {
                    "version": number,
                    "content_hash": model.content_hash,
                    "in_force_since": since,
                    "weeks": len(mine),
                    "share_moved": round(sum(shares) / len(shares), 4) if shares else None,
                    "tiers": mine[-1]["tiers"] if mine else None,
                    "drift": mine[-1]["drift"] if mine else None,
                }
            )
        return told


def _add_bins(
    bins: dict[str, list[int]], model: CompiledModel, evaluated: Evaluated, rows: np.typing.NDArray[np.bool_]
) -> None:
    columns = {**evaluated.features, **evaluated.scores}
    for name in _baseline(model):
        score = model.spec.scores[name]
        assert isinstance(score, CutScore) and score.cuts != "fitted"
        values, valid = columns[score.of]
        counted = bin_counts(Column(values[rows], valid[rows]), score.cuts)
        bins[name] = [one + other for one, other in zip(bins.get(name, [0] * len(counted)), counted, strict=True)]


def _baseline(model: CompiledModel) -> Mapping[str, Sequence[int]]:
    """Users per bin on the day of fitting, by score."""
    return model.spec.fitted.baseline if model.spec.fitted is not None else {}


def _psi(baseline: Sequence[int], observed: Sequence[int]) -> float | None:
    return round(psi(baseline, observed), 4) if sum(baseline) and sum(observed) else None
