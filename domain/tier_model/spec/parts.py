"""What every part of a model is: a frozen value that refuses keys it does not know."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Frozen; unknown keys are refused; text is not taken for numbers, nor numbers for text."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)
