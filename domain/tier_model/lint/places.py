"""Faults with their places in the file."""

from dataclasses import dataclass
from typing import Literal

from domain.tier_model.expression import ConditionInvalid
from domain.tier_model.spec import ModelFault
from domain.tier_model.spec.source import Path, Source


@dataclass(frozen=True, slots=True)
class Places:
    """Makes faults. source: of the text that the model was read from; without one they have no line and column."""

    source: Source | None = None

    def error(self, path: Path, value: object, message: str, remedy: str) -> ModelFault:
        """What cannot work. path: keys from the top of the file."""
        return self._fault(path, value, message, remedy, "error")

    def warning(self, path: Path, value: object, message: str, remedy: str) -> ModelFault:
        """What has no effect, or may not be meant."""
        return self._fault(path, value, message, remedy, "warning")

    def in_condition(self, path: Path, text: str, problem: ConditionInvalid) -> ModelFault:
        """What is wrong with a condition, at the place of the wrong part."""
        line: int | None = None
        column: int | None = None
        if self.source is not None:
            held = path if path in self.source.starts else path[:-1]  # a rule may be written without its `enter`
            line, column = self.source.place_within(held, text, problem.line, problem.column)
        message = f"{problem.message} (at line {problem.line}, column {problem.column} of the condition)"
        return ModelFault(".".join(map(str, path)), line, column, text, message, problem.remedy)

    def _fault(
        self, path: Path, value: object, message: str, remedy: str, severity: Literal["error", "warning"]
    ) -> ModelFault:
        line, column = self.source.place(path) if self.source is not None else (None, None)
        return ModelFault(".".join(map(str, path)), line, column, value, message, remedy, severity)
