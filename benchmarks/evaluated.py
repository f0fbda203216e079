"""Evaluation alone: features, scores and qualified tier as of one instant. Nothing locked, foreseen or explained."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np
from psycopg import Connection

from benchmarks.unrecorded import Unrecorded
from domain.tier_model.model_columns import ModelColumns
from domain.tier_model.spans import points_of
from infrastructure.evaluation.reading import read_subjects
from infrastructure.evaluation.work import TimelineRow
from infrastructure.security.keyring import Keyring
from infrastructure.tier_models.in_force import ModelsInForceReader

_ROWS = """
select subject_id, due_at, last_position, decided_at, stream_version, facts, history_id, chain
from timelines where subject_id = any(%b) order by subject_id
"""


class LiveEvaluation:
    """Reads subjects as the ledger does, and evaluates every model in force."""

    def __init__(self, connection: Connection, keyring: Keyring) -> None:
        self._connection, self._keyring = connection, keyring
        self._models = ModelsInForceReader()
        self._found: dict[UUID, dict[str, tuple[dict[str, object], str]]] = {}

    def __call__(self, subjects: Sequence[UUID], now: int) -> None:
        """Evaluate these subjects as of the instant."""
        models = self._models.read(self._connection)
        rows = [TimelineRow(*row) for row in self._connection.execute(_ROWS, (list(subjects),), binary=True).fetchall()]
        read = read_subjects(self._connection, self._keyring, rows, models)
        everybody = np.arange(len(rows), dtype=np.int32)
        points = points_of(everybody, np.full(len(rows), now, dtype=np.int64))
        self._found = {row.subject_id: {} for row in rows}
        for scheme, model in models.current.items():
            evaluated = ModelColumns(model, read.table, since=points.instant).evaluate(points)
            found = zip(read.subjects, evaluated.codes.tolist(), evaluated.rows(), strict=True)
            for subject, code, row in found:
                seen = subject.observation.schemes[scheme][""]
                qualified = model.tiers[model.qualify(evaluated.truths[code], seen.standing)]
                self._found[subject.subject_id][scheme] = (row.features, qualified)

    def check(self, decided: Unrecorded) -> None:
        """The whole decision must have found the same features. Raises AssertionError."""
        assert decided.result is not None
        for subject, one in zip(decided.work.subjects, decided.result.decided, strict=True):
            for scheme, scopes in one.observation.schemes.items():
                assert self._found[subject.subject_id][scheme][0] == scopes[""].features, scheme
