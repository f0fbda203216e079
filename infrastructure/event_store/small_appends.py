"""Small appends of many threads, joined: each waits for one commit, not for everybody else's."""

from collections.abc import Sequence

from infrastructure.event_store.append import AppendBatch, append
from infrastructure.postgres.group_commit import GroupCommit
from infrastructure.postgres.pool import Pool, transaction


class EventStore:
    """Appends that need no other statement in their transaction. Safe for threads."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._group: GroupCommit[AppendBatch, int] = GroupCommit(self._append_joined)

    def append_small(self, batch: AppendBatch) -> int:
        """Append the batch, whole or not at all, and answer the position of its last event (0: it has none).

        Positions of its events are consecutive. Raises VersionConflict.
        """
        return self._group.submit(batch)

    def _append_joined(self, batches: Sequence[AppendBatch]) -> list[int]:
        events = [event for batch in batches for event in batch.events]
        observations = [observation for batch in batches for observation in batch.observations]
        with transaction(self._pool) as connection:
            last = append(connection, AppendBatch(events, observations))
        position = last - len(observations) - len(events)
        positions = []
        for batch in batches:
            position += len(batch.events)
            positions.append(position if batch.events else 0)
        return positions
