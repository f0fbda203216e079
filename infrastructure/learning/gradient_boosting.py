"""Gradient boosted regression trees, trained by scikit-learn and handed on as plain numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt

from application.tier_models.ports import LearnerNotInstalled
from domain.tier_model.spec import Tree

_TREES, _LEAVES, _RATE = 100, 8, 0.1  # some 50 KB as JSON
_LEAST_LEAF = 20  # users: a leaf of fewer remembers them instead of learning


class GradientBoosting:
    """Fulfils Learner. Least squares: it predicts the mean."""

    name = "gradient-boosting"

    def train(
        self, columns: npt.NDArray[np.float64], target: npt.NDArray[np.float64]
    ) -> tuple[float, tuple[Tree, ...]]:
        """columns: (columns, rows). The base and the trees. Equal rows in equal order give equal trees.

        Raises LearnerNotInstalled without scikit-learn.
        """
        try:
            from sklearn.ensemble import GradientBoostingRegressor
        except ImportError:
            raise LearnerNotInstalled(self.name, "scikit-learn", "learn") from None
        model = GradientBoostingRegressor(
            n_estimators=_TREES,
            learning_rate=_RATE,
            max_leaf_nodes=_LEAVES,
            max_depth=None,
            min_samples_leaf=_LEAST_LEAF,
            random_state=0,
        )
        model.fit(columns.T, target)
        base = float(model.init_.predict(columns.T[:1])[0])
        return base, tuple(_plain(part[0].tree_) for part in model.estimators_)


def _plain(tree: Any) -> Tree:
    """scikit-learn numbers inner nodes and leaves together, parents first: here each have their own numbers."""
    inner = tree.children_left >= 0
    number = np.where(inner, np.cumsum(inner) - 1, -np.cumsum(~inner))
    nodes, leaves = np.flatnonzero(inner), np.flatnonzero(~inner)
    return Tree(
        feature=tuple(tree.feature[nodes].tolist()),
        threshold=tuple((tree.threshold[nodes] + 0.0).tolist()),  # + 0.0: no negative zero, which a database drops
        left=tuple(number[tree.children_left[nodes]].tolist()),
        right=tuple(number[tree.children_right[nodes]].tolist()),
        value=tuple((_RATE * tree.value[leaves, 0, 0] + 0.0).tolist()),
    )
