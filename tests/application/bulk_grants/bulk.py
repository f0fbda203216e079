"""Bulk grants on a ledger under test."""

from collections.abc import Sequence
from typing import Any

from application.benefits.redeem_grant import RedeemGrant
from application.bulk_grants.bulk_grants import BulkGrants
from application.bulk_grants.listing import listed_ids
from application.bulk_grants.perform_bulk_grants import PerformBulkGrants
from application.bulk_grants.ports import BulkGrantView, BulkWanted
from domain.bulk_grants.terms import ApprovalGrades
from infrastructure.benefits.bulk_desk import PostgresBulkDesk
from infrastructure.benefits.bulk_store import PostgresBulkGrants
from infrastructure.benefits.bulk_wiring import build_bulk_grants
from infrastructure.benefits.desk import PostgresGrantDesk
from infrastructure.event_store.application import Ledger
from infrastructure.settings import Settings
from tests.application.benefits.test_grants import MODEL, START
from tests.support.ledger import LedgerSystem, order


class BulkSystem(LedgerSystem):
    """With bulk grants. The condition of a segment is the beginning of its members' user ids."""

    def __init__(self, dsn: str, **settings: Any) -> None:
        super().__init__(dsn, manual_clock=True)
        self.bulk = self.with_settings(**settings)
        self.redeem = RedeemGrant(PostgresGrantDesk(self.pool, self.keyring), self.evaluate_user)

    def with_settings(self, **settings: Any) -> BulkGrants:
        """The same, set otherwise."""
        ledger = Ledger(self.pool, self.keyring)
        return build_bulk_grants(self.pool, self.keyring, ledger, self.evaluation, self._members, Settings(**settings))

    def in_small_chunks(self, largest: int) -> PerformBulkGrants:
        """What a worker does, so many members at a time."""
        ledger = Ledger(self.pool, self.keyring)
        store, grades = PostgresBulkGrants(self.pool, ledger), ApprovalGrades()
        desk = PostgresBulkDesk(self.pool, self.keyring, ledger, store, self.evaluation, grades, largest)
        return PerformBulkGrants(desk)

    def people(self, *, low: int = 0, high: int = 0) -> None:
        """low-0, low-1, ... and high-0, ...: decided."""
        self.clock.set(START)
        self.activate(MODEL)
        facts = [order("o1", f"low-{number}", START) for number in range(low)]
        facts += [order(f"o{n}", f"high-{number}", START) for number in range(high) for n in range(2)]
        for first in range(0, len(facts), 1_000):
            self.facts(facts[first : first + 1_000])
        self.settle()

    def plan(
        self, where: str = "", *, users: Sequence[str] | None = None, by: str = "key:op", **wanted: Any
    ) -> BulkGrantView:
        """Planned and previewed."""
        source: dict[str, Any] = {"where": where} if users is None else {"listed": len(users)}
        asked = BulkWanted("coupon-10", source, **wanted)
        view = self.bulk.plan(asked, None if users is None else listed_ids(users), by)
        assert view.state == "previewing"
        assert self.bulk.perform(view.run_id)
        return self.bulk.store.get(view.run_id)

    def started(self, *args: Any, **wanted: Any) -> BulkGrantView:
        """And started."""
        return self.bulk.start(self.plan(*args, **wanted).run_id, "key:op")

    def worked(self, run_id: str) -> BulkGrantView:
        """As a worker leaves it when nothing is left to do."""
        while self.bulk.perform(run_id):
            pass
        return self.bulk.store.get(run_id)

    def rows(self, query: str) -> list[Any]:
        """Of the database."""
        with self.pool.connection() as connection:
            return connection.execute(query.encode()).fetchall()

    def granted(self) -> dict[str, list[str]]:
        """The topics of events of grants, by user."""
        told = {
            user: [event["topic"] for event in events if "benefit" in event["topic"]]
            for user, events in self.events().items()
        }
        return {user: topics for user, topics in told.items() if topics}

    def _members(self, where: str) -> list[dict[str, Any]]:
        query = "select user_id from user_ids where starts_with(user_id, %s) order by user_id"
        with self.pool.connection() as connection:
            return [{"user_id": row[0]} for row in connection.execute(query, (where,)).fetchall()]
