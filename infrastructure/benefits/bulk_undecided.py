"""Members about whom something is due: decided together, as the evaluator decides them."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import OperationalError

from application.evaluation.ports import Undecidable
from domain.user_tier.decide import decide
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.postgres.pool import Pool, transaction

_AT_ONCE = 250


def decide_together(pool: Pool, ledger: PostgresEvaluationLedger, ids: Sequence[UUID]) -> set[UUID]:
    """Answers those who cannot be decided; the ledger has told of each."""
    failed: set[UUID] = set()
    for first in range(0, len(ids), _AT_ONCE):
        failed |= _isolating(pool, ledger, ids[first : first + _AT_ONCE])
    return failed


def _isolating(pool: Pool, ledger: PostgresEvaluationLedger, ids: Sequence[UUID]) -> set[UUID]:
    """Who cannot be decided holds nobody else up: a batch that fails is halved."""
    try:
        with transaction(pool) as connection:
            taken = ledger.lock_all(connection, ids)
            work = taken.work
            taken.record(decide(work.subjects, work.table, work.forces, work.now))
    except OperationalError:
        raise
    except Exception as error:
        if len(ids) == 1:
            ledger.set_aside(Undecidable(ids, error))
            return set(ids)
        half = len(ids) // 2
        return _isolating(pool, ledger, ids[:half]) | _isolating(pool, ledger, ids[half:])
    return set()
