"""Why a bulk grant is not planned, started or changed."""

from collections.abc import Sequence

from domain.refusal import Complaint, Refusal


class UnknownBulkGrant(Refusal):
    """No bulk grant has this id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"There is no bulk grant {run_id[:200]!r}.",
            Complaint(
                "id", run_id, "use the id that it was answered when it was planned; GET /v1/bulk-grants lists all"
            ),
        )


class NobodyToGrant(Refusal):
    """A bulk grant without members. listed: whether it is to a list; faults: of its lines that name nobody."""

    def __init__(self, listed: bool, faults: Sequence[str] = ()) -> None:
        because = f" Of what was listed: {'; '.join(faults)}." if faults else ""
        super().__init__(
            f"Nobody would be granted anything.{because}",
            Complaint("user_ids" if listed else "where", None, "name users that there are, or widen the condition"),
        )


class MembersUnclear(Refusal):
    """Neither a condition nor a list, or both."""

    def __init__(self) -> None:
        super().__init__(
            "A bulk grant is to those of a condition, or to those of a list.",
            Complaint("where", None, "give `where` or `user_ids`, one of them"),
        )


class BulkGrantOutOfTurn(Refusal):
    """Something that is not possible in the state that the bulk grant is in."""

    def __init__(self, run_id: str, act: str, state: str, possible: Sequence[str]) -> None:
        super().__init__(
            f"Bulk grant {run_id} is {state}: it cannot be {act}.",
            Complaint("state", state, f"it can be {act} while it is {' or '.join(possible)}"),
        )


class OwnBulkGrant(Refusal):
    """Who plans a bulk grant does not approve it."""

    def __init__(self, run_id: str, actor: str) -> None:
        super().__init__(
            f"{actor} planned bulk grant {run_id}, and cannot approve it.",
            Complaint("actor", actor, "ask somebody else to approve, with a key of their own"),
        )


class BulkGrantNotApproved(Refusal):
    """Too few have agreed to what it costs."""

    def __init__(self, run_id: str, needed: int, given: int) -> None:
        more = needed - given
        super().__init__(
            f"Bulk grant {run_id} needs {needed} to approve it; {given} did.",
            Complaint("approvals", given, f"have {more} more, other than who planned it, approve it"),
        )
