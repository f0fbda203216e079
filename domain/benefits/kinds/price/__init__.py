"""会员价: prices of one's own, for as long as the grant lasts."""

from typing import Annotated

from pydantic import Field

from domain.benefits.kinds.kind import Kind
from domain.tier_model.spec.parts import Part


class PriceDetails(Part):
    """percent_off: of the list price; categories: of which goods; empty: of all."""

    percent_off: Annotated[int, Field(ge=1, le=100)]
    categories: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=500)] = Field(
        default_factory=list
    )


PRICE = Kind("price", ("会员价", "Member price"), ("份", "entitlements"), PriceDetails, in_part=False)
