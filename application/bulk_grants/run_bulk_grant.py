"""Start a bulk grant, and hold it: workers grant what runs."""

from application.bulk_grants.ports import BulkGrantStore, BulkGrantView, change_bulk_grant
from application.tier_models.coming_into_force import Approvals


class StartBulkGrant:
    """Once as many have agreed as its cost asks for."""

    def __init__(self, store: BulkGrantStore, approvals: Approvals) -> None:
        self._store, self._approvals = store, approvals

    def __call__(self, run_id: str, actor: str, *, as_admin: bool = False, command_id: str = "") -> BulkGrantView:
        """as_admin: who may leave out approvals, where that is allowed; its event says so.

        Raises UnknownBulkGrant, BulkGrantOutOfTurn, BulkGrantNotApproved.
        """
        may_skip = as_admin and self._approvals == "admin-may-skip"
        return change_bulk_grant(
            self._store, run_id, lambda bulk, by: bulk.start(may_skip=may_skip, by=by), actor, command_id
        )


class PauseBulkGrant:
    """When it is answered nothing more is being granted."""

    def __init__(self, store: BulkGrantStore) -> None:
        self._store = store

    def __call__(self, run_id: str, actor: str, *, reason: str = "", command_id: str = "") -> BulkGrantView:
        """Raises UnknownBulkGrant, BulkGrantOutOfTurn, WordsInvalid."""
        return change_bulk_grant(
            self._store, run_id, lambda bulk, by: bulk.pause(reason=reason, by=by), actor, command_id
        )


class ResumeBulkGrant:
    """From where it was."""

    def __init__(self, store: BulkGrantStore) -> None:
        self._store = store

    def __call__(self, run_id: str, actor: str, *, command_id: str = "") -> BulkGrantView:
        """Raises UnknownBulkGrant, BulkGrantOutOfTurn."""
        return change_bulk_grant(self._store, run_id, lambda bulk, by: bulk.resume(by), actor, command_id)


class CancelBulkGrant:
    """What was granted stays; `revert` takes it back."""

    def __init__(self, store: BulkGrantStore) -> None:
        self._store = store

    def __call__(self, run_id: str, actor: str, *, reason: str = "", command_id: str = "") -> BulkGrantView:
        """Raises UnknownBulkGrant, BulkGrantOutOfTurn, WordsInvalid."""
        return change_bulk_grant(
            self._store, run_id, lambda bulk, by: bulk.cancel(reason=reason, by=by), actor, command_id
        )


class RevertBulkGrant:
    """Revokes what is unredeemed of it: a worker does, and goes on wherever it was interrupted."""

    def __init__(self, store: BulkGrantStore) -> None:
        self._store = store

    def __call__(self, run_id: str, actor: str, *, reason: str, command_id: str = "") -> BulkGrantView:
        """Raises UnknownBulkGrant, BulkGrantOutOfTurn, WordsInvalid."""
        return change_bulk_grant(
            self._store, run_id, lambda bulk, by: bulk.revert(reason=reason, by=by), actor, command_id
        )
