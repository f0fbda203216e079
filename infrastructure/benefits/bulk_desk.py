"""The work of bulk grants: a part's row under lock, a chunk of its members, and all of it in one transaction.

Whoever is killed lets go of its part at once, and what was not committed is done by the next.
"""

from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.errors import DeadlockDetected, SerializationFailure

from application.benefits.ports import MoveWanted
from application.bulk_grants.ports import uuid_or_none
from domain.bulk_grants.terms import ApprovalGrades, BulkTerms
from domain.refusal import Refusal
from infrastructure.benefits.bulk_granting import Chunk, Place, command_of, grant_chunk, grant_id_in
from infrastructure.benefits.bulk_members import AnotherVersion
from infrastructure.benefits.bulk_preview import previewed
from infrastructure.benefits.bulk_store import LockedBulkGrant, PostgresBulkGrants, part_end, part_starts
from infrastructure.benefits.bulk_undecided import decide_together
from infrastructure.benefits.moving import revoke_together
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.event_store.application import Ledger
from infrastructure.postgres.commit_with import Statement
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.tier_models.in_force import LOCK_SHARED

WORKER = "bulk-grants"
"""How events name what is done by itself."""

_PASSING = (DeadlockDetected, SerializationFailure)
_ATTEMPTS = 5
_DECIDED_TIMES = 3  # who is undecided still is skipped
_FIRST_SIZE, _SMALLEST, _LARGEST = 500, 100, 2_000
_HOLD_SECONDS = 0.03  # of the order lock, as told before the commit; 0.05 with it
_REVERTED_AT_ONCE = 500
# A change of the bulk grant holds its row, and waits for those who work on it: after it nothing more is done.
_TAKE = """
select p.run_id, p.part, p.after, b.state, b.because, b.people, b.requested_by, b.benefit, b.benefit_version, b.units,
       b.unit_cost, b.currency, b.source, b.reason, b.budgets, b.campaign
from bulk_grant_parts p join bulk_grants b using (run_id)
where not p.ended and b.state in ('running', 'reverting') and (%(run)b::uuid is null or p.run_id = %(run)b)
order by b.requested_at, p.run_id, p.part limit 1
for update of p skip locked for share of b skip locked
"""
_MEMBERS = """
select subject_id from bulk_grant_members where run_id = %b and subject_id > %b and subject_id <= %b
order by subject_id limit %b
"""
_PREVIEWING = """
select run_id, people from bulk_grants where state = 'previewing' and (%(run)s::uuid is null or run_id = %(run)s)
order by requested_at, run_id limit 1 for update skip locked
"""
_AT_LEISURE = "set local transaction_timeout = 0"
_ENDED = """
select run_id from bulk_grants b
where state in ('running', 'reverting') and (%(run)s::uuid is null or run_id = %(run)s)
  and not exists (select from bulk_grant_parts p where p.run_id = b.run_id and not p.ended) limit 1
"""
_TOTALS = """
select sum(granted)::bigint, sum(done - granted)::bigint, sum(cost)::bigint, sum(reverted)::bigint,
       sum(reverted_units)::bigint
from bulk_grant_parts where run_id = %s having bool_and(ended)
"""
_REVERTED = """
update bulk_grant_parts set after = coalesce(%s, after), ended = %s, looked_at = looked_at + %s,
    reverted = reverted + %s, reverted_units = reverted_units + %s, kept_at = clock_timestamp()
where run_id = %s and part = %s
"""
_FIRST_ID = UUID(int=0)


class _Taken(NamedTuple):
    run_id: UUID
    part: int
    after: UUID | None
    state: str
    because: str
    people: int
    actor: str
    terms: BulkTerms


