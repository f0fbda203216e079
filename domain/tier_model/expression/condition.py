"""Conditions: SQL truth values over named columns, compiled once, evaluated on columns, rows and searches."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from domain.tier_model.column import Column, Scalar, Type
from domain.tier_model.expression.opensearch import SearchField, to_query
from domain.tier_model.expression.parse import parse_condition
from domain.tier_model.expression.scalar import truth, value_of
from domain.tier_model.expression.shortfall import shortfall
from domain.tier_model.expression.sql import SqlColumn, to_sql
from domain.tier_model.expression.sql_text import Dialect
from domain.tier_model.expression.tree import (
    Compare,
    IsNull,
    Membership,
    Name,
    Node,
    Tag,
    children,
    is_fixed,
    names_in,
    shared,
    text_of,
    walk,
)
from domain.tier_model.expression.vector import evaluate, tag_column


class Condition:
    """A parsed, typed condition. Immutable. Three-valued: only true matches."""

    __slots__ = ("names", "tags", "text", "tree")

    def __init__(self, tree: Node) -> None:
        self.tree = tree
        self.text = text_of(tree)  # the normal form
        self.names = names_in(tree)
        self.tags = frozenset(part.name for part in walk(tree) if isinstance(part, Tag))

    def __repr__(self) -> str:
        return f"Condition({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self.tree == other.tree

    def __hash__(self) -> int:
        return hash(self.tree)

    def sharing(self, pool: dict[Node, Node]) -> "Condition":
        """The same condition, whose parts are one with equal parts of others that share the pool."""
        return Condition(shared(self.tree, pool))

    def evaluate(self, columns: Mapping[str, Column], size: int, known: dict[int, Column] | None = None) -> Column:
        """A boolean column of `size` values, null where the condition is neither true nor false.

        columns: one for every name of the condition (tags under tag_column(tag)). Raises KeyError for a missing one.
        known: what parts came out as, for conditions that share them; given along for the same columns alone.
        """
        column = evaluate(self.tree, columns, size, known)
        if column.values.dtype.kind == "b":
            return column
        held = [truth(column.item(row)) for row in range(size)]
        return Column(
            np.array([bool(value) for value in held], np.bool_),
            np.array([value is not None for value in held], np.bool_),
        )

    def matches(self, columns: Mapping[str, Column], size: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Where the condition is true."""
        column = self.evaluate(columns, size)
        return np.asarray(column.values & column.valid)

    def holds(self, row: Mapping[str, Scalar], tags: Collection[str] = ()) -> bool | None:
        """The truth value for one row of plain values; a name that is not in the row is null."""
        return truth(value_of(self.tree, row, tags))

    def shortfall(self, row: Mapping[str, Scalar], tags: Collection[str] = ()) -> list[dict[str, Any]]:
        """The fewest parts missing for it to be true of the row, as [{of, is, needs, missing}]; empty when true."""
        return shortfall(self.tree, row, tags)

    def thresholds(self, name: str) -> list[int | float] | None:
        """The constants that a name is compared with, ascending; empty when it is not read.

        None when it is read in any other way than beside constants (=, <>, <, <=, >, >=, between, in, is null).
        """
        found: set[int | float] = set()
        if not _collect(self.tree, name, found):
            return None
        return sorted(found)

    def to_opensearch(self, field_of: Callable[[str], SearchField], tags_field: str = "tags") -> dict[str, Any]:
        """A query that finds exactly the documents for which the condition is true.

        field_of: a name's field. Raises ConditionInvalid for what a search cannot do: comparing fields with fields, and
        arithmetic on fields.
        """
        return to_query(self.tree, field_of, tags_field)

    def to_sql(
        self, dialect: Dialect, column_of: Callable[[str], SqlColumn], tags_column: tuple[str, ...] = ("tags",)
    ) -> str:
        """A SQL boolean expression, for where, select or case: true, false and null where `evaluate` says so.

        dialect: duckdb, or spark (version 4, in ANSI mode or not). column_of: a name's column. tags_column: where a
        list of texts is, null for none. No row makes it fail: what leaves its range or is divided by zero is null.
        SQLGlot quotes names and texts. Mind that both engines take columns `a` and `A` for one; conditions do not.
        Raises ConditionInvalid for a column whose name Spark would replace (${...}).
        """
        return to_sql(self.tree, dialect, column_of, tags_column)


def compile_condition(text: str, names: Mapping[str, Type], *, currency: str = "USD") -> Condition:
    """A condition over declared names (features and scores). currency: of money(...), which becomes minor units.

    Raises ConditionInvalid with line and column, and nothing else, whatever the text.
    """
    return Condition(parse_condition(text, names, currency, tags=False))


def compile_fact_condition(text: str, currency: str) -> Condition:
    """A condition on one fact: `amount` is its money; any other name is an attribute, of the type the fact gives it.

    A comparison between values of different types is null. Raises ConditionInvalid.
    """
    return Condition(parse_condition(text, None, currency, tags=False))


def compile_segment(text: str, names: Mapping[str, Type], *, currency: str = "USD") -> Condition:
    """A segment: a condition over features, `tier.SCHEME` names and tag('x'). Raises ConditionInvalid."""
    return Condition(parse_condition(text, names, currency, tags=True))


def compile_recorded(text: str, currency: str) -> Condition:
    """A segment's condition in its normal form, as it was compiled once: the names in it need not be there any more.

    A name has the type that its value has; a comparison between values of different types is null.
    """
    return Condition(parse_condition(text, _Anything(), currency, tags=True))


class _Anything(dict[str, Type]):
    """Declares every name."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Type:
        return Type.scalar


def constant_value(node: Node) -> Scalar:
    """The value of a node that reads nothing."""
    return value_of(node, {})


def _collect(node: Node, name: str, found: set[int | float]) -> bool:
    """Gather the constants that the name is compared with; whether it is used in no other way."""
    match node:
        case Name():
            return node.name != name
        case Compare(left=Name(name=read), right=other) | Compare(left=other, right=Name(name=read)) if (
            read == name and is_fixed(other)
        ):
            _keep(other, found)
            return True
        case Membership(operand=Name(name=read)) if read == name and all(map(is_fixed, node.options)):
            for option in node.options:
                _keep(option, found)
            return True
        case IsNull(operand=Name()):
            return True
        case _:
            return all(_collect(child, name, found) for child in children(node))


def _keep(node: Node, found: set[int | float]) -> None:
    value = constant_value(node)
    if isinstance(value, int | float) and not isinstance(value, bool):
        found.add(value)


__all__ = [
    "Condition",
    "compile_condition",
    "compile_fact_condition",
    "compile_recorded",
    "compile_segment",
    "tag_column",
]
