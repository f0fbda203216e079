"""Bulk grants in Postgres: their events in the log, and beside them the rows that workers and readers look up."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from threading import BoundedSemaphore
from typing import Any
from uuid import UUID, uuid4, uuid5

from psycopg import Connection
from psycopg.types.json import Jsonb

from application.bulk_grants.ports import BulkGrantView, BulkWanted, Listed, uuid_or_none
from domain.benefits.granting import GrantWanted, Terms, terms_of
from domain.benefits.granting import Held as NothingHeld
from domain.benefits.refusals import BenefitNotInForce, UnknownBenefit
from domain.benefits.spec import BenefitSpec
from domain.bulk_grants.aggregate import BulkGrant
from domain.bulk_grants.events import BulkGrantEvent, Resumed, RevertStarted, Started
from domain.bulk_grants.refusals import NobodyToGrant, UnknownBulkGrant
from domain.bulk_grants.terms import BulkTerms
from domain.facts.instants import format_instant
from domain.tier_model.version import By
from infrastructure.benefits.bulk_views import latest_views, view_of
from infrastructure.benefits.catalogue_rows import BUDGETS, IN_FORCE, BudgetRow, budgets_charged, offers_of
from infrastructure.event_store.application import Ledger
from infrastructure.postgres.pool import Pool, transaction

_NAMESPACE = UUID("5b1f3f0e-93d4-5a8b-8a34-6f0f6a4d9e21")
_LINES_AT_ONCE = 5_000
_FAULTS_KEPT = 1_000
_FAULTS_TOLD = 5
_SMALL, _PARTS = 2_000, 16
_BEFORE_ALL = UUID(int=0)
# A list may come slowly, and a large one takes its time; nobody waits for what it locks.
_NO_HASTE = "set local transaction_timeout = 0; set local idle_in_transaction_session_timeout = 0"
_ADD_MEMBERS = """
with found as (
    select l.line, l.user_id, u.subject_id
    from unnest(%(lines)s::bigint[], %(users)s::text[]) l (line, user_id) left join user_ids u using (user_id)
), added as (
    insert into bulk_grant_members (run_id, subject_id)
    select distinct %(run)s::uuid, subject_id from found where subject_id is not null order by 2
    on conflict do nothing returning 1
)
select (select count(*) from added), coalesce(array_agg(line order by line), '{}'),
       coalesce(array_agg(user_id order by line), '{}')
from found where subject_id is null
"""
_ADD = """
insert into bulk_grants (run_id, benefit, benefit_version, units, unit_cost, currency, reason, budgets, campaign,
                         source, people, unknown, faults, requested_by, requested_at, story, state)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'previewing')
"""
_ADD_PARTS = """
insert into bulk_grant_parts (run_id, part, after, until)
select %s, n - 1, after, until from unnest(%s::uuid[], %s::uuid[]) with ordinality p (after, until, n)
"""
_ALONE = "select pg_advisory_xact_lock(7320, hashtext(%s::text))"  # not the row alone: who share it would starve us
_LOCK = "select run_id from bulk_grants where run_id = %s for update"
_CHANGE = """
update bulk_grants set state = %s, because = %s, approvals_needed = %s, approved_by = %s, approvals_skipped = %s,
    story = story || %s
where run_id = %s
"""
_BEGUN = """
update bulk_grants set begun_at = clock_timestamp(),
    begun_done = (select sum(case when state = 'reverting' then looked_at else done end)
                  from bulk_grant_parts p where p.run_id = bulk_grants.run_id)
where run_id = %s
"""
_AGAIN = """
update bulk_grant_parts p set ended = false, looked_at = 0,
    after = coalesce((select q.until from bulk_grant_parts q where q.run_id = p.run_id and q.part = p.part - 1), %s)
