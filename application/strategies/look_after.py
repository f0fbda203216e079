"""Whether strategies do what they are there for: for whoever looks after the installation."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.strategies.message_ports import Messages
from application.strategies.ports import Strategies


@dataclass(frozen=True, slots=True)
class LookedAfter:
    """summary: how many run; faults: what somebody should look at. It names none: whoever asks may be anybody."""

    summary: str
    faults: Sequence[str]


class LookAfterStrategies:
    """Reads only."""

    def __init__(self, strategies: Strategies, messages: Messages) -> None:
        self._strategies, self._messages = strategies, messages

    def __call__(self) -> LookedAfter:
        """As of now."""
        views = self._strategies.views()
        unread = sum(view.fault is not None for view in views)
        faults = [f"{unread} of {len(views)} cannot be read by the models in force, and reach nobody"] if unread else []
        if not self._messages.receiver and self._messages.any_waits():
            faults.append("messages wait, and nobody is named to take them over")
        return LookedAfter(f"{sum(view.status == 'running' for view in views)} run", faults)
