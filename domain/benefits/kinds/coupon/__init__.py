"""优惠券: money or a share off an order."""

from typing import Annotated

from pydantic import Field, model_validator

from domain.benefits.kinds.kind import Kind
from domain.tier_model.spec.parts import Part


class CouponDetails(Part):
    """amount_off: minor units; percent_off: of the order; least_order: the order's least amount, minor units."""

    amount_off: Annotated[int, Field(gt=0, lt=2**53)] | None = None
    percent_off: Annotated[int, Field(ge=1, le=100)] | None = None
    least_order: Annotated[int, Field(ge=0, lt=2**53)] = 0

    @model_validator(mode="after")
    def _one_of_both(self) -> "CouponDetails":
        if (self.amount_off is None) == (self.percent_off is None):
            raise ValueError("is a coupon of nothing, or of two things: give amount_off or percent_off")
        return self


COUPON = Kind("coupon", ("优惠券", "Coupon"), ("张", "coupons"), CouponDetails, in_part=True)
