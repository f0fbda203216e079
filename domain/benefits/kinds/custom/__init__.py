"""自定义: whatever else a programme gives."""

from typing import Annotated

from pydantic import ConfigDict, Field

from domain.benefits.kinds.kind import Kind
from domain.tier_model.spec.parts import Part


class CustomDetails(Part):
    """attributes: for whoever redeems it; Tierline keeps them and does not read them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    attributes: Annotated[dict[str, str | int | float | bool | None], Field(max_length=50)] = Field(
        default_factory=dict
    )


CUSTOM = Kind("custom", ("自定义权益", "Custom"), ("份", "units"), CustomDetails, in_part=True)
