"""Bulk grants as they are shown, with how far they are."""

from typing import Any
from uuid import UUID

from msgspec.structs import replace
from psycopg import Connection

from application.bulk_grants.ports import BulkGrantView, Progress, uuid_or_none
from application.queries import CursorInvalid

_COLUMNS = """
b.run_id, b.benefit, b.benefit_version, b.units, b.unit_cost, b.currency, b.reason, b.budgets, b.campaign, b.source,
b.people, b.unknown, b.faults, b.requested_by, b.requested_at, b.state, b.because, b.preview, b.approvals_needed,
b.approved_by, b.approvals_skipped, b.story,
p.granted, p.done, p.cost, p.looked_at, p.reverted, p.reverted_units,
case when p.kept_at > b.begun_at then
    ((case when b.state in ('reverting', 'reverted') then p.looked_at else p.done end) - b.begun_done)
    / extract(epoch from p.kept_at - b.begun_at) end
"""
_FROM = """
bulk_grants b cross join lateral (
    select sum(granted)::bigint as granted, sum(done)::bigint as done, sum(cost)::bigint as cost,
           sum(looked_at)::bigint as looked_at, sum(reverted)::bigint as reverted,
           sum(reverted_units)::bigint as reverted_units, max(kept_at) as kept_at
    from bulk_grant_parts p where p.run_id = b.run_id
) p
"""
_ONE = f"select {_COLUMNS} from {_FROM} where b.run_id = %s"
_LATEST = f"""
select {_COLUMNS} from {_FROM}
where %(at)s::bigint is null or (b.requested_at, b.run_id) < (%(at)s, %(id)s::uuid)
order by b.requested_at desc, b.run_id desc limit %(limit)s
"""
_NAMES = "select subject_id, min(user_id) from user_ids where subject_id = any(%s) group by subject_id"
_SKIPPED = "select reason, count(*) from bulk_grant_skips where run_id = %s group by reason order by 2 desc, 1"


def view_of(connection: Connection, run_id: UUID) -> BulkGrantView | None:
    """One; None when there is none."""
    row = connection.execute(_ONE, (run_id,)).fetchone()
    if row is None:
        return None
    view = _view(row, dict(connection.execute(_SKIPPED, (run_id,)).fetchall()))
    return replace(view, preview=_named(connection, view.preview))


def latest_views(connection: Connection, after: str | None, size: int) -> tuple[list[BulkGrantView], str | None]:
    """See BulkGrantStore.latest."""
    at, last_id = _opened(after)
    rows = connection.execute(_LATEST, {"at": at, "id": last_id, "limit": size + 1}).fetchall()
    views = [replace(_view(row, {}), preview=None, faults=[]) for row in rows[:size]]
    return views, f"{views[-1].planned_at}-{views[-1].run_id}" if len(rows) > size else None


def _view(row: Any, skipped: dict[str, int]) -> BulkGrantView:
    terms: list[Any] = [*row[1:22]]
    granted, done, cost, looked_at, reverted, units, a_second = row[22:]
    rate = None if a_second is None else round(float(a_second), 1)
    progress = Progress(granted, skipped, row[10] - done, cost, rate, looked_at, reverted, units)
    return BulkGrantView(*(str(row[0]), *terms, progress))


def _named(connection: Connection, preview: dict[str, Any] | None) -> dict[str, Any] | None:
    """Its sample with the users' names of now: of whom everything was erased there is none."""
    if preview is None or "sample" not in preview:
        return preview
    subjects = [UUID(one["subject"]) for one in preview["sample"]]
    names: dict[UUID, str] = dict(connection.execute(_NAMES, (subjects,)).fetchall())
    sample = [{"user_id": names.get(UUID(one["subject"])), **one} for one in preview["sample"]]
    return preview | {"sample": [{key: one[key] for key in one if key != "subject"} for one in sample]}


def _opened(cursor: str | None) -> tuple[int | None, UUID | None]:
    if cursor is None:
        return None, None
    at, _, run_id = cursor.partition("-")
    found = uuid_or_none(run_id)
    if found is None or not at.isdecimal():
        raise CursorInvalid(cursor)
    return int(at), found
