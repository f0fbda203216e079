"""Growth value 成长值: what facts earn, and what is deducted when validity ends."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictInt, StringConstraints

from domain.tier_model.spec.parts import Part
from domain.tier_model.spec.values import ConditionText, Days, FieldText, Name, Tier

GROWTH = "growth"  # the name of the balance in rules and scores

Points = Annotated[StrictInt, Field(ge=1, le=10**9)]


def _as_text(value: object) -> object:
    """A bare whole number is a text of digits: `each: 1000` and `each: money(10.00)` are one type."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Each = Annotated[
    str,
    BeforeValidator(_as_text, json_schema_input_type=int | str),
    StringConstraints(pattern=r"^([1-9][0-9]{0,17}|money\([0-9]{1,15}(\.[0-9]{1,4})?\))$"),
]
EarnedOf = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}(\.[^\s.]{1,100})?$")]


class Earn(Part):
    """One way to earn. of: KIND earns `points` a fact; KIND.FIELD earns points for every whole `each` of the field.

    minus: refund.amount takes back what the refunded part earned. at_most: points a local day. after: facts mature.
    """

    points: Points
    of: EarnedOf
    each: Each | None = None
    minus: FieldText | None = None
    where: ConditionText | None = None
    after: Days | None = None
    at_most: Points | None = None

    @property
    def kind(self) -> str:
        """The kind of facts that earn."""
        return self.of.partition(".")[0]

    @property
    def field(self) -> str | None:
        """The field that is counted; None: the facts themselves."""
        return self.of.partition(".")[2] or None


class Growth(Part):
    """How growth value is earned, and what the end of validity takes from it, by the tier stood on."""

    earn: Annotated[dict[Name, Earn], Field(min_length=1)]
    deduct: dict[Tier, Annotated[StrictInt, Field(ge=0, le=10**15)] | Literal["all"]] = Field(default_factory=dict)
