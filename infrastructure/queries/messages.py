"""Messages of strategies, as they stand in the ledger."""

from collections.abc import Mapping
from typing import Any

from application.queries import UnknownUser
from application.strategies.message_ports import NO_RECEIVER, ListedMessage, MessagePage, MessageState
from domain.strategies.refusals import UnknownStrategy
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.queries.assignments import opened_cursor

# A message that waits without any other reason waits for somebody to take it over, or for its turn.
_REASON = "case when m.state = 'waiting' and m.reason = '' then %(waits)s else m.reason end"
_PAGE = f"""
select m.message_id,
       (select (array_agg(user_id order by user_id))[1] from user_ids u where u.subject_id = m.subject_id),
       m.strategy, m.assignment_id, coalesce(a.arm, ''), m.channel, m.template, m.state, {_REASON}, m.attempts,
       m.created_at, m.due_at, m.settled_at
from outbound_messages m join assignments a using (assignment_id)
where {{whose}} and (%(state)s::text is null or m.state = %(state)s)
  and (%(at)s::bigint is null or (m.created_at, m.message_id) < (%(at)s, %(id)s))
order by m.created_at desc, m.message_id desc limit %(limit)s
"""
_OF_STRATEGY, _OF_USER = _PAGE.format(whose="m.strategy = %(whose)s"), _PAGE.format(whose="m.subject_id = %(whose)s")
_COUNTS = f"select m.state, {_REASON}, count(*) from outbound_messages m where m.strategy = %(whose)s group by 1, 2"
_SUBJECT = "select subject_id from user_ids where user_id = %s"
_ANY_WAITS = "select exists (select from outbound_messages where state in ('waiting', 'sending'))"
_STRATEGIES = "select strategy from strategies order by strategy"


class PostgresMessages:
    """Fulfils Messages."""

    def __init__(self, pool: Pool, receiver: bool) -> None:
        """receiver: whether there is somebody to take messages over."""
        self._pool, self.receiver = pool, receiver

    def of_strategy(self, strategy: str, state: MessageState | None, size: int, cursor: str | None) -> MessagePage:
        """See Messages."""
        with transaction(self._pool) as connection:
            known = [row[0] for row in connection.execute(_STRATEGIES).fetchall()]
        if strategy not in known:
            raise UnknownStrategy(strategy, known)
        return self._page(_OF_STRATEGY, strategy, state, size, cursor)

    def of_user(self, user_id: str, state: MessageState | None, size: int, cursor: str | None) -> MessagePage:
        """See Messages."""
        with transaction(self._pool) as connection:
            row = None if "\0" in user_id else connection.execute(_SUBJECT, (user_id,)).fetchone()
        if row is None:
            raise UnknownUser(user_id)
        return self._page(_OF_USER, row[0], state, size, cursor)

    def any_waits(self) -> bool:
        """See Messages."""
        with transaction(self._pool) as connection:
            row = connection.execute(_ANY_WAITS).fetchone()
        return row is not None and bool(row[0])

    def counts(self, strategy: str) -> Mapping[str, Mapping[str, int]]:
        """See Messages."""
        found: dict[str, dict[str, int]] = {}
        with transaction(self._pool) as connection:
            rows = connection.execute(_COUNTS, {"whose": strategy, "waits": self._waits}).fetchall()
        for state, reason, count in rows:
            found.setdefault(state, {})[reason] = count
        return found

    @property
    def _waits(self) -> str:
        return "" if self.receiver else NO_RECEIVER

    def _page(self, query: str, whose: Any, state: str | None, size: int, cursor: str | None) -> MessagePage:
        at, message_id = opened_cursor(cursor)
        asked = {"whose": whose, "state": state, "at": at, "id": message_id, "limit": size + 1, "waits": self._waits}
        with transaction(self._pool) as connection:
            rows = connection.execute(query.encode(), asked).fetchall()
        found = [ListedMessage(row[0].hex, row[1], row[2], row[3].hex, *row[4:]) for row in rows]
        last = found[size - 1] if len(found) > size else None
        return MessagePage(found[:size], f"{last.created_at}-{last.message_id}" if last else None)
