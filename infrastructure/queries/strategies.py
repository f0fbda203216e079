"""What strategies have come to, out of Postgres."""

from application.strategies.message_ports import Messages
from application.strategies.ports import ArmProgress, Progress
from infrastructure.event_store.tail import head
from infrastructure.postgres.pool import Pool, transaction

_ARMS = """
select arm, holdout, count(*), count(*) filter (where ended_at is null), count(exposed_at)
from assignments where strategy = %s group by 1, 2 order by 2, 1
"""
_OUTCOMES = """
select a.arm, a.holdout, o.outcome, count(*) from assignments a join assignment_outcomes o using (assignment_id)
where a.strategy = %(name)s and o.at is not null group by 1, 2, 3
union all
select a.arm, a.holdout, 'redeemed', count(*) from assignments a
where a.strategy = %(name)s and exists (
    select from grants g where g.assignment_id = replace(a.assignment_id::text, '-', '') and g.assignment_id <> ''
      and g.redeemed > g.reclaimed)
group by 1, 2
"""
_SKIPPED = "select reason, sum(skipped)::bigint from strategy_skips where strategy = %s group by 1 order by 1"
_WAITING = "select count(*) from strategy_timers where kind = 'actions' and strategy = %s"


class PostgresStrategyQueries:
    """Fulfils StrategyQueries."""

    def __init__(self, pool: Pool, messages: Messages) -> None:
        self._pool, self._messages = pool, messages

    def progress(self, name: str) -> Progress:
        """See StrategyQueries."""
        with transaction(self._pool) as connection:
            position = head(connection)
            outcomes: dict[tuple[str | None, str], dict[str, int]] = {}
            for arm, holdout, outcome, count in connection.execute(_OUTCOMES, {"name": name}).fetchall():
                outcomes.setdefault((arm, holdout), {})[outcome] = count
            rows = connection.execute(_ARMS, (name,)).fetchall()
            arms = [
                ArmProgress(arm, holdout, assigned, live, exposed, outcomes.get((arm, holdout), {}))
                for arm, holdout, assigned, live, exposed in rows
            ]
            skipped: dict[str, int] = dict(connection.execute(_SKIPPED, (name,)).fetchall())
            waiting = connection.execute(_WAITING, (name,)).fetchone()
        messages = self._messages.counts(name)
        return Progress(arms, skipped, int(waiting[0]) if waiting else 0, position, messages)
