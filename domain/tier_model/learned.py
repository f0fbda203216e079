"""Learned scores, evaluated: trees as plain numbers over columns. No library decides anybody's tier."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from domain.tier_model.column import Column
from domain.tier_model.fit import numeric
from domain.tier_model.spec import LearnedModel, TierModelSpec, Tree

Floats = npt.NDArray[np.float64]


def learned_column(model: LearnedModel, features: Mapping[str, Column], size: int) -> Column:
    """The predictions, float64: base + the leaf of every tree, added in their order. Never null.

    Raises KeyError for an input that is not among the features.
    """
    columns = input_matrix(
        [numeric(features[part.name]) for part in model.inputs], [part.null for part in model.inputs], size
    )
    return Column(predictions(model.base, model.trees, columns), np.ones(size, dtype=np.bool_))


def input_matrix(inputs: list[Column], nulls: list[float], size: int) -> Floats:
    """(2n, size): each input with its null replaced, then for each whether it is null (1.0 or 0.0)."""
    matrix = np.zeros((2 * len(inputs), size), dtype=np.float64)
    for number, ((values, valid), null) in enumerate(zip(inputs, nulls, strict=True)):
        matrix[number] = np.where(valid, values, null)
        matrix[len(inputs) + number] = ~valid
    return matrix


def predictions(base: float, trees: tuple[Tree, ...], columns: Floats) -> Floats:
    """What the trees say of each row of (columns, rows)."""
    total = np.full(columns.shape[1], base, dtype=np.float64)
    for tree in trees:
        total += np.array(tree.value)[_leaves(tree, columns)]
    return total


def _leaves(tree: Tree, columns: Floats) -> npt.NDArray[np.int64]:
    """The leaf that each row falls to. Nodes lead to later ones only, so one pass in their order reaches all leaves."""
    leaf = np.zeros(columns.shape[1], dtype=np.int64)
    waiting: dict[int, npt.NDArray[np.int64]] = {0: np.arange(columns.shape[1])}
    for node, (feature, threshold) in enumerate(zip(tree.feature, tree.threshold, strict=True)):
        rows = waiting.pop(node)
        below = columns[feature, rows] <= threshold
        for child, some in ((tree.left[node], rows[below]), (tree.right[node], rows[~below])):
            if child < 0:
                leaf[some] = -1 - child
            else:
                waiting[child] = some
    return leaf


def learned_ages(spec: TierModelSpec, name: str) -> set[float]:
    """The values of a feature beyond which a learned score of the model may change its mind."""
    trained = spec.fitted.learned if spec.fitted is not None else {}
    return {
        threshold
        for model in trained.values()
        for number, part in enumerate(model.inputs)
        if part.name == name
        for tree in model.trees
        for feature, threshold in zip(tree.feature, tree.threshold, strict=True)
        if feature == number
    }
