"""A fact log on a real database, with what reads it back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from application.facts.record_facts import RecordFactsHandler
from domain.facts.fact import EMPTY_CHAIN, next_chain
from domain.facts.table import FactTable
from infrastructure.facts.fact_kinds import PostgresFactKinds
from infrastructure.facts.fact_log import PostgresFactLog
from infrastructure.facts.history_sessions import PostgresHistorySessions
from infrastructure.facts.read import facts_of
from infrastructure.postgres.pool import Pool, open_pool
from infrastructure.security.keyring import Keyring

MASTER_KEY = bytes(range(32))


@dataclass
class Ledger:
    """One process's view of the database."""

    pool: Pool

    def __post_init__(self) -> None:
        self.keyring = Keyring(MASTER_KEY)
        self.log = PostgresFactLog(self.pool, self.keyring)
        self.kinds = PostgresFactKinds(self.pool)
        self.sessions = PostgresHistorySessions(self.pool)
        self.record = RecordFactsHandler(self.log, self.kinds)

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a query answers."""
        with self.pool.connection() as connection:
            return connection.execute(query, parameters).fetchall()

    def execute(self, statement: str, *parameters: Any) -> None:
        """A statement without an answer."""
        with self.pool.connection() as connection:
            connection.execute(statement, parameters)

    def subject(self, user_id: str) -> UUID:
        """The subject of a user that is known."""
        return UUID(str(self.rows("select subject_id from user_ids where user_id = %s", user_id)[0][0]))

    def table(self, *user_ids: str, **options: Any) -> FactTable:
        """The facts of these users."""
        with self.pool.connection() as connection:
            return facts_of(connection, [self.subject(user_id) for user_id in user_ids], self.keyring, **options)

    def timeline(self, user_id: str) -> dict[str, Any]:
        """The user's timeline by column."""
        names = ("due_at", "last_instant", "last_position", "facts", "chain", "history_id")
        query = f"select {', '.join(names)} from timelines where subject_id = %s"
        return dict(zip(names, self.rows(query, self.subject(user_id))[0], strict=True))

    def assert_whole(self) -> None:
        """Every timeline follows from its facts: count, last position and instant, chain, and when it is due."""
        facts: dict[UUID, list[tuple[Any, ...]]] = {}
        query = "select subject_id, position, known_at, content_hash, chain from facts order by position"
        for subject_id, *row in self.rows(query):
            facts.setdefault(subject_id, []).append(tuple(row))
        columns = "subject_id, due_at, last_instant, last_position, facts, chain, history_id"
        timelines = self.rows(f"select {columns} from timelines")
        assert {row[0] for row in timelines} >= facts.keys()
        for subject_id, due_at, last_instant, last_position, count, chain, history_id in timelines:
            rows = facts.get(subject_id, [])
            assert count == len(rows)
            if not rows:
                continue
            running = EMPTY_CHAIN
            for _, known_at, content_hash, stored in rows:
                running = next_chain(running, content_hash, known_at)
                assert stored == running
            assert chain == running
            assert last_position == rows[-1][0]
            assert last_instant == max(row[1] for row in rows)
            assert due_at == (min(row[1] for row in rows) if history_id is None else None)


@pytest.fixture
def another_ledger(database: str) -> Iterator[Callable[[], Ledger]]:
    """Makes further processes' views of the same database."""
    pools: list[Pool] = []

    def make() -> Ledger:
        pools.append(open_pool(database, max_size=2))
        return Ledger(pools[-1])

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def ledger(another_ledger: Callable[[], Ledger]) -> Ledger:
    """A fact log on a database of its own."""
    return another_ledger()
