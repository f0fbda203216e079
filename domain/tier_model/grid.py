"""Rules over scores alone, checked on every combination of scores that there can be."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from domain.tier_model.column import Column
from domain.tier_model.expression import Condition
from domain.tier_model.spec import CutScore, ModelFault, TierModelSpec

Conditions = Mapping[str, tuple[Condition, Condition | None]]
MAX_CELLS = 200_000


def grid_faults(spec: TierModelSpec, rules: Conditions) -> list[ModelFault]:
    """Warnings: tiers that no combination of scores enters, keep stricter than enter, cells in no class or in several.

    rules: the compiled (enter, keep) of each tier; those that read anything but scores with cuts are left alone.
    """
    bins = {
        name: score.bins or 1 if score.cuts == "fitted" else len(score.cuts) + 1
        for name, score in spec.scores.items()
        if isinstance(score, CutScore)
    }
    faults = [fault for tier in rules for fault in _alone(tier, *rules[tier], bins)]
    if spec.unordered and set(rules) >= set(spec.tiers) - {spec.default}:
        faults += _together(spec, rules, bins)
    return faults


def _alone(tier: str, enter: Condition, keep: Condition | None, bins: Mapping[str, int]) -> Iterator[ModelFault]:
    grid = _grid(enter.names, bins)
    if grid is not None and not enter.matches(*grid).any():
        remedy = f"Scores reach from 1 to their number of bins: {_spelled({name: bins[name] for name in enter.names})}"
        yield _warning(
            f"rules.{tier}.enter",
            enter.text,
            "is true for no scores that there can be",
            remedy,
        )
    grid = _grid(enter.names | keep.names, bins) if keep is not None else None
    if grid is None or keep is None:
        return
    stricter = enter.matches(*grid) & ~keep.matches(*grid)
    if stricter.any():
        remedy = f"Whoever enters keeps the tier: loosen keep. It leaves out {_cell(grid[0], stricter)}"
        yield _warning(f"rules.{tier}.keep", keep.text, "is stricter than enter", remedy)


def _together(spec: TierModelSpec, rules: Conditions, bins: Mapping[str, int]) -> Iterator[ModelFault]:
    tried = [tier for tier in spec.tiers if tier in rules]
    grid = _grid(frozenset().union(*(rules[tier][0].names for tier in tried)), bins)
    if grid is None or not tried:
        return
    columns, size = grid
    matched = sum(
        (rules[tier][0].matches(columns, size).astype(np.int64) for tier in tried),
        np.zeros(size, np.int64),
    )
    none, several = matched == 0, matched > 1
    if none.any() and spec.default in rules:
        message = f"leaves {int(none.sum())} of {size} score cells to no rule, such as {_cell(columns, none)}"
        yield _warning(
            "rules",
            None,
            message,
            f"They fall to the default, {spec.default}: write a rule for them",
        )
    if several.any():
        message = (
            f"gives {int(several.sum())} of {size} score cells to several tiers, such as {_cell(columns, several)}"
        )
        yield _warning(
            "rules",
            None,
            message,
            "The first as written wins: make the rules exclude each other",
        )


def _grid(names: frozenset[str], bins: Mapping[str, int]) -> tuple[dict[str, Column], int] | None:
    """Every combination of the scores, one a row; None when anything else is read, nothing is, or too many."""
    if not names or not names <= set(bins):
        return None
    ordered = sorted(names)
    size = int(np.prod([float(bins[name]) for name in ordered]))
    if size > MAX_CELLS:
        return None
    axes = np.meshgrid(
        *(np.arange(1, bins[name] + 1, dtype=np.int64) for name in ordered),
        indexing="ij",
    )
    everywhere = np.ones(size, np.bool_)
    return {name: Column(axis.reshape(-1), everywhere) for name, axis in zip(ordered, axes, strict=True)}, size


def _cell(columns: Mapping[str, Column], where: NDArray[np.bool_]) -> str:
    first = int(np.flatnonzero(where)[0])
    return _spelled({name: int(column.values[first]) for name, column in columns.items()})


def _spelled(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(numbers.items()))


def _warning(path: str, value: str | None, message: str, remedy: str) -> ModelFault:
    return ModelFault(path, None, None, value, message, remedy, "warning")
