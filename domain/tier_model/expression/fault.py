"""What is wrong with a condition."""

from typing import Any

from domain.refusal import Complaint, Refusal


class ConditionInvalid(Refusal):
    """The text is no condition. line and column count from 1 within the condition's text. field: where it was given."""

    def __init__(
        self, message: str, line: int, column: int, remedy: str, value: Any = None, field: str = "where"
    ) -> None:
        super().__init__(
            f"The condition is invalid at line {line}, column {column}: {message}. {remedy}",
            Complaint(field, value, f"{message}. {remedy}"),
        )
        self.message, self.line, self.column, self.remedy, self.value = (
            message,
            line,
            column,
            remedy,
            value,
        )

    def given_as(self, field: str) -> "ConditionInvalid":
        """The same of a condition that another field holds."""
        return ConditionInvalid(self.message, self.line, self.column, self.remedy, self.value, field)


def invalid_at(text: str, offset: int, message: str, remedy: str, value: Any = None) -> ConditionInvalid:
    """A ConditionInvalid for a place in the text, given as a character offset."""
    before = text[:offset]
    return ConditionInvalid(
        message,
        before.count("\n") + 1,
        offset - (before.rfind("\n") + 1) + 1,
        remedy,
        value,
    )
