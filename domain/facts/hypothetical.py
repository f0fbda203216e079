"""What if: a subject's facts with some that never happened."""

from collections.abc import Sequence

from domain.facts.fact import Details, Fact
from domain.facts.table import (
    Coded,
    FactColumns,
    FactTable,
    RecordedFact,
    joined_columns,
    table_from_columns,
    table_from_facts,
)


def with_hypothetical(table: FactTable, facts: Sequence[Fact], known_at: int) -> FactTable:
    """The table of one subject plus facts that become known at `known_at`, after all that are there."""
    last = int(table.position.max(initial=0))
    more = table_from_facts([RecordedFact(0, fact, last + 1 + n, known_at) for n, fact in enumerate(facts)], subjects=1)
    return table_from_columns(1, joined_columns(_columns(table), _columns(more)))


def _columns(table: FactTable) -> FactColumns:
    details = zip(table.attributes, table.lines, strict=True)
    return FactColumns(
        subject=table.subject,
        position=table.position,
        occurred_at=table.occurred_at,
        known_at=table.known_at,
        kind=Coded(table.kind, table.kinds),
        amount=table.amount,
        amount_valid=table.amount_valid,
        currency=Coded(table.currency, table.currencies),
        source=table.source,
        fact_id=table.fact_id,
        content_hash=table.content_hash,
        details={row: Details(attributes or {}, lines or ()) for row, (attributes, lines) in enumerate(details)},
    )
