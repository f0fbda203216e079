"""Pins that wait for a second person, and where they wait."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from application.evaluation.ports import TakenUser
from domain.refusal import Complaint, Refusal
from domain.user_tier.holds import PinMode

RequestStatus = Literal["waiting", "approved", "rejected"]
REQUEST_STATUSES: tuple[RequestStatus, ...] = get_args(RequestStatus)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A pin as somebody wants it. until: microseconds, None: until it is lifted. scope: '' is the platform."""

    user_id: str
    scheme: str
    tier: str
    mode: PinMode
    reason: str
    until: int | None = None
    scope: str = ""


@dataclass(frozen=True, slots=True)
class OverrideRequest:
    """A wanted pin, who asked for it, and what became of that. Instants in microseconds."""

    request_id: str
    wanted: Wanted
    requested_by: str
    requested_at: int
    status: RequestStatus
    decided_by: str | None = None
    decided_at: int | None = None
    note: str = ""


class OverrideRequests(Protocol):
    """The requests for approval."""

    def add(self, wanted: Wanted, actor: str, now: int, command_id: str) -> OverrideRequest:
        """Let it wait. One that the actor already made, under this command or with the same pin, is that."""
        ...

    def approving(
        self, request_id: str, actor: str, note: str
    ) -> AbstractContextManager[tuple[OverrideRequest, TakenUser, bool]]:
        """Say yes, in the transaction of the user's work: with what is recorded there, and not when the context is left
        by a refusal. Whether it had been said before comes with it.

        Raises UnknownOverrideRequest, OwnOverrideRequest, OverrideRequestDecided, UnknownUser, SubjectInHistory.
        """
        ...

    def reject(self, request_id: str, actor: str, reason: str) -> OverrideRequest:
        """Say no. The same answer again changes nothing.

        Raises UnknownOverrideRequest, OwnOverrideRequest, OverrideRequestDecided.
        """
        ...

    def list(self, status: RequestStatus | None, size: int) -> Sequence[OverrideRequest]:
        """The latest first."""
        ...


class UnknownOverrideRequest(Refusal):
    """No request has this id."""

    def __init__(self, request_id: str) -> None:
        remedy = "`tierline overrides requests` and GET /v1/override-requests show them all"
        super().__init__(
            f"There is no override request {request_id[:200]!r}.", Complaint("request_id", request_id, remedy)
        )


class OwnOverrideRequest(Refusal):
    """Who asks does not approve."""

    def __init__(self, request: OverrideRequest) -> None:
        super().__init__(
            f"{request.requested_by} asked for this override, and cannot decide on it.",
            Complaint("request_id", request.request_id, "ask another person, with a key of their own"),
        )


class OverrideRequestDecided(Refusal):
    """Somebody has already decided otherwise."""

    def __init__(self, request: OverrideRequest) -> None:
        super().__init__(
            f"The override request was {request.status} by {request.decided_by}.",
            Complaint("request_id", request.request_id, "ask anew for what you want"),
        )


class OverrideImpossible(Refusal):
    """What was asked for cannot be put any more: its end has passed, its tier is gone. It waits on."""

    def __init__(self, why: Refusal) -> None:
        complaints = [
            Complaint(each.field, each.value, "reject the request, and ask anew for what is possible now")
            for each in why.complaints
        ]
        super().__init__(f"The pin cannot be put as it was asked for. {why}", *complaints)
