"""A real log to project: subjects, their observations and their transitions, written by the event store itself."""

from collections.abc import Mapping
from uuid import UUID

from domain.user_tier.decisions import NewEvent
from domain.user_tier.observation import Observation, SchemeObservation, Standing
from infrastructure.event_store.append import AppendBatch, append
from infrastructure.event_store.rows import EventRow, ObservationRow, seal_event, seal_observation
from infrastructure.event_store.subjects import Subjects
from infrastructure.event_store.tail import LogTail
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
HOUR = 3_600_000_000
SHOP = '50% off/tea\x1f\x1e"house"'  # whatever text facts may bring
_A_TRANSACTION = 500


class WrittenLog:
    """Decides users one instant after the other."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.keyring = Keyring(b"k" * 32)
        self.tail = LogTail(pool, self.keyring)
        self.now = START
        self._tiers: dict[str, str] = {}
        self._versions: dict[UUID, int] = {}

    def decide(self, tiers: Mapping[str, str]) -> int:
        """Every user named stands on its tier of the scheme `value` from now on. Returns the log's last position."""
        self.now += HOUR
        position, users = 0, sorted(tiers)
        for start in range(0, len(users), _A_TRANSACTION):
            position = self._decide({user: tiers[user] for user in users[start : start + _A_TRANSACTION]})
        return position

    def subject_of(self, user_id: str) -> UUID:
        """The subject behind a user id."""
        with transaction(self.pool) as connection:
            return Subjects(self.keyring).resolve(connection, [user_id])[user_id].subject_id

    def also_known_as(self, user_id: str, other: str) -> None:
        """Another user id of the same subject."""
        subject_id = self.subject_of(user_id)
        with transaction(self.pool) as connection:
            connection.execute("insert into user_ids (user_id, subject_id) values (%s, %s)", (other, subject_id))

    def _decide(self, tiers: Mapping[str, str]) -> int:
        events: list[EventRow] = []
        observations: list[ObservationRow] = []
        with transaction(self.pool) as connection:
            refs = Subjects(self.keyring).resolve_or_create(connection, tiers, self.now)
            for number, (user_id, tier) in enumerate(sorted(tiers.items())):
                ref = refs[user_id]
                event = self._event(ref.subject_id, self._tiers.get(user_id), tier)
                events.append(seal_event(event, ref.seal, self.now))
                observed = observation(tier, self.now, event.version, number)
                observations.append(seal_observation(observed, ref.seal, through=1, decided_at=self.now, due_at=None))
                self._tiers[user_id] = tier
            return append(connection, AppendBatch(events, observations))

    def _event(self, subject_id: UUID, former: str | None, tier: str) -> NewEvent:
        version = self._versions[subject_id] = self._versions.get(subject_id, 0) + 1
        return NewEvent(
            subject_id=subject_id,
            version=version,
            topic="user-tier.tier-changed.v1",
            scheme="value",
            scope="",
            from_tier=former,
            to_tier=tier,
            effective_at=self.now,
            actor="tests",
            command_id="",
            causation="",
            data={"cause": "evaluation", "receipt": {"qualified": tier}},
        )


def observation(tier: str, now: int, version: int, number: int) -> Observation:
    """An observation of the size that three schemes give."""
    value = SchemeObservation(
        version=1,
        standing=Standing(tier=tier, since=now, valid_from=now, last_decided=now, event_id=f"e-{version}"),
        qualified=tier,
        features={"recency": 3, "frequency": 4 + version, "spend": 120_000 + number, "basket": 30_000.5},
        scores={"r": 5, "f": 4, "m": 4},
        next_tier="high",
        missing=[{"feature": "spend", "at_least": 200_000, "more": 80_000}],
        may_drop_on=now + 24 * HOUR,
        days={"recency": 20_450},
    )
    behaviour = SchemeObservation(
        version=1,
        standing=Standing(tier="active", since=now, valid_from=now, last_decided=now),
        qualified="active",
        features={"visits": 12, "orders": 4},
        scores={},
        may_drop_on=now + 48 * HOUR,
    )
    feature = SchemeObservation(
        version=1,
        standing=Standing(tier="family", since=now, valid_from=now, last_decided=now),
        qualified="family",
        features={"age_band": "35-44", "income": None, "favourite": "GROCERY"},
        scores={},
    )
    return Observation(
        schemes={
            "value": {"": value},
            "behaviour": {"": behaviour},
            "feature": {"": feature},
            "loyalty": {scope: _member(held, now) for scope, held in {"m-1": tier, SHOP: "low"}.items()},
            "club": {"": _growing(tier, now)},
        },
        attributes={"age_band": "35-44", "kids": 2},
        tags=["vip"] if tier == "high" else [],
        facts_seen=12,
    )


def _member(tier: str, now: int) -> SchemeObservation:
    """A standing with one merchant."""
    standing = Standing(tier=tier, since=now, valid_from=now, last_decided=now)
    return SchemeObservation(version=1, standing=standing, qualified=tier, features={"orders": 2}, scores={})


def _growing(tier: str, now: int) -> SchemeObservation:
    """A standing on a scheme of growth value."""
    standing = Standing(
        tier=tier, since=now, valid_from=now, last_decided=now, growth_carried=150, growth_settled_at=now - HOUR
    )
    return SchemeObservation(version=1, standing=standing, qualified=tier, features={"growth": 520}, scores={})
