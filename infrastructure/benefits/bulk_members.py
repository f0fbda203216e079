"""Members of a bulk grant as they stand now: who gets it, and why others do not. What all share is looked up once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.benefits.granting import Held, cap_starts, require_entitled, require_room
from domain.benefits.refusals import BenefitNotInForce, CapReached, NotEntitled
from domain.bulk_grants.terms import BulkTerms
from domain.facts.history import SubjectInHistory
from domain.refusal import Refusal
from domain.user_tier.observation import decode_tiers
from infrastructure.benefits import holders
from infrastructure.benefits.bulk_store import terms_for_all
from infrastructure.benefits.catalogue_rows import BUDGETS, IN_FORCE, BudgetRow, Offer, budgets_charged, offers_of
from infrastructure.benefits.holders import Holder, holders_of
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_OBSERVATION

_OBSERVED = "select subject_id, body from observations where subject_id = any(%b)"
_MERGED = "select subject_id from timelines where subject_id = any(%b) and merged_into is not null"
_HAD = """
select g.subject_id, g.granted_at, g.units - g.released
from grants g join benefits b on b.benefit = g.benefit and b.status = 'active' and b.spec ? 'caps'
where g.subject_id = any(%b) and g.benefit = any(%b)
"""


class AnotherVersion(Exception):
    """Another version of the benefit is in force than the one that was previewed and approved."""

    def __init__(self, benefit: str, planned: int, found: int) -> None:
        super().__init__(
            f"version {found} of {benefit!r} is in force, and version {planned} was planned: cancel it and plan anew, "
            f"or activate version {planned} and resume"
        )


@dataclass(frozen=True, slots=True)
class Shared:
    """What holds for all members at one instant. charges: (account, amount) of each grant, by account.

    periods: allowances of accounts that may not be there yet.
    """

    terms: BulkTerms
    offer: Offer
    budgets: Sequence[BudgetRow]
    charges: Sequence[tuple[str, int]]
    periods: Mapping[str, int]


@dataclass(slots=True)
class Members:
    """Some of them, as read together. undecided: about whom something is due; skips: subject, reason, what about."""

    at: holders.Terms
    shared: Shared
    getting: list[tuple[Holder, dict[str, str]]] = field(default_factory=list)
    undecided: list[UUID] = field(default_factory=list)
    skips: list[tuple[UUID, str, str]] = field(default_factory=list)


def read_members(
    connection: Connection, keyring: Keyring, terms: BulkTerms, ids: Sequence[UUID], *, lock: bool
) -> Members:
    """One round trip. lock: hold their timelines until the transaction ends.

    Raises AnotherVersion, and the refusals of domain.benefits that hold for everybody.
    """
    wanted, benefits = list(ids), [terms.benefit]
    query = holders.LOCK_MANY if lock else holders.READ_MANY
    with connection.pipeline():
        rows = connection.execute(query.encode(), (wanted,), binary=True)
        clock = connection.execute(holders.TERMS, binary=True)
        observed = connection.execute(_OBSERVED, (wanted,), binary=True)
        had = connection.execute(_HAD, (wanted, benefits), binary=True)
        offered = connection.execute(IN_FORCE, (benefits,), binary=True)
        charged = connection.execute(BUDGETS, (list(terms.budgets), benefits), binary=True)
    row = clock.fetchone()
    assert row is not None
    at = holders.Terms(*row)
    offer = offers_of(offered.fetchall()).get(terms.benefit)
    members = Members(at, _shared(terms, offer, charged.fetchall(), at.now))
    bodies: dict[UUID, bytes] = dict(observed.fetchall())
    held = _held(had.fetchall(), cap_starts(members.shared.offer.spec, at.now))
    found = holders_of(rows.fetchall(), keyring).values()
    there = {holder.subject_id for holder in found}
    if lost := [subject_id for subject_id in wanted if subject_id not in there]:
        merged = {row[0] for row in connection.execute(_MERGED, (lost,), binary=True).fetchall()}
        members.skips += [(subject_id, "merged" if subject_id in merged else "erased", "") for subject_id in lost]
    for holder in found:
        _place(members, holder, bodies.get(holder.subject_id), held.get(holder.subject_id, _NOTHING))
    return members


def _shared(terms: BulkTerms, offer: Offer | None, budget_rows: Sequence[tuple[Any, ...]], now: int) -> Shared:
    if offer is None:
        raise BenefitNotInForce(terms.benefit)
    if offer.version != terms.benefit_version:
        raise AnotherVersion(terms.benefit, terms.benefit_version, offer.version)
    budgets = budgets_charged(offer.spec, terms.budgets, {row[0]: BudgetRow(*row) for row in budget_rows}, now)
    cost = terms_for_all(offer.spec, terms.units, now).cost
    charges = [(row.account(now), cost) for row in budgets]
    if offer.spec.stock is not None:
        charges.append((f"stock:{terms.benefit}", terms.units))
    return Shared(
        terms, offer, budgets, sorted(charges), {row.account(now): row.amount for row in budgets if row.period}
    )


def _place(members: Members, holder: Holder, body: bytes | None, held: Held) -> None:
    subject_id, seal, shared = holder.subject_id, holder.seal, members.shared
    spec = shared.offer.spec
    if seal is None:
        members.skips.append((subject_id, "erased", ""))
        return
    tiers = decode_tiers(seal.unseal(CONTEXT_OBSERVATION, body)) if body is not None else {}
    try:
        if not holder.is_decided(members.at):
            members.undecided.append(subject_id)
            return
        require_entitled(spec, tiers)
        require_room(spec, shared.terms.units, held)
    except SubjectInHistory:
        members.skips.append((subject_id, "in-history", ""))
    except NotEntitled as refusal:
        members.skips.append((subject_id, "not-entitled", _blamed(refusal)))
    except CapReached:
        members.skips.append((subject_id, "cap-reached", str(held.units)))
    else:
        members.getting.append((holder, tiers))


def _blamed(refusal: Refusal) -> str:
    blamed = refusal.complaints[0]
    return f"{blamed.field.removeprefix('tiers.')}={blamed.value or ''}"


def _held(rows: Sequence[tuple[Any, ...]], since: int | None) -> dict[UUID, Held]:
    found: dict[UUID, list[int]] = {}
    for subject_id, granted_at, units in rows:
        sums = found.setdefault(subject_id, [0, 0])
        sums[0] += units
        sums[1] += units if since is not None and granted_at >= since else 0
    return {subject_id: Held(*sums) for subject_id, sums in found.items()}


_NOTHING = Held()
