"""What if: a subject's facts with some that never happened."""

from collections.abc import Sequence

import numpy as np

from domain.facts.fact import Details, Fact
from domain.facts.table import FactColumns, FactTable, RecordedFact, table_from_columns, table_from_facts


def with_hypothetical(table: FactTable, facts: Sequence[Fact], known_at: int) -> FactTable:
    """The table of one subject plus facts that become known at `known_at`, after all that are there."""
    last = int(table.position.max(initial=0))
    more = table_from_facts([RecordedFact(0, fact, last + 1 + n, known_at) for n, fact in enumerate(facts)], subjects=1)
    return table_from_columns(1, _joined(_columns(table), _columns(more)))


def _columns(table: FactTable) -> FactColumns:
    return FactColumns(
        subject=table.subject,
        position=table.position,
        occurred_at=table.occurred_at,
        known_at=table.known_at,
        kind=[table.kinds[code] for code in table.kind],
        amount=table.amount,
        amount_valid=table.amount_valid,
        currency=[table.currencies[code] if code >= 0 else None for code in table.currency],
        source=table.source.tolist(),
        fact_id=table.fact_id.tolist(),
        content_hash=table.content_hash,
        details=[
            Details(attributes or {}, lines or ())
            for attributes, lines in zip(table.attributes, table.lines, strict=True)
        ],
    )


def _joined(one: FactColumns, other: FactColumns) -> FactColumns:
    return FactColumns(
        subject=np.concatenate([one.subject, other.subject]),
        position=np.concatenate([one.position, other.position]),
        occurred_at=np.concatenate([one.occurred_at, other.occurred_at]),
        known_at=np.concatenate([one.known_at, other.known_at]),
        kind=[*one.kind, *other.kind],
        amount=np.concatenate([one.amount, other.amount]),
        amount_valid=np.concatenate([one.amount_valid, other.amount_valid]),
        currency=[*one.currency, *other.currency],
        source=[*one.source, *other.source],
        fact_id=[*one.fact_id, *other.fact_id],
        content_hash=np.concatenate([one.content_hash, other.content_hash]),
        details=[*one.details, *other.details],
    )
