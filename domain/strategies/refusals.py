"""What cannot be done with a strategy, and why."""

from collections.abc import Sequence

from domain.facts.instants import format_instant
from domain.refusal import Complaint, Refusal


class UnknownStrategy(Refusal):
    """No strategy has this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        remedy = f"use one of {', '.join(known[:30])}" if known else "define it first"
        super().__init__(f"There is no strategy {name[:200]!r}.", Complaint("strategy", name, remedy))


class StrategiesInCircle(Refusal):
    """Strategies that would set each other off for ever."""

    def __init__(self, circle: Sequence[str]) -> None:
        told = " → ".join([*circle, circle[0]])
        remedy = "take one of the steps out: a start, or a tag that the next one waits for"
        super().__init__(f"The strategies set each other off in a circle: {told}.", Complaint("do", told, remedy))


class StrategyStanding(Refusal):
    """Something that a strategy (or campaign) in this state does not allow."""

    def __init__(self, name: str, status: str, wanted: str, remedy: str) -> None:
        super().__init__(f"{name} is {status}: it cannot be {wanted}.", Complaint("status", status, remedy))


class StrategyOver(Refusal):
    """An ended or retired strategy (or campaign) that somebody wants to start, resume or assign."""

    def __init__(self, name: str, status: str) -> None:
        remedy = "define another one, under a name of its own; what has ended stays as it was measured"
        super().__init__(f"{name} is {status}, and does not come back.", Complaint("status", status, remedy))


class StrategyNotRunning(Refusal):
    """An assignment by a strategy that is not started, or paused."""

    def __init__(self, name: str, status: str) -> None:
        super().__init__(
            f"Strategy {name} is {status}: it takes nobody in.", Complaint("strategy", name, "start it first")
        )


class DesignFixed(Refusal):
    """A holdout, a weight, a salt or a goal changed after the start."""

    def __init__(self, name: str, field: str, before: object, after: object) -> None:
        remedy = (
            f"leave it at {before!r}, or define another strategy: who is in which arm is fixed, and what is measured"
        )
        super().__init__(
            f"The {field} of strategy {name} cannot change after its start.", Complaint(field, after, remedy)
        )


class StrategyNotApproved(Refusal):
    """A strategy that touches money or many people, and that nobody else has agreed to."""

    def __init__(self, name: str, status: str) -> None:
        remedy = "submit it, and let another person approve it"
        super().__init__(
            f"{name} grants benefits, spends a budget or reaches a whole audience at once, and is not approved.",
            Complaint("status", status, remedy),
        )


class StrategyNotSubmitted(Refusal):
    """A decision on what nobody has asked for."""

    def __init__(self, name: str, status: str) -> None:
        super().__init__(f"{name} is {status}, not submitted.", Complaint("status", status, "submit it first"))


class OwnStrategy(Refusal):
    """Who made it does not approve it."""

    def __init__(self, name: str, actor: str) -> None:
        super().__init__(
            f"{actor} has made or submitted {name}, and cannot approve it.",
            Complaint("actor", actor, "ask another person, with a key of their own"),
        )


class StaleStrategy(Refusal):
    """An approval of something that has changed since it was looked at."""

    def __init__(self, name: str, seen: str, current: str) -> None:
        super().__init__(
            f"{name} has changed since it was looked at.",
            Complaint("content_hash", seen, f"look at it again; its content is {current}"),
        )


class UnknownArm(Refusal):
    """An arm that the strategy does not have."""

    def __init__(self, strategy: str, arm: str, known: Sequence[str]) -> None:
        super().__init__(
            f"Strategy {strategy} has no arm {arm[:100]!r}.",
            Complaint("arm", arm, f"use one of {', '.join(known)}, or leave it out: then it is drawn"),
        )


class AssignmentRefused(Refusal):
    """A user whom the strategy may not take in."""

    def __init__(self, user_id: str, strategy: str, reason: str, detail: str) -> None:
        remedies = {
            "already-assigned": "end the assignment that goes on first",
            "excluded": f"end {detail} for the user first: both are of one group",
            "too-often": "wait until the strategy's at_most allows it",
            "unsubscribed": "the user refuses every channel of it",
        }
        remedy = remedies.get(reason, "the user's profile says so: respect it")
        super().__init__(
            f"Strategy {strategy} does not take user {user_id[:200]!r} in: {reason}.",
            Complaint("user_id", user_id, remedy),
        )


class UnknownAssignment(Refusal):
    """The user is in no such strategy, or no more."""

    def __init__(self, user_id: str, strategy: str) -> None:
        super().__init__(
            f"User {user_id[:200]!r} is not in strategy {strategy[:200]!r}.",
            Complaint("strategy_id", strategy, "the user's card names those that go on"),
        )


class WindowInPast(Refusal):
    """A campaign that would be over before it began, or has its end before its beginning."""

    def __init__(self, field: str, instant: int, after: int) -> None:
        super().__init__(
            f"The campaign's {field} does not lie ahead.",
            Complaint(field, format_instant(instant), f"give an instant after {format_instant(after)}"),
        )
