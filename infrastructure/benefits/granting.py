"""Grants in one transaction: holders locked and read, each decided, all charged and recorded with the commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from application.benefits.ports import Outcome, Recorded, Undecided
from application.queries import UnknownUser
from domain.benefits.grant import Grant
from domain.benefits.granting import GRANTED, GrantWanted, Held, Terms, cap_starts, granted_data, standing_of, terms_of
from domain.benefits.refusals import (
    BenefitNotInForce,
    BudgetExhausted,
    GrantingStopped,
    StockExhausted,
    UnknownBenefit,
)
from domain.benefits.spec import BenefitSpec
from domain.refusal import Refusal
from domain.user_tier.decisions import NewEvent
from domain.user_tier.observation import Observation, decode_observation
from infrastructure.benefits import holders
from infrastructure.benefits.catalogue_rows import (
    ADD_PERIODS,
    BUDGETS,
    IN_FORCE,
    BudgetRow,
    Offer,
    budgets_charged,
    offers_of,
)
from infrastructure.benefits.grant_rows import READ, grant_of, uuid_of
from infrastructure.benefits.holders import Holder, holders_of
from infrastructure.event_store.rows import seal_event
from infrastructure.postgres.commit_with import commit_with
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_OBSERVATION
from infrastructure.tier_models.in_force import LOCK_SHARED

_OBSERVED = """
select subject_id, body from observations where subject_id in (select subject_id from user_ids where user_id = any(%b))
"""
_HAD = """
select g.subject_id, g.benefit, g.granted_at, g.units - g.released
from grants g join benefits b on b.benefit = g.benefit and b.status = 'active' and b.spec ? 'caps'
where g.subject_id in (select subject_id from user_ids where user_id = any(%b)) and g.benefit = any(%b)
"""
_GRANT = """
select * from grant_benefits(
    %b::uuid[], %b::integer[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::bytea[], %b::uuid[], %b::text[],
    %b::integer[], %b::text[], %b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
    %b::text[], %b::uuid[], %b::bytea[], %b::bigint[], %b::text[], %b::integer[], %b::integer[], %b::bigint[])
"""


@dataclass(slots=True)
class _Read:
    """All that the grants of one transaction are decided from."""

    terms: holders.Terms
    holders: Mapping[str, Holder]
    observations: Mapping[UUID, bytes]
    there: Mapping[str, tuple[UUID, Grant]]
    offers: Mapping[str, Offer | None]
    budgets: Mapping[str, BudgetRow]
    had: Mapping[tuple[UUID, str], list[tuple[int, int]]]


@dataclass(slots=True)
class _Plan:
    """What is to be written. accounts: names and allowances of those that may not be there yet, by name."""

    wanted: list[int] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    charges: list[list[tuple[str, int]]] = field(default_factory=list)
    periods: dict[str, int] = field(default_factory=dict)


def grant_together(connection: Connection, keyring: Keyring, wanted: Sequence[GrantWanted]) -> list[Outcome]:
    """An outcome each, in order. A further grant of one subject has a transaction of its own, after the first."""
    outcomes: list[Outcome | None] = [None] * len(wanted)
    waiting = list(range(len(wanted)))
    while waiting:
        waiting = _round(connection, keyring, wanted, waiting, outcomes)
    return [outcome for outcome in outcomes if outcome is not None]


def _round(
    connection: Connection,
    keyring: Keyring,
    wanted: Sequence[GrantWanted],
    waiting: Sequence[int],
    outcomes: list[Outcome | None],
) -> list[int]:
    """One transaction; answers who has to wait for the next, because another grant of the same subject came first."""
    read = _read(connection, keyring, [wanted[number] for number in waiting])
    plan, later, subjects = _Plan(), [], set()
    for number in waiting:
        holder = read.holders.get(wanted[number].user_id)
        if holder is not None and holder.subject_id in subjects:
            later.append(number)
            continue
        if holder is not None:
            subjects.add(holder.subject_id)
        try:
            outcomes[number] = _decide(number, wanted[number], holder, read, plan)
        except Refusal as refusal:
            outcomes[number] = refusal
    _write(connection, plan, wanted, outcomes)
    return later


def _read(connection: Connection, keyring: Keyring, wanted: Sequence[GrantWanted]) -> _Read:
    """One round trip. Holders stay locked until the transaction ends."""
    users = list({one.user_id for one in wanted if "\0" not in one.user_id})
    ids, names = [uuid_of(one.grant_id) for one in wanted], list({one.benefit for one in wanted})
    named = list({budget for one in wanted for budget in one.budgets})
    with connection.pipeline():
        connection.execute(holders.PLAN_ONCE)
        connection.execute(LOCK_SHARED)
        locked = connection.execute(holders.LOCK_USERS, (users,), binary=True)
        terms = connection.execute(holders.TERMS, binary=True)
        observed = connection.execute(_OBSERVED, (users,), binary=True)
        there = connection.execute(READ, (ids,), binary=True)
        offered = connection.execute(IN_FORCE, (names,), binary=True)
        budgets = connection.execute(BUDGETS, (named, names), binary=True)
        held = connection.execute(_HAD, (users, names), binary=True)
    known = holders_of(locked.fetchall(), keyring)
    # Who was merged into another while we waited for the lock is the other by now.
    if lost := [user for user in users if user not in known]:
        found = connection.execute(holders.LOCK_USERS, (lost,), binary=True).fetchall()
        known |= holders_of(found, keyring)
    had: dict[tuple[UUID, str], list[tuple[int, int]]] = {}
    for subject_id, benefit, granted_at, units in held.fetchall():
        had.setdefault((subject_id, benefit), []).append((granted_at, units))
    row = terms.fetchone()
    assert row is not None
    return _Read(
        holders.Terms(*row),
        known,
        dict(observed.fetchall()),
        {grant.grant_id: (subject_id, grant) for subject_id, grant in _grants(there.fetchall())},
        offers_of(offered.fetchall()),
        {row[0]: BudgetRow(*row) for row in budgets.fetchall()},
        had,
    )


def _grants(rows: Sequence[tuple[Any, ...]]) -> list[tuple[UUID, Grant]]:
    return [(row[0], grant_of(row[1:])) for row in rows]


def _decide(number: int, wanted: GrantWanted, holder: Holder | None, read: _Read, plan: _Plan) -> Outcome | None:
    """The outcome, or None when it is in the plan. Raises the refusals of domain.benefits, UnknownUser."""
    if holder is None or holder.seal is None:
        raise UnknownUser(wanted.user_id)
    if wanted.grant_id in read.there:
        return Recorded(wanted.user_id, read.there[wanted.grant_id][1], 0, replayed=True)
    if not holder.is_decided(read.terms):
        return Undecided(wanted.user_id)
    if wanted.benefit not in read.offers:
        raise UnknownBenefit(wanted.benefit)
    offer = read.offers[wanted.benefit]
    if offer is None:
        raise BenefitNotInForce(wanted.benefit)
    body, instant, spec = read.observations.get(holder.subject_id), holder.instant(read.terms), offer.spec
    observation = decode_observation(holder.seal.unseal(CONTEXT_OBSERVATION, body)) if body else Observation()
    held = _held(read.had.get((holder.subject_id, wanted.benefit), ()), cap_starts(spec, instant))
    terms = terms_of(spec, wanted, standing_of(observation), held, instant)
    budgets = budgets_charged(spec, wanted.budgets, read.budgets, instant)
    plan.wanted.append(number)
    plan.charges.append(_charges(plan, offer.spec, budgets, terms, wanted, instant))
    plan.grants.append(_grant(wanted, offer, terms, instant))
    data = granted_data(spec, offer.version, wanted, terms, [row.budget for row in budgets])
    plan.rows.append(_row(wanted, offer, holder, terms, data, instant))
    return None


def _held(had: Sequence[tuple[int, int]], since: int | None) -> Held:
    in_period = 0 if since is None else sum(units for granted_at, units in had if granted_at >= since)
    return Held(sum(units for _, units in had), in_period)


def _charges(
    plan: _Plan, spec: BenefitSpec, budgets: Sequence[BudgetRow], terms: Terms, wanted: GrantWanted, instant: int
) -> list[tuple[str, int]]:
    charges = [(row.account(instant), terms.cost) for row in budgets]
    plan.periods |= {row.account(instant): row.amount for row in budgets if row.period}
    if spec.stock is not None:
        charges.append((f"stock:{spec.benefit}", wanted.units))
    return charges


def _grant(wanted: GrantWanted, offer: Offer, terms: Terms, instant: int) -> Grant:
    return Grant(
        grant_id=wanted.grant_id,
        benefit=wanted.benefit,
        version=offer.version,
        kind=offer.spec.kind,
        units=wanted.units,
        redeemed=0,
        released=0,
        reclaimed=0,
        times=0,
        unit_cost=offer.spec.unit_cost,
        currency=offer.spec.currency,
        status="open",
        granted_at=instant,
        expires_at=terms.expires_at,
        ended_at=None,
        cause=wanted.cause,
        campaign=wanted.campaign,
        strategy=wanted.strategy,
        assignment_id=wanted.assignment_id,
        run_id=wanted.run_id,
    )


def _row(
    wanted: GrantWanted, offer: Offer, holder: Holder, terms: Terms, data: dict[str, Any], instant: int
) -> tuple[Any, ...]:
    """In the order of the function's arrays."""
    assert holder.seal is not None
    version = holder.next_version()
    told = (wanted.actor, wanted.command_id, wanted.causation)
    event = NewEvent(holder.subject_id, version, GRANTED, "", "", None, None, instant, *told, data)
    spec = offer.spec
    return (
        holder.subject_id,
        version,
        instant,
        *told,
        seal_event(event, holder.seal, instant).state,
        uuid_of(wanted.grant_id),
        wanted.benefit,
        offer.version,
        spec.kind,
        wanted.units,
        spec.unit_cost,
        spec.currency,
        msgspec.json.encode(terms.tiers).decode(),
        wanted.cause,
        wanted.campaign,
        wanted.strategy,
        wanted.assignment_id,
        None if wanted.run_id is None else UUID(wanted.run_id),
        holder.seal.digest(wanted.order_id.encode()) if wanted.order_id else None,
        terms.expires_at,
    )


def _write(connection: Connection, plan: _Plan, wanted: Sequence[GrantWanted], outcomes: list[Outcome | None]) -> None:
    """With the commit. What an account has no room for becomes its refusal."""
    if not plan.rows:
        connection.rollback()
        return
    names = sorted({account for charges in plan.charges for account, _ in charges})
    place = {name: number for number, name in enumerate(names, 1)}
    flat = [charge for charges in plan.charges for charge in charges]
    ends, end = [], 0
    for charges in plan.charges:
        end += len(charges)
        ends.append(end)
    columns = [list(column) for column in zip(*plan.rows, strict=True)]
    parameters = [*columns, names, ends, [place[name] for name, _ in flat], [amount for _, amount in flat]]
    before = [(ADD_PERIODS, (list(plan.periods), list(plan.periods.values())))] if plan.periods else []
    found, last = commit_with(connection, *before, (_GRANT, parameters))
    position = last - sum(code == 0 for code in found)
    for number, code, grant in zip(plan.wanted, found, plan.grants, strict=True):
        if code == 0:
            position += 1
            outcomes[number] = Recorded(wanted[number].user_id, grant, position, grant.units)
        else:
            outcomes[number] = _refused(code, flat, grant)


def _refused(code: int, charges: Sequence[tuple[str, int]], grant: Grant) -> Refusal:
    if code < 0:
        return GrantingStopped(grant.benefit)
    account, amount = charges[code - 1]
    kind, _, name = account.partition(":")
    return StockExhausted(name, amount) if kind == "stock" else BudgetExhausted(name, amount, grant.currency)
