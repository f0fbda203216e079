"""What is wrong with a model, each fault with its place in the file."""

from dataclasses import dataclass
from typing import Any, Literal

from domain.refusal import Complaint, Refusal


@dataclass(frozen=True, slots=True)
class ModelFault:
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
        return f"{place}{self.path or 'the model'}: {self.message}. {self.remedy}"


class ModelInvalid(Refusal):
    """The text is no tier model. errors: every fault that was found."""

    def __init__(self, errors: list[ModelFault]) -> None:
        self.errors = errors
        first = str(errors[0])
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(
            f"The tier model is invalid: {first}{more}",
            *(Complaint(fault.path or "model", fault.value, f"{fault.message}. {fault.remedy}") for fault in errors),
        )
