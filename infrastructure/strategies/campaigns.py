"""Campaigns: their events in the log, and beside them the table that timers look up."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from application.campaigns.ports import BudgetState, CampaignView, UnknownCampaign
from domain.campaigns.aggregate import Campaign
from infrastructure.event_store.application import Ledger
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.strategies.definitions import instant_of

_COLUMNS = "campaign, status, spec, content_hash, makers, approved_by, started_at, changed_at, changed_by"
_VIEWS = f"""
select {_COLUMNS} from campaigns
where (%(name)s::text is null or campaign = %(name)s)
  and (%(since)s::bigint is null or ends_at > %(since)s) and (%(until)s::bigint is null or starts_at < %(until)s)
order by starts_at, campaign
"""
_UPSERT = f"""
insert into campaigns ({_COLUMNS}, budget, starts_at, ends_at, turns_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (campaign) do update set status = excluded.status, spec = excluded.spec,
    content_hash = excluded.content_hash, makers = excluded.makers, approved_by = excluded.approved_by,
    started_at = excluded.started_at, changed_at = excluded.changed_at, changed_by = excluded.changed_by,
    budget = excluded.budget, starts_at = excluded.starts_at, ends_at = excluded.ends_at, turns_at = excluded.turns_at
"""
_TURNING = "select campaign from campaigns where turns_at <= tierline_peek() order by turns_at, campaign"
_TURNED = "update campaigns set turns_at = %s where campaign = %s"
_BUDGETS = "select budget from budgets"
_ACCOUNTS = """
select account, allowed, reserved, spent from accounts
where account = %s or account like %s escape '\\' order by account
"""
_LIVE = ("scheduled", "running", "resting", "paused")
_CHANGES_AT_ONCE = 2


class PostgresCampaigns:
    """Fulfils Campaigns."""

    def __init__(self, pool: Pool, ledger: Ledger) -> None:
        self._pool, self._ledger = pool, ledger
        # A change reads its aggregate over a second connection: many at once would wait for each other for one.
        self._changing = BoundedSemaphore(_CHANGES_AT_ONCE)

    @contextmanager
    def change(self, name: str) -> Iterator["LockedCampaign"]:
        """One change of a campaign at a time."""
        with self._changing, transaction(self._pool) as connection:
            connection.execute("select pg_advisory_xact_lock(7306, hashtext(%s))", (f"campaign/{name}",))
            yield LockedCampaign(connection, self._ledger, self._ledger.campaign(name))

    def views(self, since: int | None = None, until: int | None = None) -> list[CampaignView]:
        """See Campaigns."""
        with transaction(self._pool) as connection:
            rows = connection.execute(_VIEWS, {"name": None, "since": since, "until": until}).fetchall()
        return [CampaignView(*row) for row in rows]

    def view(self, name: str) -> CampaignView:
        """See Campaigns."""
        asked = {"name": name.replace("\0", ""), "since": None, "until": None}
        with transaction(self._pool) as connection:
            row = connection.execute(_VIEWS, asked).fetchone()
        if row is None:
            raise UnknownCampaign(name, [view.campaign for view in self.views()])
        return CampaignView(*row)

    def turning(self) -> list[str]:
        """See Campaigns."""
        with transaction(self._pool) as connection:
            return [row[0] for row in connection.execute(_TURNING).fetchall()]

    def budgets(self) -> frozenset[str]:
        """See Campaigns."""
        with transaction(self._pool) as connection:
            return frozenset(row[0] for row in connection.execute(_BUDGETS).fetchall())

    def budget_state(self, budget: str) -> list[BudgetState]:
        """See Campaigns."""
        literal = budget.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        with transaction(self._pool) as connection:
            rows = connection.execute(_ACCOUNTS, (f"budget:{budget}", f"budget:{literal}@%")).fetchall()
        return [BudgetState(*row) for row in rows]


class LockedCampaign:
    """Fulfils CampaignChange."""

    def __init__(self, connection: Connection, ledger: Ledger, campaign: Campaign | None) -> None:
        self._connection, self._ledger, self.campaign = connection, ledger, campaign
        self.now = instant_of(connection, "select tierline_now()")

    def save(self, campaign: Campaign) -> int:
        """Table, events and commit. The next turn is set also when nothing is to record."""
        turns_at = campaign.read.turns_after(self.now) if campaign.status in _LIVE else None
        if not campaign.pending_events:
            self._connection.execute(_TURNED, (turns_at, campaign.name))
            self._connection.commit()
            return 0
        actor = str(campaign.pending_events[-1].actor)  # type: ignore[attr-defined]
        self._connection.execute(_UPSERT, (*_row(campaign, self.now, actor), turns_at))
        return self._ledger.save_joined(self._connection, campaign)


def _row(campaign: Campaign, now: int, actor: str) -> tuple[Any, ...]:
    spec = campaign.read
    return (
        campaign.name,
        campaign.status,
        Jsonb(campaign.spec),
        campaign.content_hash,
        sorted(campaign.makers),
        campaign.approved_by,
        campaign.started_at,
        now,
        actor,
        spec.budget,
        spec.start,
        spec.end,
    )
