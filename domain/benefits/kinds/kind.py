"""What every kind of benefit says of itself."""

from dataclasses import dataclass

from domain.tier_model.spec.parts import Part


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. details: what a definition of it says besides; unit: what is counted, zh-CN and en.

    in_part: whether a grant of several units may be redeemed some at a time, unless the definition says otherwise.
    """

    name: str
    labels: tuple[str, str]
    unit: tuple[str, str]
    details: type[Part]
    in_part: bool
