"""What trains learned scores, and what is said when it is not installed."""

import sys

import numpy as np
import pytest

from application.tier_models.ports import LearnerNotInstalled
from infrastructure.learning import LEARNERS


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(LearnerNotInstalled, match="scikit-learn") as caught:
        LEARNERS["gradient-boosting"].train(np.zeros((2, 100)), np.zeros(100))
    assert caught.value.complaints[0].remedy == "install the extra: pip install 'tierline[learn]'"


def test_the_tests_have_the_library() -> None:
    """What skips without it must not be skipped by `make test`."""
    assert __import__("sklearn")


def test_it_finds_what_there_is_to_find() -> None:
    random = np.random.default_rng(3)
    columns = np.stack([random.integers(0, 100, 2_000).astype(float), np.zeros(2_000)])
    base, trees = LEARNERS["gradient-boosting"].train(columns, np.where(columns[0] <= 40, 10.0, 90.0))
    assert base == pytest.approx(np.where(columns[0] <= 40, 10.0, 90.0).mean())
    assert {trees[0].threshold[0], *trees[0].feature} == {40.5, 0}
