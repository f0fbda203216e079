"""礼品: goods that are given."""

from typing import Annotated

from pydantic import Field

from domain.benefits.kinds.kind import Kind
from domain.tier_model.spec.parts import Part


class GiftDetails(Part):
    """sku: what is given."""

    sku: Annotated[str, Field(min_length=1, max_length=200)]


GIFT = Kind("gift", ("礼品", "Gift"), ("件", "pieces"), GiftDetails, in_part=True)
