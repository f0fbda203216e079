"""Users before strategies: their timelines under lock, and all that it is decided from whether they are taken in."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from domain.strategies.admission import Live, Person
from domain.user_tier.observation import Observation, decode_observation
from infrastructure.benefits import holders
from infrastructure.benefits.holders import Holder, holders_of
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_OBSERVATION
from infrastructure.tier_models.in_force import LOCK_SHARED

_OBSERVED = "select subject_id, body from observations where subject_id = any(%b)"
_LIVE = "select subject_id, strategy, group_name from assignments where subject_id = any(%b) and ended_at is null"
_BEFORE = """
select subject_id, strategy, assigned_at from assignments
where subject_id = any(%b) and strategy = any(%b) and assigned_at > tierline_peek() - %b
"""
_THERE = "select assignment_id, arm, holdout from assignments where assignment_id = any(%b)"


class Earlier(NamedTuple):
    """An assignment that a cause has already led to."""

    arm: str | None
    holdout: str


@dataclass(slots=True)
class People:
    """Subjects by id. live: what goes on, and (as it is decided) what is about to."""

    terms: holders.Terms
    holders: Mapping[UUID, Holder]
    bodies: Mapping[UUID, bytes]
    live: dict[UUID, list[Live]]
    before: dict[tuple[UUID, str], list[int]]
    there: Mapping[UUID, Earlier]
    _observations: dict[UUID, Observation] = field(default_factory=dict)

    def person(self, holder: Holder, strategy: str) -> Person:
        """As a strategy sees them. The holder is not erased."""
        subject_id = holder.subject_id
        live, before = self.live.get(subject_id, ()), self.before.get((subject_id, strategy), ())
        return Person(subject_id, self.observation(holder), live, before)

    def observation(self, holder: Holder) -> Observation:
        """The current one; an empty one before the first."""
        found = self._observations.get(holder.subject_id)
        if found is None:
            body, seal = self.bodies.get(holder.subject_id), holder.seal
            found = decode_observation(seal.unseal(CONTEXT_OBSERVATION, body)) if body and seal else Observation()
            self._observations[holder.subject_id] = found
        return found

    def undecided(self, subject_ids: Iterable[UUID]) -> list[Holder]:
        """Those about whom something is due. Raises SubjectInHistory."""
        known = (self.holders.get(subject_id) for subject_id in dict.fromkeys(subject_ids))
        return [holder for holder in known if holder is not None and holder.seal and not holder.is_decided(self.terms)]


def read_people(
    connection: Connection,
    keyring: Keyring,
    subject_ids: Collection[UUID],
    *,
    capped: Sequence[str] = (),
    within: int = 0,
    assignment_ids: Sequence[UUID] = (),
) -> People:
    """One round trip; the subjects stay locked until the transaction ends.

    capped: strategies whose earlier assignments matter, those of the last `within` microseconds. assignment_ids: those
    that may be there already.
    """
    ids = sorted(set(subject_ids))
    with connection.pipeline():
        connection.execute(LOCK_SHARED)
        locked = connection.execute(holders.LOCK_SUBJECTS, (ids,), binary=True)
        terms = connection.execute(holders.TERMS, binary=True)
        observed = connection.execute(_OBSERVED, (ids,), binary=True)
        live = connection.execute(_LIVE, (ids,), binary=True)
        there = connection.execute(_THERE, (list(assignment_ids),), binary=True)
        before = connection.execute(_BEFORE, (ids, list(capped), within), binary=True) if capped else None
    row = terms.fetchone()
    assert row is not None
    by_name = holders_of(locked.fetchall(), keyring)
    return People(
        holders.Terms(*row),
        {holder.subject_id: holder for holder in by_name.values()},
        dict(observed.fetchall()),
        _grouped((subject_id, Live(strategy, group)) for subject_id, strategy, group in live.fetchall()),
        _grouped(((subject, name), at) for subject, name, at in before.fetchall()) if before is not None else {},
        {assignment_id: Earlier(arm, holdout) for assignment_id, arm, holdout in there.fetchall()},
    )


def _grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
