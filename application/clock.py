"""Setting the clock: what is refused."""

from domain.facts.instants import format_instant
from domain.refusal import Complaint, Refusal


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
