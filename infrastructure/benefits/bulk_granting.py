"""A chunk of a bulk grant in one transaction: what all grants share is looked up, encoded and sent once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import msgspec
from psycopg import Connection

from domain.benefits.granting import GRANTED, GrantWanted, Terms, granted_data
from domain.benefits.periods import end_of_grant
from domain.bulk_grants.terms import BulkTerms
from infrastructure.benefits.bulk_members import Members, Shared, read_members
from infrastructure.benefits.catalogue_rows import ADD_PERIODS
from infrastructure.event_store.catalogue import CATALOGUE
from infrastructure.postgres.commit_with import commit_with
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_EVENT

_GRANT = """
select * from grant_in_bulk(
    %b::uuid, %b::integer, %b::uuid, %b::boolean, %b::text, %b::integer, %b::text, %b::bigint, %b::bigint, %b::text,
    %b::text, %b::text, %b::text, %b::text[], %b::bigint[], %b::uuid[], %b::integer[], %b::bigint[], %b::bytea[],
    %b::uuid[], %b::text[], %b::bigint[], %b::uuid[], %b::text[], %b::text[])
"""
_encode = msgspec.msgpack.Encoder().encode
_to_json = msgspec.json.Encoder().encode


class Place(NamedTuple):
    """Where a bulk grant is worked on: a part of it. actor: in whose name; ids: the next members, is_last: no more."""

    run_id: UUID
    part: int
    actor: str
    ids: Sequence[UUID]
    is_last: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """What became of one. stopped: why nothing was done; undecided: who has to be decided first, nothing was done.

    held: for how long the order lock was, up to the commit, seconds.
    """

    stopped: str | None = None
    undecided: Sequence[UUID] = field(default_factory=list)
    granted: int = 0
    position: int = 0
    held: float = 0.0


def grant_id_in(run_id: UUID, subject_id: UUID) -> UUID:
    """Of a member's grant: the same however often it is tried."""
    return uuid5(run_id, subject_id.hex)


def grant_chunk(
    connection: Connection, keyring: Keyring, terms: BulkTerms, place: Place, hopeless: Collection[UUID]
) -> Chunk:
    """Grant, skip and count, and commit. hopeless: skipped if they are undecided still.

    Raises AnotherVersion, and the refusals of domain.benefits that hold for everybody: nothing is done then.
    """
    members = read_members(connection, keyring, terms, place.ids, lock=True)
    undecided = [subject_id for subject_id in members.undecided if subject_id not in hopeless]
    if undecided:
        connection.rollback()
        return Chunk(undecided=undecided)
    members.skips += [(subject_id, "undecided", "") for subject_id in members.undecided]
    periods = members.shared.periods
    before = [(ADD_PERIODS, (list(periods), list(periods.values())))] if periods else []
    parameters = _parameters(terms, place, members)
    stopped, granted, position, held = commit_with(connection, *before, (_GRANT, parameters))
    return Chunk(stopped, granted=granted or 0, position=position or 0, held=held or 0.0)


def _parameters(terms: BulkTerms, place: Place, members: Members) -> list[Any]:
    shared = members.shared
    spec = shared.offer.spec
    last = place.ids[-1] if place.ids else None
    names, amounts = [name for name, _ in shared.charges], [amount for _, amount in shared.charges]
    of_benefit = (terms.benefit, shared.offer.version, spec.kind, terms.units, spec.unit_cost, spec.currency)
    told = (terms.campaign, place.actor, command_of(place.run_id))
    skips = [list(column) for column in zip(*members.skips, strict=True)] or [[], [], []]
    at = (place.run_id, place.part, last, place.is_last)
    return [*at, *of_benefit, *told, names, amounts, *_columns(terms, place, members), *skips]


def command_of(run_id: UUID) -> str:
    """How events name what they were recorded for."""
    return f"bulk-grant/{run_id}"


def _columns(terms: BulkTerms, place: Place, members: Members) -> list[list[Any]]:
    """subject, version, instant, state, grant, tiers, expiry: of each that gets it."""
    columns: list[list[Any]] = [[], [], [], [], [], [], []]
    subjects, versions, instants, states, grant_ids, tiers_of, expiries = columns
    data, ends, texts = _shared_data(terms, place, members.shared), dict[int, int | None](), dict[str, str]()
    for holder, tiers in members.getting:
        assert holder.seal is not None
        grant_id, instant = grant_id_in(place.run_id, holder.subject_id), holder.instant(members.at)
        if instant not in ends:
            ends[instant] = end_of_grant(members.shared.offer.spec, instant)
        data["grant_id"], data["expires_at"], data["tiers"] = grant_id.hex, ends[instant], tiers
        if not subjects:  # all have the same shape
            CATALOGUE.check(GRANTED, data)
        key = repr(tiers)
        if key not in texts:
            texts[key] = _to_json(tiers).decode()
        subjects.append(holder.subject_id)
        versions.append(holder.next_version())
        instants.append(instant)
        states.append(holder.seal.seal(CONTEXT_EVENT, _encode(data)))
        grant_ids.append(grant_id)
        tiers_of.append(texts[key])
        expiries.append(ends[instant])
    return columns


def _shared_data(terms: BulkTerms, place: Place, shared: Shared) -> dict[str, Any]:
    """The event's own fields, those of the single grant left open."""
    wanted = GrantWanted(
        "",
        "",
        terms.benefit,
        terms.units,
        terms.reason,
        cause="bulk",
        campaign=terms.campaign,
        run_id=str(place.run_id),
    )
    spec = shared.offer.spec
    of_each = Terms(None, terms.units * spec.unit_cost, {})
    data: dict[str, Any] = granted_data(
        spec, shared.offer.version, wanted, of_each, [row.budget for row in shared.budgets]
    )
    return data
