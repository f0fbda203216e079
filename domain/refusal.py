"""A refusal: the business says no. Each stands beside the rule that raises it, carries data and knows no HTTP."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Complaint:
    """What is wrong with one value: where it stands, what it is, what to do about it."""

    field: str
    value: Any
    remedy: str


class Refusal(Exception):
    """Say no in one sentence, with the values that are to blame. Subclass it for each reason."""

    def __init__(self, sentence: str, *complaints: Complaint) -> None:
        super().__init__(sentence)
        self.complaints = complaints
