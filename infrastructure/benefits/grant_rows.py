"""Grants as rows of the ledger."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from domain.benefits.grant import Grant
from domain.benefits.refusals import UnknownGrant

COLUMNS = """
g.grant_id, g.benefit, g.benefit_version, g.kind, g.units, g.redeemed, g.released, g.reclaimed, g.times, g.unit_cost,
g.currency, g.status, g.granted_at, g.expires_at, g.ended_at, g.cause, g.campaign, g.strategy, g.assignment_id, g.run_id
"""
# A grant's events stand in its subject's stream; the position of the last event is the subject's.
READ = f"""
select g.subject_id, {COLUMNS} from grants g where g.grant_id = any(%b)
"""


def grant_of(row: Sequence[Any]) -> Grant:
    """From COLUMNS."""
    run_id = None if row[-1] is None else str(row[-1])
    return Grant(*(row[0].hex, *row[1:-1], run_id))


def uuid_of(grant_id: str) -> UUID:
    """Raises UnknownGrant."""
    try:
        return UUID(grant_id)
    except ValueError:
        raise UnknownGrant(grant_id) from None


def uuids_of(grant_ids: Iterable[str]) -> set[UUID]:
    """Of those that can be ids of grants at all."""
    found = set()
    for grant_id in grant_ids:
        try:
            found.add(uuid_of(grant_id))
        except UnknownGrant:
            continue
    return found
