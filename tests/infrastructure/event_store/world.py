"""A ledger with everything around it, and short ways to make what goes into it."""

from dataclasses import dataclass, field
from typing import Any

from domain.user_tier.decisions import NewEvent
from domain.user_tier.observation import Observation
from infrastructure.event_store.rows import EventRow, ObservationRow, seal_event, seal_observation
from infrastructure.event_store.subjects import SubjectRef, Subjects
from infrastructure.event_store.tail import LogTail
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring

TIER_CHANGED = "user-tier.tier-changed.v1"
MASTER_KEY = bytes(range(32))
ALL = range(8)


@dataclass
class World:
    dsn: str
    pool: Pool
    keyring: Keyring = field(default_factory=lambda: Keyring(MASTER_KEY))

    @property
    def subjects(self) -> Subjects:
        return Subjects(self.keyring)

    @property
    def tail(self) -> LogTail:
        return LogTail(self.pool, self.keyring)

    def enrol(self, *user_ids: str) -> list[SubjectRef]:
        with transaction(self.pool) as connection:
            refs = self.subjects.resolve_or_create(connection, user_ids, now=1)
        return [refs[user_id] for user_id in user_ids]

    def erase(self, ref: SubjectRef) -> None:
        with transaction(self.pool) as connection:
            connection.execute("delete from observations where subject_id = %s", (ref.subject_id,))
            connection.execute("delete from timelines where subject_id = %s", (ref.subject_id,))
            connection.execute("delete from subjects where subject_id = %s", (ref.subject_id,))

    def count(self, table: str = "events") -> int:
        with transaction(self.pool) as connection:
            row = connection.execute(f"select count(*) from {table}".encode()).fetchone()
        assert row is not None
        return int(row[0])


def event(ref: SubjectRef, version: int, **changes: Any) -> EventRow:
    """A sealed tier change."""
    fields: dict[str, Any] = {
        "subject_id": ref.subject_id,
        "version": version,
        "topic": TIER_CHANGED,
        "scheme": "value",
        "scope": "",
        "from_tier": None,
        "to_tier": "low",
        "effective_at": 1_000_000 * version,
        "actor": "evaluator",
        "command_id": "",
        "causation": "",
        "data": {"cause": "evaluation", "receipt": {"n": version}},
    }
    return seal_event(NewEvent(**{**fields, **changes}), ref.seal, recorded_at=2_000_000)


def observation(ref: SubjectRef, facts_seen: int = 1, through: int = 1) -> ObservationRow:
    """A sealed observation, told apart by facts_seen."""
    return seal_observation(Observation(facts_seen=facts_seen), ref.seal, through=through, decided_at=5, due_at=None)
