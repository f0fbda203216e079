"""What is wrong with a definition, each fault with its place in the text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from domain.refusal import Complaint, Refusal


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. path: keys from the top of the file, joined by dots; line and column from 1, None when unknown."""

    path: str
    line: int | None
    column: int | None
    value: Any
    message: str
    remedy: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}: " if self.line is not None else ""
        return f"{place}{self.path or 'the text'}: {self.message}. {self.remedy}"


ModelFault = Fault  # of a tier model


class ModelInvalid(Refusal):
    """The text is no tier model. errors: every fault that was found."""

    def __init__(self, errors: list[Fault]) -> None:
        self.errors = errors
        super().__init__(f"The tier model is invalid: {first_of(errors)}", *complaints_of(errors, "model"))


def first_of(faults: Sequence[Fault]) -> str:
    """The first in words, and how many more there are."""
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{faults[0]}{more}"


def complaints_of(faults: Sequence[Fault], whole: str) -> list[Complaint]:
    """One for each fault; whole: what one of the whole text is said to be about."""
    return [Complaint(fault.path or whole, fault.value, f"{fault.message}. {fault.remedy}") for fault in faults]
