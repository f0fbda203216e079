"""What is missing: the smallest set of parts that would have to change for a condition to be true of one row."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from domain.tier_model.column import Scalar
from domain.tier_model.expression.scalar import calculate, compare, truth, value_of
from domain.tier_model.expression.tree import (
    MIRRORED,
    And,
    Compare,
    IsNull,
    Membership,
    Node,
    Not,
    Or,
    affirmed,
    is_fixed,
    text_of,
)

Part = dict[str, Any]


def shortfall(node: Node, row: Mapping[str, Scalar], tags: Collection[str] = ()) -> list[Part]:
    """Missing parts, as {of, is, needs, missing}; empty when the condition is true.

    and: every part that is not true. or: the branch with the fewest parts, then the smallest distance, then the first.
    missing: how far a number is off, in its own unit (minor units for money); null where there is no distance.
    """
    return _Search(row, tags).parts(affirmed(node))


@dataclass(frozen=True, slots=True)
class _Search:
    row: Mapping[str, Scalar]
    tags: Collection[str]

    def parts(self, node: Node) -> list[Part]:
        if truth(self._value(node)) is True:
            return []
        match node:
            case And():
                missing = [part for child in node.parts for part in self.parts(child)]
                return [part for index, part in enumerate(missing) if part not in missing[:index]]
            case Or():
                return min((self.parts(child) for child in node.parts), key=self._cost)
            case Compare():
                return [self._comparison(node)]
            case Membership() | Not(operand=Membership()):
                return [self._membership(node)]
            case IsNull():
                return [self._part(node.operand, "null")]
            case Not(operand=IsNull() as inner):
                return [self._part(inner.operand, "a value")]
            case Not():
                return [self._part(node.operand, "= false")]
            case _:
                return [self._part(node, "= true")]

    def _value(self, node: Node) -> Scalar:
        return value_of(node, self.row, self.tags)

    def _part(self, of: Node, needs: str, missing: float | None = None) -> Part:
        return {
            "of": text_of(of),
            "is": self._value(of),
            "needs": needs,
            "missing": missing,
        }

    def _comparison(self, node: Compare) -> Part:
        op, left, right = node.op, node.left, node.right
        if is_fixed(left) and not is_fixed(right):
            op, left, right = MIRRORED[op], right, left
        bound = self._value(right)
        shown = text_of(right) if bound is None else _shown(bound)
        return self._part(left, f"{op} {shown}", _distance(op, self._value(left), bound))

    def _membership(self, node: Membership | Not) -> Part:
        inside = node if isinstance(node, Membership) else node.operand
        assert isinstance(inside, Membership)
        options = [self._value(option) for option in inside.options]
        listed = ", ".join(_shown(option) for option in options)
        if isinstance(node, Not):
            return self._part(inside.operand, f"not in ({listed})")
        distances = [_distance("=", self._value(inside.operand), option) for option in options]
        known = [distance for distance in distances if distance is not None]
        return self._part(inside.operand, f"in ({listed})", min(known, default=None))

    def _cost(self, parts: list[Part]) -> tuple[int, int, float]:
        """Fewer parts first; of those, fewer that no number can mend, then the smaller relative distance."""
        impossible = sum(part["of"] in ("false", "null") for part in parts)
        stuck = sum(part["missing"] is None for part in parts)
        far = sum(
            abs(part["missing"]) / (abs(part["is"]) + abs(part["missing"]) + 1) for part in parts if part["missing"]
        )
        return len(parts) + 1_000 * impossible, stuck, far


def _shown(value: Scalar) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def _distance(op: str, value: Scalar, bound: Scalar) -> int | float | None:
    """How far value must go for `value op bound`; a whole number beside a whole bound goes one past it for < and >."""
    if (
        isinstance(value, str)
        or isinstance(bound, str)
        or compare("=", value, bound) is None
        or isinstance(value, bool)
    ):
        return None
    if op == "<>":
        return 1 if isinstance(value, int) else None
    distance = calculate("-", bound, value)
    if distance is None:
        return None
    past = 1 if op in ("<", ">") and isinstance(distance, int) else 0
    return abs(distance) + past
