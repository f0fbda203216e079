"""The duty of a live micro-batch by hand, in SQL: who is due is locked, the three features of the value model are read,
scored and held against the tier; what changed is recorded with its reasons, everybody's state written, all committed.

What it leaves out is what it could not do in SQL: missed instants in their order, late and voided facts, other
currencies, seals, receipts that can be run again, how much is missing, when the tier may drop, and what is due next.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from benchmarks.features_in_live_sql import VALUE
from benchmarks.unrecorded import Unrecorded
from domain.tier_model.calendar import DAY_MICROS, calendar_of
from domain.tier_model.spec import CutScore

_TABLES = """
drop table if exists duty_users, duty_events;
create table duty_users (subject_id uuid primary key, tier text not null, version integer not null default 0,
                         grace_until bigint, decided_at bigint, qualified text, body jsonb) with (fillfactor = 70);
create table duty_events (subject_id uuid, version integer, kind text not null, from_tier text, to_tier text,
                          effective_at bigint not null, receipt jsonb not null, primary key (subject_id, version));
"""
_BATCH = """
with due as materialized (
    select subject_id, tier, version, grace_until from duty_users
    where subject_id = any(%(subjects)s::uuid[]) order by subject_id for update skip locked
), found as (
    select subject_id, {value} from facts
    where subject_id = any(%(subjects)s::uuid[]) and occurred_at <= %(now)s and known_at <= %(now)s group by subject_id
), scored as (
    select *, {best} + 1 - (select count(*) from unnest(%(r)s::float8[]) cut where recency > cut) as r,
        1 + (select count(*) from unnest(%(f)s::float8[]) cut where frequency > cut) as f,
        1 + (select count(*) from unnest(%(m)s::float8[]) cut where spend > cut) as m
    from found join due using (subject_id)
), qualified as (
    select *, case
        when r >= 4 and f >= 4 and m >= 4 or (tier = 'important_value' and r >= 3 and f >= 3 and m >= 3)
            then 'important_value'
        when r >= 4 and f < 4 and m >= 4 then 'important_growth'
        when r < 4 and f >= 4 and m >= 4 then 'important_retain'
        when r < 4 and f < 4 and m >= 4 then 'important_win_back'
        when r >= 4 and f >= 4 and m < 4 then 'general_value'
        when r >= 4 and f < 4 and m < 4 then 'general_growth'
        when r < 4 and f >= 4 and m < 4 then 'general_retain'
        else 'general_win_back' end as q
    from scored
), ranked as (
    select *, array_position(%(tiers)s::text[], q) - array_position(%(tiers)s::text[], tier) as step from qualified
), decided as (
    select *, case when step > 0 then 'tier-changed' when step < 0 and grace_until is null then 'downgrade-deferred'
                   when step < 0 and grace_until <= %(now)s then 'tier-changed'
                   when step = 0 and grace_until is not null then 'tier-requalified' end as kind,
        jsonb_build_object('recency', recency, 'frequency', frequency, 'spend', spend, 'r', r, 'f', f, 'm', m) as body
    from ranked
), recorded as (
    insert into duty_events
    select subject_id, version + 1, kind, tier, case when kind = 'tier-changed' then q else tier end, %(now)s,
           body || jsonb_build_object('qualified', q, 'before', tier)
    from decided where kind is not null
)
update duty_users u set tier = case when d.kind = 'tier-changed' then d.q else d.tier end,
    version = d.version + (d.kind is not null)::int, decided_at = %(now)s, qualified = d.q, body = d.body,
    grace_until = case d.kind when 'downgrade-deferred' then %(grace)s when 'tier-changed' then null
                              when 'tier-requalified' then null else d.grace_until end
from decided d where u.subject_id = d.subject_id
returning u.subject_id, d.q
"""


class DutyInSql:
    """The batch, on a connection of its own, where each statement commits by itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._found: dict[UUID, str] = {}
        connection.execute(_TABLES.encode())

    def take_over(self, batch: Unrecorded) -> dict[str, Any]:
        """Stand everybody where they stand; what of the model the statement needs."""
        standings = [
            (subject.subject_id, seen.standing.tier, seen.standing.grace_until)
            for subject in batch.work.subjects
            for seen in [subject.observation.schemes["value"][""]]
        ]
        with self._connection.cursor() as cursor:
            cursor.executemany(
                "insert into duty_users (subject_id, tier, grace_until) values (%s, %s, %s) on conflict (subject_id)"
                " do update set tier = excluded.tier, grace_until = excluded.grace_until",
                standings,
            )
        self._connection.execute("analyze duty_users")
        model = batch.work.forces["value"][-1].model
        scores = model.spec.scores
        cuts = {name: list(plan.cuts) for name, plan in scores.items() if isinstance(plan, CutScore)}
        return {**cuts, "tiers": list(model.tiers)}

    def __call__(self, subjects: Sequence[UUID], now: int, model: dict[str, Any]) -> None:
        """Decide these users as of the instant, and commit."""
        calendar = calendar_of("America/New_York")
        today = calendar.day_of(now)
        since = {f"from{days}": calendar.midnight_of(today - days + 1) for days in (30, 90, 180)}
        parameters = {
            "subjects": list(subjects),
            "now": now,
            "today": today,
            "grace": now + 30 * DAY_MICROS,
            **since,
            **model,
        }
        query = _BATCH.format(value=VALUE, best=len(model["r"]) + 1)
        self._found = dict(self._connection.execute(query.encode(), parameters, binary=True).fetchall())

    def check(self, decided: Unrecorded) -> None:
        """Both must have found the same qualified tiers. Raises AssertionError."""
        assert decided.result is not None
        for subject, one in zip(decided.work.subjects, decided.result.decided, strict=True):
            seen = one.observation.schemes["value"][""]
            assert self._found[subject.subject_id] == seen.qualified, msgspec.to_builtins(seen)
