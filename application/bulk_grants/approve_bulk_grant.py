"""Agree to a bulk grant that somebody else has planned, or reject it."""

from application.bulk_grants.ports import BulkGrantStore, BulkGrantView, change_bulk_grant


class ApproveBulkGrant:
    """Who planned it cannot; where two are needed, two different ones have to."""

    def __init__(self, store: BulkGrantStore) -> None:
        self._store = store

    def __call__(self, run_id: str, actor: str, *, note: str = "", command_id: str = "") -> BulkGrantView:
        """Raises UnknownBulkGrant, OwnBulkGrant, BulkGrantOutOfTurn, WordsInvalid."""
        return change_bulk_grant(
            self._store, run_id, lambda bulk, by: bulk.approve(note=note, by=by), actor, command_id
        )


class RejectBulkGrant:
    """It is never started then."""

    def __init__(self, store: BulkGrantStore) -> None:
        self._store = store

    def __call__(self, run_id: str, actor: str, *, reason: str, command_id: str = "") -> BulkGrantView:
        """Raises UnknownBulkGrant, BulkGrantOutOfTurn, WordsInvalid."""
        return change_bulk_grant(
            self._store, run_id, lambda bulk, by: bulk.reject(reason=reason, by=by), actor, command_id
        )
