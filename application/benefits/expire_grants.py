"""Expire the grants whose end has come: a worker's use case."""

from application.benefits.ports import GrantDesk

_BATCH = 500


class ExpireGrants:
    """Each is expired as of its end, however late that is noticed."""

    def __init__(self, desk: GrantDesk) -> None:
        self._desk = desk

    def __call__(self) -> int:
        """How many were; 0 when none is left to expire. Call it until then."""
        return self._desk.expire(_BATCH)
