"""Do what bulk grants wait for: a worker's use case."""

from application.bulk_grants.ports import BulkGrantDesk


class PerformBulkGrants:
    """Previews, grants and revokes, a chunk a call. Any number may do so at once, and be killed at any time."""

    def __init__(self, desk: BulkGrantDesk) -> None:
        self._desk = desk

    def __call__(self, run_id: str | None = None) -> bool:
        """Of the one that was planned first (or of this one); whether there was anything to do."""
        return self._desk.preview(run_id) or self._desk.work(run_id)
