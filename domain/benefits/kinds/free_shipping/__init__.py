"""包邮: orders that are sent for nothing."""

from typing import Annotated

from pydantic import Field

from domain.benefits.kinds.kind import Kind
from domain.tier_model.spec.parts import Part


class FreeShippingDetails(Part):
    """most_off: what is borne of one order's shipping, minor units; None: all of it. regions: none means everywhere."""

    most_off: Annotated[int, Field(gt=0, lt=2**53)] | None = None
    regions: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=500)] = Field(default_factory=list)


FREE_SHIPPING = Kind("free_shipping", ("包邮", "Free shipping"), ("次", "orders"), FreeShippingDetails, in_part=True)
