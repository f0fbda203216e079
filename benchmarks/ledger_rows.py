"""Events as deciding makes them, to be written by both arms of a benchmark."""

from collections.abc import Sequence
from typing import Any

from domain.user_tier.decisions import NewEvent
from infrastructure.event_store.subjects import SubjectRef, Subjects
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring

RECORDED_AT = 1_790_000_000_000_000
MASTER_KEY = bytes(range(32))
_SINCE, _NOW = "2026-04-01T04:00:00Z", "2026-05-29T20:26:40.000001Z"


def enrol(pool: Pool, keyring: Keyring, users: int) -> Sequence[SubjectRef]:
    """So many new subjects."""
    with transaction(pool) as connection:
        names = [f"user-{number}" for number in range(users)]
        return list(Subjects(keyring).resolve_or_create(connection, names, now=1).values())


def tier_changed(ref: SubjectRef, version: int) -> NewEvent:
    """A tier change with a receipt of the usual size; another text each time."""
    return NewEvent(
        subject_id=ref.subject_id,
        version=version,
        topic="user-tier.tier-changed.v1",
        scheme="value",
        scope="",
        from_tier="general_growth",
        to_tier="important_growth",
        effective_at=1_780_000_000_000_000 + version * 1_000_000,
        actor="evaluator",
        command_id="",
        causation="",
        data={"cause": "evaluation", "receipt": receipt(version)},
    )


def receipt(number: int) -> dict[str, Any]:
    """As of the shipped value model."""
    return {
        "scheme": "value",
        "version": 1,
        "model_hash": "5f6d" * 16,
        "instant": _NOW,
        "facts_seen": number,
        "facts_hash": f"{number:064x}",
        "features": {"recency": number % 90, "frequency": number, "spend": 1_000 + 37 * number},
        "scores": {"r": 5, "f": 3, "m": 4},
        "qualified": "important_growth",
        "rule": "important_growth.enter",
        "before": {"tier": "general_growth", "since": _SINCE, "valid_until": None, "grace_until": None},
        "after": {"tier": "important_growth", "since": _NOW, "valid_until": None, "grace_until": None},
        "clause": "upgrade-immediate",
        "next_tier": "important_value",
        "missing": [{"name": "f", "is": 3, "needs": 4}],
    }
