"""Refusals of the edge itself: what only HTTP can ask wrongly."""

from collections.abc import Sequence

from domain.refusal import Complaint, Refusal


class HypotheticalNeedsDryRun(Refusal):
    """Supposed facts in an evaluation that would be recorded."""

    def __init__(self) -> None:
        super().__init__(
            "Hypothetical facts are for dry runs only.",
            Complaint("dry_run", False, "send dry_run: true, or leave hypothetical_facts out"),
        )


class HypotheticalFactInvalid(Refusal):
    """A supposed fact that could not be a real one."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__("A hypothetical fact is invalid.", *complaints)