class PostgresBulkDesk:
    """Fulfils BulkGrantDesk."""

    def __init__(
        self,
        pool: Pool,
        keyring: Keyring,
        ledger: Ledger,
        store: PostgresBulkGrants,
        evaluation: PostgresEvaluationLedger,
        grades: ApprovalGrades,
    ) -> None:
        self._pool, self._keyring, self._ledger, self._store = pool, keyring, ledger, store
        self._evaluation, self._grades = evaluation, grades
        self._size = _FIRST_SIZE

    def preview(self, run_id: str | None) -> bool:
        """See BulkGrantDesk."""
        asked = {"run": None if run_id is None else uuid_or_none(run_id)}
        with transaction(self._pool) as connection:
            row = connection.execute(_PREVIEWING, asked).fetchone()
            if row is None:
                return False
            connection.execute(_AT_LEISURE)
            bulk = self._ledger.bulk_grant(row[0])
            assert bulk is not None
            found, problem = previewed(connection, self._keyring, row[0], bulk.terms, row[1])
            cost = bulk.terms.cost_of(row[1])
            locked = LockedBulkGrant(connection, self._ledger, bulk)
            needed = self._grades.needed(cost)
            bulk.preview(cost=cost, approvals_needed=needed, problem=problem, by=locked.by(WORKER))
            locked.save(bulk, found)
        return True

    def work(self, run_id: str | None) -> bool:
        """See BulkGrantDesk."""
        asked = None if run_id is None else uuid_or_none(run_id)
        tries: dict[UUID, int] = {}
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                while (undecided := self._chunk(asked, tries)) is not None and undecided:
                    failed = decide_together(self._pool, self._evaluation, undecided)
                    for subject_id in undecided:
                        tries[subject_id] = _DECIDED_TIMES if subject_id in failed else tries.get(subject_id, 0) + 1
            except _PASSING:
                if attempt == _ATTEMPTS:
                    raise
            else:
                return undecided is not None or self._end(asked)
        return True

    def _chunk(self, asked: UUID | None, tries: dict[UUID, int]) -> list[UUID] | None:
        """Who has to be decided first; nobody when a chunk was done; None when there is none."""
        with self._pool.connection() as connection:
            taken = _take(connection, asked)
            if taken is None:
                connection.rollback()
                return None
            if taken.state == "reverting":
                self._revert(connection, taken)
                return []
            place = _place(connection, taken, self._size)
            hopeless = {subject_id for subject_id, times in tries.items() if times >= _DECIDED_TIMES}
            try:
                chunk = grant_chunk(connection, self._keyring, taken.terms, place, hopeless)
            except (Refusal, AnotherVersion) as refusal:
                connection.rollback()
                chunk = Chunk(stopped=str(refusal))
        if chunk.stopped is not None:
            self._pause(taken.run_id, chunk.stopped)
        elif not chunk.undecided:
            self._fit(chunk)
        return list(chunk.undecided)

    def _fit(self, chunk: Chunk) -> None:
        """Grow slowly, shrink at once: the bound is on the worst chunk, not on the average."""
        if chunk.granted:
            fitting = chunk.granted * _HOLD_SECONDS / max(chunk.held, 0.001)
            self._size = int(min(max(min(fitting, self._size * 1.5), _SMALLEST), _LARGEST))

    def _revert(self, connection: Connection, taken: _Taken) -> None:
        place = _place(connection, taken, _REVERTED_AT_ONCE)
        grant_ids = [grant_id_in(taken.run_id, subject_id) for subject_id in place.ids]
        told = MoveWanted(
            "revoke", "", taken.actor, reason=taken.because, command_id=f"{command_of(taken.run_id)}/revert"
        )

        def kept(grants: int, units: int) -> Statement:
            last, looked_at = place.ids[-1] if place.ids else None, len(place.ids)
            return _REVERTED, (last, place.is_last, looked_at, grants, units, taken.run_id, taken.part)

        revoke_together(connection, self._keyring, grant_ids, told, kept)

    def _pause(self, run_id: UUID, reason: str) -> None:
        with self._store.change(str(run_id)) as change:
            if change.bulk_grant.state == "running":
                change.bulk_grant.pause(reason=reason, by=change.by(WORKER), by_itself=True)
                change.save(change.bulk_grant)

    def _end(self, asked: UUID | None) -> bool:
        """Say of one whose parts have all ended that it has; whether there was any."""
        with self._pool.connection() as connection:
            row = connection.execute(_ENDED, {"run": asked}).fetchone()
        if row is None:
            return False
        with self._store.change(str(row[0])) as change:
            totals: Any = change.connection.execute(_TOTALS, (row[0],)).fetchone()
            bulk = change.bulk_grant
            if totals is not None and bulk.state == "running":
                granted, skipped, cost = totals[:3]
                bulk.finish(granted=granted, skipped=skipped, cost=cost, by=change.by(WORKER))
            elif totals is not None and bulk.state == "reverting":
                bulk.end_revert(revoked=totals[3], units=totals[4], by=change.by(WORKER))
            change.save(bulk)
        return True


def _take(connection: Connection, asked: UUID | None) -> _Taken | None:
    """A part that nobody works on, of the one that was planned first."""
    connection.execute(LOCK_SHARED)
    row = connection.execute(_TAKE, {"run": asked}, binary=True).fetchone()
    if row is None:
        return None
    *place, benefit, version, units, unit_cost, currency, source, reason, budgets, campaign = row
    terms = BulkTerms(benefit, version, units, unit_cost, currency, source, reason, tuple(budgets), campaign)
    return _Taken(*(*place, terms))


def _place(connection: Connection, taken: _Taken, size: int) -> Place:
    """With the next members of the part."""
    end = part_end(taken.part, len(part_starts(taken.people)))
    bounds = (taken.run_id, taken.after or _FIRST_ID, end, size)
    ids = [row[0] for row in connection.execute(_MEMBERS, bounds, binary=True).fetchall()]
    return Place(taken.run_id, taken.part, taken.actor, ids, len(ids) < size)
