"""Pins that wait for a second person, in Postgres."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg import Connection

from application.overrides.ports import (
    OverrideRequest,
    OverrideRequestDecided,
    OwnOverrideRequest,
    RequestStatus,
    UnknownOverrideRequest,
    Wanted,
)
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.evaluation.work import LockedWork
from infrastructure.postgres.pool import Pool, transaction

_COLUMNS = """request_id, user_id, scheme, tier, mode, reason, until, scope, requested_by, requested_at, status,
    decided_by, decided_at, note"""
_PLACE = "subject_id = (select subject_id from user_ids where user_id = %(user_id)s)"
# Who asks for the same twice waits for one answer.
_KNOWN = f"""
select {_COLUMNS} from override_requests where {_PLACE} and requested_by = %(actor)s and (
    (command_id = %(command_id)s and command_id <> '') or (
        status = 'waiting' and (scheme, scope, mode, tier) = (%(scheme)s, %(scope)s, %(mode)s, %(tier)s)
        and until is not distinct from %(until)s))
order by requested_at limit 1
"""
_ADD = f"""
insert into override_requests (request_id, subject_id, user_id, scheme, scope, mode, tier, until, reason, requested_by,
                               requested_at, command_id)
select %(request_id)s, subject_id, user_id, %(scheme)s, %(scope)s, %(mode)s, %(tier)s, %(until)s, %(reason)s, %(actor)s,
       %(now)s, %(command_id)s
from user_ids where user_id = %(user_id)s
returning {_COLUMNS}
"""
_LOCK_SUBJECT = f"select from timelines where {_PLACE} for update"
_ONE = f"select {_COLUMNS} from override_requests where request_id = %s for update"
_DECIDE = f"""
update override_requests set status = %s, decided_by = %s, decided_at = tierline_peek(), note = %s
where request_id = %s returning {_COLUMNS}
"""
_LIST = f"""
select {_COLUMNS} from override_requests where %(status)s::text is null or status = %(status)s
order by requested_at desc, request_id limit %(size)s
"""


class PostgresOverrideRequests:
    """Fulfils OverrideRequests."""

    def __init__(self, pool: Pool, ledger: PostgresEvaluationLedger) -> None:
        self._pool, self._ledger = pool, ledger

    def add(self, wanted: Wanted, actor: str, now: int, command_id: str) -> OverrideRequest:
        """See OverrideRequests."""
        named: dict[str, Any] = {
            **{name: getattr(wanted, name) for name in Wanted.__dataclass_fields__},
            "request_id": uuid4(),
            "actor": actor,
            "now": now,
            "command_id": command_id,
        }
        with transaction(self._pool) as connection:
            connection.execute(_LOCK_SUBJECT, named)
            row = connection.execute(_KNOWN, named).fetchone() or connection.execute(_ADD, named).fetchone()
        assert row is not None, "the user was there a moment ago"
        return _request(row)

    @contextmanager
    def approving(self, request_id: str, actor: str, note: str) -> Iterator[tuple[OverrideRequest, LockedWork, bool]]:
        """See OverrideRequests. The user is locked before the request, as by those who merge and split users."""
        while True:
            with transaction(self._pool) as connection:
                user_id = _required(connection, request_id).wanted.user_id
            with self._ledger.take_user(user_id) as taken:
                # Another name by now: its own was split off, and the request stayed.
                before = _required(taken.connection, request_id)
                if before.wanted.user_id == user_id:
                    yield (
                        _decide(taken.connection, request_id, "approved", actor, note),
                        taken,
                        before.status == "approved",
                    )
                    return

    def reject(self, request_id: str, actor: str, reason: str) -> OverrideRequest:
        """See OverrideRequests."""
        with transaction(self._pool) as connection:
            return _decide(connection, request_id, "rejected", actor, reason)

    def list(self, status: RequestStatus | None, size: int) -> Sequence[OverrideRequest]:
        """See OverrideRequests."""
        with self._pool.connection() as connection:
            rows = connection.execute(_LIST, {"status": status, "size": size}).fetchall()
        return [_request(row) for row in rows]


def _decide(
    connection: Connection, request_id: str, status: Literal["approved", "rejected"], actor: str, note: str
) -> OverrideRequest:
    request = _required(connection, request_id)
    if request.requested_by == actor:
        raise OwnOverrideRequest(request)
    if request.status == status:
        return request
    if request.status != "waiting":
        raise OverrideRequestDecided(request)
    row = connection.execute(_DECIDE, (status, actor, note, request.request_id)).fetchone()
    assert row is not None
    return _request(row)


def _required(connection: Connection, request_id: str) -> OverrideRequest:
    try:
        row = connection.execute(_ONE, (UUID(request_id),)).fetchone()
    except ValueError:
        row = None
    if row is None:
        raise UnknownOverrideRequest(request_id)
    return _request(row)


def _request(row: tuple[Any, ...]) -> OverrideRequest:
    return OverrideRequest(str(row[0]), Wanted(*row[1:8]), *row[8:])
