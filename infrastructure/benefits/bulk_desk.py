"""The work of bulk grants: a part's row under lock, a chunk of its members, and all of it in one transaction.

Whoever is killed lets go of its part at once, and what was not committed is done by the next.
"""

import time
from collections.abc import Sequence
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
from infrastructure.benefits.bulk_store import LockedBulkGrant, PostgresBulkGrants
from infrastructure.benefits.bulk_undecided import decide_together
from infrastructure.benefits.moving import HolderMerged, revoke_together
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.event_store.application import Ledger
from infrastructure.postgres.commit_with import Statement
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.tier_models.in_force import LOCK_SHARED

WORKER = "bulk-grants"
"""How events name what is done by itself."""

_PASSING = (DeadlockDetected, SerializationFailure, HolderMerged)
_ATTEMPTS = 5
_DECIDED_TIMES = 3  # who is undecided still is skipped
_FIRST_SIZE, _SMALLEST, _LARGEST = 500, 200, 2_000
_HOLD_SECONDS = 0.03  # of the order lock, as told before the commit; 0.05 with it
_REVERTED_AT_ONCE = 500
_AT_A_TIME_SECONDS = 0.5
# Who changes a bulk grant waits for those who work on it, and holds up those who would: after it nothing more is done.
_TAKE = """
with taken as (
    select p.part, p.after, p.until, b.*
    from bulk_grant_parts p join bulk_grants b using (run_id)
    where not p.ended and b.state in ('running', 'reverting') and (%(run)b::uuid is null or p.run_id = %(run)b)
    order by b.requested_at, p.run_id, p.part limit 1
    for update of p skip locked
)
select run_id, part, array(
           select m.subject_id from bulk_grant_members m
           where m.run_id = taken.run_id and m.subject_id > taken.after and m.subject_id <= taken.until
           order by m.subject_id limit %(size)b),
       pg_try_advisory_xact_lock_shared(7320, hashtext(run_id::text)), state, because, requested_by, benefit,
       benefit_version, units, unit_cost, currency, source, reason, budgets, campaign
from taken
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


class _Taken(NamedTuple):
    """A part under lock, and its next members."""

    place: Place
    state: str
    because: str
    terms: BulkTerms

    @property
    def run_id(self) -> UUID:
        """Of the bulk grant."""
        return self.place.run_id


class _Went(NamedTuple):
    """worked: whether there was a chunk; undecided: who has to be decided before it goes on; stopped: what, and why."""

    worked: bool
    undecided: Sequence[UUID] = ()
    stopped: tuple[UUID, str] | None = None


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
        largest: int = _LARGEST,
    ) -> None:
        """largest: members of a chunk, at most."""
        self._pool, self._keyring, self._ledger, self._store = pool, keyring, ledger, store
        self._evaluation, self._grades = evaluation, grades
        self._largest, self._size = largest, min(_FIRST_SIZE, largest)

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
        attempt = 1
        while True:
            try:
                went = self._chunks(asked, tries)
                while went.undecided:
                    self._decide(went.undecided, tries)
                    went = self._chunks(asked, tries)
            except _PASSING:
                if attempt == _ATTEMPTS:
                    raise
                attempt += 1
                continue
            if went.stopped is not None:
                self._pause(*went.stopped)
            return went.worked or self._end(asked)

    def _chunks(self, asked: UUID | None, tries: dict[UUID, int]) -> _Went:
        """As many as there is time for."""
        until, worked = time.monotonic() + _AT_A_TIME_SECONDS, False
        with self._pool.connection() as connection:
            while time.monotonic() < until:
                taken = _take(connection, asked, self._size)
                if taken is None:
                    connection.rollback()
                    break
                worked = True
                if taken.state == "reverting":
                    self._revert(connection, taken)
                    continue
                chunk = self._grant(connection, taken, tries)
                if chunk.stopped is not None:
                    return _Went(worked, stopped=(taken.run_id, chunk.stopped))
                if chunk.undecided:
                    return _Went(worked, chunk.undecided)
                self._fit(chunk)
        return _Went(worked)

    def _grant(self, connection: Connection, taken: _Taken, tries: dict[UUID, int]) -> Chunk:
        hopeless = {subject_id for subject_id, times in tries.items() if times >= _DECIDED_TIMES}
        try:
            return grant_chunk(connection, self._keyring, taken.terms, taken.place, hopeless)
        except (Refusal, AnotherVersion) as refusal:
            connection.rollback()
            return Chunk(stopped=str(refusal))

    def _decide(self, undecided: Sequence[UUID], tries: dict[UUID, int]) -> None:
        """tries: how often each was; who cannot be decided is not tried again."""
        failed = decide_together(self._pool, self._evaluation, undecided)
        for subject_id in undecided:
            tries[subject_id] = _DECIDED_TIMES if subject_id in failed else tries.get(subject_id, 0) + 1

    def _fit(self, chunk: Chunk) -> None:
        """Grow slowly, shrink at once: the bound is on the worst chunk, not on the average."""
        if chunk.granted:
            fitting = chunk.granted * _HOLD_SECONDS / max(chunk.held, 0.001)
            self._size = int(min(max(min(fitting, self._size * 1.5), _SMALLEST), self._largest))

    def _revert(self, connection: Connection, taken: _Taken) -> None:
        place = taken.place
        ids = place.ids[:_REVERTED_AT_ONCE]
        is_last = place.is_last and len(ids) == len(place.ids)
        grant_ids = [grant_id_in(place.run_id, subject_id) for subject_id in ids]
        told = MoveWanted(
            "revoke", "", place.actor, reason=taken.because, command_id=f"{command_of(place.run_id)}/revert"
        )

        def kept(grants: int, units: int) -> Statement:
            last = ids[-1] if ids else None
            return _REVERTED, (last, is_last, len(ids), grants, units, place.run_id, place.part)

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


def _take(connection: Connection, asked: UUID | None, size: int) -> _Taken | None:
    """A part that nobody works on, of the one that was planned first, with its next members."""
    with connection.pipeline():
        connection.execute(LOCK_SHARED)
        found = connection.execute(_TAKE, {"run": asked, "size": size}, binary=True)
    row = found.fetchone()
    if row is None:
        return None
    run_id, part, ids, is_admitted, state, because, actor, *of_benefit, source, reason, budgets, campaign = row
    if not is_admitted:
        return None
    terms = BulkTerms(*(*of_benefit, source, reason, tuple(budgets), campaign))
    return _Taken(Place(run_id, part, actor, ids, len(ids) < size), state, because, terms)
