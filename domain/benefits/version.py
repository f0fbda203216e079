"""A version of a benefit as it stands."""

from typing import Any, Literal

import msgspec

from domain.benefits.spec import BenefitSpec
from domain.tier_model.version import NOT_REVIEWED, Review

BENEFIT = "benefit"  # what the names in refusals are of
Status = Literal["draft", "submitted", "approved", "active", "retired"]


class BenefitVersion(msgspec.Struct, frozen=True):
    """One version. spec: as spec_to_json writes it; makers: who drafted, revised or submitted it."""

    number: int
    status: Status
    spec: dict[str, Any]
    content_hash: str
    author: str
    drafted_at: int
    activated_at: int | None = None
    makers: frozenset[str] = frozenset()
    review: Review = NOT_REVIEWED

    @property
    def needs_approval(self) -> bool:
        """Whether somebody else has to agree before it comes into force: it costs money, or is charged to a budget."""
        spec = BenefitSpec.model_validate(self.spec)
        return spec.touches_money or spec.budget is not None
