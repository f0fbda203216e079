"""Runs in Postgres: parts under a lease, findings sealed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import msgspec
from psycopg import Connection
from psycopg.types.json import Jsonb

from application.runs.ports import Finding, Part, Run, RunState, RunTaken, UnknownRun
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_FINDING

_LEASE = "interval '30 seconds'"
_ADD = """
insert into runs (run_id, kind, parameters, requested_by, requested_at)
values (%s, %s, %s, %s, tierline_peek())
"""
_ADD_PARTS = "insert into run_parts (run_id, part) select %s, generate_series(0, %s::integer - 1)"
_STATE = """
select count(*) filter (where state = 'failed') > 0, bool_and(state = 'done'),
       bool_or(state <> 'waiting' or holder is not null), sum(done)::bigint, sum(total)::bigint,
       array_agg(result order by part), array_agg(error order by part) filter (where error <> '')
from run_parts where run_id = %s
"""
_RUN = "select run_id, kind, parameters, requested_by, requested_at from runs where run_id = %s and kind = %s"
_LATEST = """
select run_id, kind, parameters, requested_by, requested_at from runs
where kind = %s and parameters @> %s order by requested_at desc, run_id
"""
_FINDINGS = """
select f.subject_id, f.sealed, s.data_key,
       (select (array_agg(user_id order by user_id))[1] from user_ids u where u.subject_id = f.subject_id)
from run_findings f join subjects s using (subject_id) where f.run_id = %s order by f.part, f.number
"""
_TAKE = f"""
update run_parts set holder = %(holder)s, lease_until = now() + {_LEASE} where (run_id, part) = (
    select p.run_id, p.part from run_parts p join runs r using (run_id)
    where p.state = 'waiting' and (p.lease_until is null or p.lease_until < now()) and r.kind = any(%(kinds)s)
      and (%(run_id)s::uuid is null or p.run_id = %(run_id)s)
    order by r.requested_at, p.run_id, p.part limit 1 for update of p skip locked)
returning run_id, part, after, result, (select count(*) from run_parts q where q.run_id = run_parts.run_id),
          (select kind from runs r where r.run_id = run_parts.run_id),
          (select parameters from runs r where r.run_id = run_parts.run_id)
"""
_KEEP = f"""
update run_parts set done = %s, total = %s, after = %s, result = %s, lease_until = now() + {_LEASE}
where run_id = %s and part = %s and holder = %s and state = 'waiting'
"""
_END = "update run_parts set state = %s, error = %s where run_id = %s and part = %s and holder = %s"
_FIND = """
insert into run_findings (run_id, part, number, subject_id, sealed)
select %s, %s, coalesce(max(number), 0) + 1, %s, %s from run_findings where run_id = %s and part = %s
"""


def add_run(connection: Connection, kind: str, parameters: Mapping[str, Any], actor: str, parts: int) -> str:
    """A run that comes about with the caller's transaction; its id."""
    run_id = uuid4()
    connection.execute(_ADD, (run_id, kind, Jsonb(parameters), actor))
    connection.execute(_ADD_PARTS, (run_id, parts))
    return str(run_id)


@dataclass(slots=True)
class HeldPart:
    """Fulfils Part."""

    store: "PostgresRuns"
    holder: UUID
    run_id: str
    number: int
    after: UUID | None
    result: Mapping[str, Any]
    parts: int
    kind: str
    parameters: Mapping[str, Any]
    kept: Callable[[], None]

    def keep(
        self, done: int, total: int, after: UUID | None, result: Mapping[str, Any], findings: Sequence[Finding] = ()
    ) -> None:
        """See Part."""
        self.store.keep(self, done, total, after, result, findings)
        self.after, self.result = after, result
        self.kept()


class PostgresRuns:
    """Fulfils Runs."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring

    def add(self, kind: str, parameters: Mapping[str, Any], actor: str, parts: int) -> str:
        """See Runs."""
        with transaction(self._pool) as connection:
            return add_run(connection, kind, parameters, actor, parts)

    def get(self, run_id: str, kind: str) -> Run:
        """See Runs."""
        try:
            asked = UUID(run_id)
        except ValueError:
            raise UnknownRun(run_id, kind) from None
        with transaction(self._pool) as connection:
            row = connection.execute(_RUN, (asked, kind)).fetchone()
            if row is None:
                raise UnknownRun(run_id, kind)
            return self._run(connection, row)

    def latest(self, kind: str, parameters: Mapping[str, Any], *, state: RunState | None = None) -> Run | None:
        """See Runs."""
        with transaction(self._pool) as connection:
            for row in connection.execute(_LATEST, (kind, Jsonb(parameters))).fetchall():
                run = self._run(connection, row)
                if state in (None, run.state):
                    return run
        return None

    def take(
        self, kinds: Sequence[str], run_id: str | None, kept: Callable[[], None] = lambda: None
    ) -> HeldPart | None:
        """See Runs."""
        holder = uuid4()
        named = {"holder": holder, "kinds": list(kinds), "run_id": run_id}
        with transaction(self._pool) as connection:
            row = connection.execute(_TAKE, named).fetchone()
        if row is None:
            return None
        number, after, result, parts, kind, parameters = row[1:]
        return HeldPart(self, holder, str(row[0]), number, after, result, parts, kind, parameters, kept)

    def keep(
        self,
        part: HeldPart,
        done: int,
        total: int,
        after: UUID | None,
        result: Mapping[str, Any],
        findings: Sequence[Finding],
    ) -> None:
        """See Part."""
        place = (part.run_id, part.number, part.holder)
        with transaction(self._pool) as connection:
            kept = connection.execute(_KEEP, (done, total, after, Jsonb(result), *place))
            if kept.rowcount == 0:
                raise RunTaken
            seals = self._keyring.seals(connection, [subject_id for subject_id, _ in findings]) if findings else {}
            for subject_id, found in findings:
                if subject_id in seals:
                    sealed = seals[subject_id].seal(CONTEXT_FINDING, msgspec.msgpack.encode(found))
                    connection.execute(_FIND, (*place[:2], subject_id, sealed, *place[:2]))

    def end(self, part: Part, error: str = "") -> None:
        """See Runs."""
        assert isinstance(part, HeldPart)
        with transaction(self._pool) as connection:
            state = "failed" if error else "done"
            connection.execute(_END, (state, error, part.run_id, part.number, part.holder))

    def _run(self, connection: Connection, row: tuple[Any, ...]) -> Run:
        told = connection.execute(_STATE, (row[0],)).fetchone()
        assert told is not None
        failed, ended, begun, done, total, results, errors = told
        state: RunState = "failed" if failed else "done" if ended else "running" if begun else "waiting"
        findings = []
        for subject_id, sealed, data_key, user_id in connection.execute(_FINDINGS, (row[0],)).fetchall():
            seal = self._keyring.unwrap(subject_id, data_key)
            found = msgspec.msgpack.decode(seal.unseal(CONTEXT_FINDING, bytes(sealed)))
            findings.append({"user_id": user_id, "subject": subject_id.hex, **found})
        return Run(
            run_id=str(row[0]),
            kind=row[1],
            parameters=row[2],
            requested_by=row[3],
            requested_at=row[4],
            state=state,
            done=done,
            total=total,
            results=results,
            errors=errors or [],
            findings=findings,
        )
