"""Learned scores, evaluated: trees as plain numbers over columns. No library decides anybody's tier."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from domain.tier_model.column import Column
from domain.tier_model.fit import numeric
from domain.tier_model.spec import LearnedModel, TierModelSpec, Tree

Floats = npt.NDArray[np.float64]
_ROWS = 16_384  # at once: what they need stays in the processor's cache


class Forest:
    """Trees made ready for many rows.

    A tree's leaves are bits. Every inner node takes some away from a row, by its column's value against its threshold;
    one is left. What all nodes on one column leave depends only on how many of the column's thresholds lie strictly
    below the value: that rank finds the bits of all trees in one table.
    """

    def __init__(self, base: float, trees: tuple[Tree, ...], columns: int) -> None:
        self._base = base
        self._thresholds = [_thresholds_on(column, trees) for column in range(columns)]
        self._left = [np.full((len(found) + 1, len(trees)), 0xFF, dtype=np.uint8) for found in self._thresholds]
        self._all = np.array([(1 << len(tree.value)) - 1 for tree in trees], dtype=np.uint8)
        self._values = np.zeros((len(trees), 256), dtype=np.float64)
        for number, tree in enumerate(trees):
            self._values[number, [1 << leaf for leaf in range(len(tree.value))]] = tree.value
            bits = _bits_below(tree)
            for node, (column, threshold) in enumerate(zip(tree.feature, tree.threshold, strict=True)):
                first_above = int(np.searchsorted(self._thresholds[column], threshold)) + 1
                self._left[column][:first_above, number] &= 0xFF - bits[tree.right[node]]
                self._left[column][first_above:, number] &= 0xFF - bits[tree.left[node]]

    def predict(self, columns: Floats) -> Floats:
        """For each row of (columns, rows): base + the leaf of every tree, added in their order."""
        parts = [self._predict(columns[:, start : start + _ROWS]) for start in range(0, columns.shape[1], _ROWS)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float64)

    def _predict(self, columns: Floats) -> Floats:
        left = np.tile(self._all, (columns.shape[1], 1))
        for values, thresholds, table in zip(columns, self._thresholds, self._left, strict=True):
            if len(thresholds):
                left &= table[np.searchsorted(thresholds, values)]  # value <= threshold: not strictly below it
        total = np.full(columns.shape[1], self._base, dtype=np.float64)
        for number, values in enumerate(self._values):
            total += values[left[:, number]]
        return total


class LearnedColumn:
    """A trained model over the features of its version."""

    def __init__(self, model: LearnedModel) -> None:
        self._names = [part.name for part in model.inputs]
        self._nulls = [part.null for part in model.inputs]
        self._forest = Forest(model.base, model.trees, 2 * len(model.inputs))

    def values(self, features: Mapping[str, Column], size: int) -> Column:
        """The predictions, float64, never null. Raises KeyError for an input that is not among the features."""
        matrix = input_matrix([numeric(features[name]) for name in self._names], self._nulls, size)
        return Column(self._forest.predict(matrix), np.ones(size, dtype=np.bool_))


def input_matrix(inputs: list[Column], nulls: list[float], size: int) -> Floats:
    """(2n, size): each input with its null replaced, then for each whether it is null (1.0 or 0.0)."""
    matrix = np.zeros((2 * len(inputs), size), dtype=np.float64)
    for number, ((values, valid), null) in enumerate(zip(inputs, nulls, strict=True)):
        matrix[number] = np.where(valid, values, null)
        matrix[len(inputs) + number] = ~valid
    return matrix


def learned_ages(spec: TierModelSpec, name: str) -> set[float]:
    """The values of a feature beyond which a learned score of the model may change its mind."""
    trained = spec.fitted.learned if spec.fitted is not None else {}
    return {
        threshold
        for model in trained.values()
        for number, part in enumerate(model.inputs)
        if part.name == name
        for threshold in _thresholds_on(number, model.trees).tolist()
    }


def _thresholds_on(column: int, trees: tuple[Tree, ...]) -> Floats:
    """Ascending, each once."""
    pairs = (pair for tree in trees for pair in zip(tree.feature, tree.threshold, strict=True))
    return np.unique(np.array([threshold for feature, threshold in pairs if feature == column], dtype=np.float64))


def _bits_below(tree: Tree) -> dict[int, int]:
    """The leaves below every inner node, and every leaf by itself; children come after their parents."""
    bits = {-1 - leaf: 1 << leaf for leaf in range(len(tree.value))}
    for node in reversed(range(len(tree.feature))):
        bits[node] = bits[tree.left[node]] | bits[tree.right[node]]
    return bits
