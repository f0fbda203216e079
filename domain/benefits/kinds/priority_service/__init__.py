"""优先服务: to be served before others."""

from typing import Annotated

from pydantic import Field

from domain.benefits.kinds.kind import Kind
from domain.tier_model.spec.parts import Part


class PriorityServiceDetails(Part):
    """service: which one, such as support or delivery; level: 1 comes first."""

    service: Annotated[str, Field(min_length=1, max_length=64)]
    level: Annotated[int, Field(ge=1, le=9)] = 1


PRIORITY_SERVICE = Kind(
    "priority_service", ("优先服务", "Priority service"), ("次", "times"), PriorityServiceDetails, in_part=True
)
