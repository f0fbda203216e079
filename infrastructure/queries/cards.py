"""Cards out of the ledger, for users whose card is not in Redis (yet, or because Redis was dropped)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from application.queries import UnknownUser
from domain.user_tier.observation import decode_observation
from infrastructure.event_store.tail import ASSIGNMENTS, GRANTS, LIVE_ASSIGNMENTS, LIVE_GRANTS
from infrastructure.postgres.pool import Pool
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_OBSERVATION
from projections.records import ObservationRecord
from projections.user_card.projector import project

_OBSERVED = f"""
select u.user_id, tail.stream_id, s.data_key,
       case when o.position is not null then greatest(o.position, tail.held_position) end,
       o.through, o.decided_at, o.body, {LIVE_GRANTS}, {LIVE_ASSIGNMENTS}
from user_ids u join subjects s using (subject_id) left join observations o using (subject_id)
join (select subject_id as stream_id, held_position from timelines) tail on tail.stream_id = u.subject_id
where u.user_id = any(%s)
"""


class LedgerCards:
    """Makes of an observation what the projector makes of it."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring

    def card(self, user_id: str) -> bytes:
        """One card as JSON; with empty standings when nothing is decided yet. Raises UnknownUser."""
        cards = self.cards([user_id])
        if user_id not in cards:
            raise UnknownUser(user_id)
        return cards[user_id]

    def cards(self, user_ids: Sequence[str]) -> dict[str, bytes]:
        """Cards by user id; whom no fact and no event ever named is missing from the answer."""
        wanted = [user_id for user_id in user_ids if "\0" not in user_id]
        with self._pool.connection() as connection:
            rows = connection.execute(_OBSERVED, (wanted,), binary=True).fetchall()
        return {row[0]: msgspec.json.encode({"user_id": row[0], **self._card(*row)}) for row in rows}

    def _card(
        self,
        user_id: str,
        subject_id: UUID,
        data_key: bytes,
        position: int,
        through: int,
        decided_at: int,
        body: bytes | None,
        grants: str | None,
        strategies: str | None,
    ) -> dict[str, Any]:
        if body is None:
            return {"standings": {}, "tags": [], "strategies": [], "grants": [], "position": 0}
        seal = self._keyring.unwrap(subject_id, data_key)
        observation = decode_observation(seal.unseal(CONTEXT_OBSERVATION, body))
        held = GRANTS.decode(grants) if grants else ()
        joined = ASSIGNMENTS.decode(strategies) if strategies else ()
        operation = project(
            ObservationRecord(position, subject_id, (user_id,), through, decided_at, observation, held, joined)
        )
        assert operation is not None  # it has a user id
        return operation.card
