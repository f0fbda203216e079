"""Rules over scores alone, tried on every cell: every combination of scores that there can be, none of them null."""

from collections.abc import Iterator, Mapping
from math import prod

import numpy as np
from numpy.typing import NDArray

from domain.tier_model.column import Column, Type
from domain.tier_model.expression import Condition, tag_column
from domain.tier_model.lint.cases import makings, product, weigh
from domain.tier_model.lint.places import Places
from domain.tier_model.lint.reach import bins_of
from domain.tier_model.spec import CutScore, ModelFault, TierModelSpec

Conditions = Mapping[str, tuple[Condition, Condition | None]]
MAX_CELLS = 200_000


def grid_faults(spec: TierModelSpec, rules: Conditions, places: Places) -> Iterator[ModelFault]:
    """Warnings: of classes, cells in none or in several; of a ladder, cells where a better score stands lower.

    rules: the compiled (enter, keep) of each tier. Nothing is told while one is missing or reads anything else.
    """
    tried = [tier for tier in spec.tiers if tier in rules]
    needed = set(spec.tiers) - {spec.default if spec.unordered else spec.tiers[0]}
    if not tried or not needed <= set(tried):
        return
    grid = _grid(
        spec, frozenset().union(*(rules[tier][0].names.union(map(tag_column, rules[tier][0].tags)) for tier in tried))
    )
    if grid is None:
        return
    axes, columns, size = grid
    matched = np.array([rules[tier][0].matches(columns, size) for tier in tried])
    if spec.unordered:
        yield from _classes(spec, rules, places, matched, {name: columns[name] for name in axes})
    else:
        ranks = np.array([spec.tiers.index(tier) for tier in tried])
        yield from _ladder(spec, places, np.where(matched, ranks[:, None], 0).max(axis=0), axes)


def _classes(
    spec: TierModelSpec,
    rules: Conditions,
    places: Places,
    matched: NDArray[np.bool_],
    scores: Mapping[str, Column],
) -> Iterator[ModelFault]:
    times = matched.sum(axis=0)
    none, several = times == 0, times > 1
    if none.any() and spec.default in rules:
        message = f"leaves {int(none.sum())} of {len(times)} score cells to no rule, such as {_cell(scores, none)}"
        remedy = f"They fall to the default, {spec.default}: write a rule for them"
        yield places.warning(("rules",), None, message, remedy)
    if several.any():
        message = (
            f"gives {int(several.sum())} of {len(times)} score cells to several tiers, such as {_cell(scores, several)}"
        )
        remedy = "The first as written wins: make the rules exclude each other"
        yield places.warning(("rules",), None, message, remedy)


def _ladder(
    spec: TierModelSpec, places: Places, ranks: NDArray[np.int64], axes: Mapping[str, int]
) -> Iterator[ModelFault]:
    """Scores count from the worse end, so one more of any must not lead further down."""
    cube = ranks.reshape(tuple(axes.values()))
    for axis, name in enumerate(axes):
        falls = np.diff(cube, axis=axis) < 0
        if not falls.any():
            continue
        cell = [int(index) for index in np.argwhere(falls)[0]]
        better = [index + (place == axis) for place, index in enumerate(cell)]
        low, high = spec.tiers[int(cube[tuple(better)])], spec.tiers[int(cube[tuple(cell)])]
        spelled = ", ".join(f"{score} {index + 1}" for score, index in zip(axes, cell, strict=True))
        message = (
            f"lets users fall as {name} rises, in {int(falls.sum())} score cells: "
            f"{spelled} is {high}, with {name} {better[axis] + 1} it is {low}"
        )
        remedy = f"Let a better {name} lead no further down"
        yield places.warning(("rules", high), None, message, remedy)


def _grid(spec: TierModelSpec, names: frozenset[str]) -> tuple[dict[str, int], dict[str, Column], int] | None:
    """Bins by score, and every combination; None when anything else is read, nothing is, or there are too many."""
    bins: dict[str, int] = {}
    made = [makings(name, spec) or (name,) for name in names]
    for parts in made:
        for part in parts:
            score = spec.scores.get(part)
            if isinstance(score, CutScore):
                bins[part] = bins_of(score)
            elif len(parts) == 1:
                return None
    bins = dict(sorted(bins.items()))
    size = prod(bins.values())
    if not bins or size > MAX_CELLS:
        return None
    columns = product({name: range(1, most + 1) for name, most in bins.items()}, dict.fromkeys(bins, Type.integer))
    for parts in made:
        weigh(parts, spec, columns)
    return bins, columns, size


def _cell(scores: Mapping[str, Column], where: NDArray[np.bool_]) -> str:
    first = int(np.flatnonzero(where)[0])
    return ", ".join(f"{name} {int(column.values[first])}" for name, column in scores.items())