where p.run_id = %s
"""
_PREVIEWED = "update bulk_grants set preview = %s where run_id = %s"
_CHANGES_AT_ONCE = 2


class PostgresBulkGrants:
    """Fulfils BulkGrantStore."""

    def __init__(self, pool: Pool, ledger: Ledger) -> None:
        self._pool, self._ledger = pool, ledger
        # A change reads its aggregate over a second connection: many at once would wait for each other for one.
        self._changing = BoundedSemaphore(_CHANGES_AT_ONCE)

    def plan(self, wanted: BulkWanted, listed: Iterable[Listed], actor: str, command_id: str) -> str:
        """See BulkGrantStore."""
        run_id = uuid5(_NAMESPACE, command_id) if command_id else uuid4()
        with transaction(self._pool) as connection:
            connection.execute(_NO_HASTE)
            if connection.execute(_LOCK, (run_id,)).fetchone() is not None:
                return str(run_id)
            now = _now(connection)
            terms = _terms(connection, wanted, now)
            people, unknown, faults = _fix_members(connection, run_id, listed)
            if not people:
                told = [f"line {f['line']}: {f['user_id']} {f['problem']}" for f in faults[:_FAULTS_TOLD]]
                raise NobodyToGrant("listed" in wanted.source, told)
            bulk = BulkGrant.plan(run_id, terms, people, By(now, actor, command_id))
            of_terms = (
                terms.benefit,
                terms.benefit_version,
                terms.units,
                terms.unit_cost,
                terms.currency,
                terms.reason,
            )
            more = (list(terms.budgets), terms.campaign, Jsonb(terms.source), people, unknown, Jsonb(faults))
            story = Jsonb([_story(event) for event in bulk.pending_events if isinstance(event, BulkGrantEvent)])
            connection.execute(_ADD, (run_id, *of_terms, *more, actor, now, story))
            bounds = _part_bounds(1 if people < _SMALL else _PARTS)
            connection.execute(_ADD_PARTS, (run_id, bounds[:-1], bounds[1:]))
            self._ledger.save_joined(connection, bulk)
        return str(run_id)

    @contextmanager
    def change(self, run_id: str) -> Iterator["LockedBulkGrant"]:
        """See BulkGrantStore."""
        asked = uuid_or_none(run_id)
        with self._changing, transaction(self._pool) as connection:
            if asked is not None:
                connection.execute(_ALONE, (asked,))
            if asked is None or connection.execute(_LOCK, (asked,)).fetchone() is None:
                raise UnknownBulkGrant(run_id)
            bulk = self._ledger.bulk_grant(asked)
            assert bulk is not None
            yield LockedBulkGrant(connection, self._ledger, bulk)

    def get(self, run_id: str) -> BulkGrantView:
        """See BulkGrantStore."""
        asked = uuid_or_none(run_id)
        with self._pool.connection() as connection:
            found = None if asked is None else view_of(connection, asked)
        if found is None:
            raise UnknownBulkGrant(run_id)
        return found

    def latest(self, after: str | None, size: int) -> tuple[list[BulkGrantView], str | None]:
        """See BulkGrantStore."""
        with self._pool.connection() as connection:
            return latest_views(connection, after, size)


class LockedBulkGrant:
    """Fulfils BulkChange."""

    def __init__(self, connection: Connection, ledger: Ledger, bulk_grant: BulkGrant) -> None:
        self.connection, self._ledger, self.bulk_grant = connection, ledger, bulk_grant

    def by(self, actor: str, command_id: str = "") -> By:
        """See BulkChange."""
        return By(_now(self.connection), actor, command_id)

    def save(self, bulk_grant: BulkGrant, preview: dict[str, Any] | None = None) -> int:
        """See BulkChange."""
        events = list(bulk_grant.pending_events)
        if not events:
            self.connection.rollback()
            return 0
        told = [_story(event) for event in events if isinstance(event, BulkGrantEvent)]
        standing = (bulk_grant.state, bulk_grant.because, bulk_grant.approvals_needed, list(bulk_grant.approved_by))
        self.connection.execute(_CHANGE, (*standing, bulk_grant.skipped, Jsonb(told), bulk_grant.id))
        if preview is not None:
            self.connection.execute(_PREVIEWED, (Jsonb(preview), bulk_grant.id))
        if any(isinstance(event, RevertStarted) for event in events):
            self.connection.execute(_AGAIN, (_BEFORE_ALL, bulk_grant.id))
        if any(isinstance(event, Started | Resumed | RevertStarted) for event in events):
            self.connection.execute(_BEGUN, (bulk_grant.id,))
        return self._ledger.save_joined(self.connection, bulk_grant)


def _part_bounds(parts: int) -> list[UUID]:
    """After which ids the parts begin, and up to which the last goes: subject ids are random, so parts are alike."""
    return [_BEFORE_ALL, *(UUID(int=((part + 1) << 128) // parts - 1) for part in range(parts))]


def _terms(connection: Connection, wanted: BulkWanted, now: int) -> BulkTerms:
    """By the version in force, on budgets that are open. Raises what the first grant would be refused for."""
    offers = offers_of(connection.execute(IN_FORCE, ([wanted.benefit],)).fetchall())
    if wanted.benefit not in offers:
        raise UnknownBenefit(wanted.benefit)
    offer = offers[wanted.benefit]
    if offer is None:
        raise BenefitNotInForce(wanted.benefit)
    rows = connection.execute(BUDGETS, (list(wanted.budgets), [wanted.benefit])).fetchall()
    terms_for_all(offer.spec, wanted.units, now)
    budgets_charged(offer.spec, wanted.budgets, {row[0]: BudgetRow(*row) for row in rows}, now)
    spec = offer.spec
    of_benefit = (wanted.benefit, offer.version, wanted.units, spec.unit_cost, spec.currency)
    return BulkTerms(*of_benefit, wanted.source, wanted.reason, wanted.budgets, wanted.campaign)


def terms_for_all(spec: BenefitSpec, units: int, now: int) -> Terms:
    """What the benefit says of everybody at an instant. Raises GrantEndsInPast, GrantRequestInvalid."""
    anybody = {scheme: tiers[0] for scheme, tiers in spec.entitlement.items()}
    free = spec.model_copy(update={"caps": type(spec.caps)()})
    return terms_of(free, GrantWanted("", "", spec.benefit, units), anybody, NothingHeld(), now)


def _fix_members(
    connection: Connection, run_id: UUID, listed: Iterable[Listed]
) -> tuple[int, int, list[dict[str, Any]]]:
    """Members, lines that name nobody, and the first of them."""
    people, unknown, lines = 0, 0, iter(listed)
    faults: list[dict[str, Any]] = []
    while chunk := list(islice(lines, _LINES_AT_ONCE)):
        named = [one for one in chunk if not one.problem]
        given = {"run": run_id, "lines": [one.line for one in named], "users": [one.user_id for one in named]}
        row = connection.execute(_ADD_MEMBERS, given).fetchone()
        assert row is not None
        added, unknown_lines, unknown_users = row
        wrong = [(one.line, one.user_id, one.problem) for one in chunk if one.problem]
        wrong += [(line, user, "is not known") for line, user in zip(unknown_lines, unknown_users, strict=True)]
        people, unknown = people + added, unknown + len(wrong)
        kept = sorted(wrong)[: max(_FAULTS_KEPT - len(faults), 0)]
        faults += [{"line": line, "user_id": user[:200], "problem": problem} for line, user, problem in kept]
    return people, unknown, faults


def _story(event: BulkGrantEvent) -> dict[str, Any]:
    """A line of what was done."""
    told = {"what": type(event).TOPIC.split(".")[1], "by": event.actor, "at": format_instant(event.effective_at)}
    why = getattr(event, "reason", "") or getattr(event, "note", "") or getattr(event, "problem", "")
    return told | ({"why": why} if why else {})


def _now(connection: Connection) -> int:
    row = connection.execute("select tierline_now()").fetchone()
    assert row is not None
    return int(row[0])
