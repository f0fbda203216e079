"""积分或成长值: a number that is used up, or that counts towards a tier."""

from typing import Literal

from pydantic import model_validator

from domain.benefits.kinds.kind import Kind
from domain.tier_model.spec.parts import Part
from domain.tier_model.spec.values import Kind as FactKind


class PointsDetails(Part):
    """of: points are redeemed; growth value is earned by the tier model, from a fact of `fact_kind` for each grant."""

    of: Literal["points", "growth"] = "points"
    fact_kind: FactKind | None = None

    @model_validator(mode="after")
    def _growth_has_a_kind(self) -> "PointsDetails":
        if (self.of == "growth") != (self.fact_kind is not None):
            raise ValueError(
                "needs a fact_kind for growth value, and none for points: the kind that growth rules earn by"
            )
        return self


POINTS = Kind("points", ("积分", "Points"), ("分", "points"), PointsDetails, in_part=True)
