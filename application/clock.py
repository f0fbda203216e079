"""Setting the clock: what is refused."""

from domain.facts.instants import format_instant, parse_instant
from domain.refusal import Complaint, Refusal

LATEST = parse_instant("2150-01-01T00:00:00Z")
"""Where a manual clock ends: the calendars of the time zones, and all windows and periods in them, reach beyond it."""


class ClockNotManual(Refusal):
    """The system's clock cannot be set."""

    def __init__(self) -> None:
        super().__init__(
            "This installation runs on the system's clock.",
            Complaint("now", None, "start an embedded stack of its own with TIERLINE_CLOCK=manual to set the time"),
        )


class ClockBackwards(Refusal):
    """The clock moves forward only."""

    def __init__(self, asked: int, now: int) -> None:
        super().__init__(
            f"The clock stands at {format_instant(now)} and does not go back to {format_instant(asked)}.",
            Complaint("now", format_instant(asked), f"give an instant after {format_instant(now)}"),
        )


class ClockTooFar(Refusal):
    """An instant beyond the calendars that decisions go by."""

    def __init__(self, asked: int) -> None:
        super().__init__(
            f"The clock does not go as far as {format_instant(asked)}.",
            Complaint("now", format_instant(asked), f"give an instant up to {format_instant(LATEST)}"),
        )
