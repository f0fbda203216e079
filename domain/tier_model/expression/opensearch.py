"""Conditions as OpenSearch queries: exactly the documents for which they are true, with SQL's three-valued logic.

Every `not` is pushed down to the comparisons first, and a comparison matches only documents that have the field, so no
negation ever meets a missing field.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from domain.tier_model.column import Scalar, Type
from domain.tier_model.expression.bounds import beside_fraction, beside_whole
from domain.tier_model.expression.fault import ConditionInvalid
from domain.tier_model.expression.scalar import value_of
from domain.tier_model.expression.tree import (
    MIRRORED,
    And,
    Compare,
    Constant,
    IsNull,
    Membership,
    Name,
    Node,
    Not,
    Or,
    Tag,
    affirmed,
    is_fixed,
    text_of,
)

Query = dict[str, Any]
ALL: Query = {"match_all": {}}
NONE: Query = {"match_none": {}}
_RANGES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
SCALAR_PARTS = {int: "whole", float: "fraction", str: "text", bool: "flag"}  # long, double, keyword, boolean


@dataclass(frozen=True, slots=True)
class SearchField:
    """Where a name is indexed.

    type integer, money: a long field (a double when fractional); number: double; text: keyword; boolean: boolean.
    type day: a long that holds the local day (days since 1970-01-01) that the days are counted from; `today` is the
    local day now, and the condition still reads days since.
    type scalar: an object with the sub-fields of SCALAR_PARTS, of which a document has the one that fits its value.
    fractional: a money field that holds averages.
    """

    path: str
    type: Type
    today: int | None = None
    fractional: bool = False


def to_query(node: Node, field_of: Callable[[str], SearchField], tags_field: str) -> Query:
    """The query of a condition. Raises ConditionInvalid for what cannot be searched."""
    return _Compiler(field_of, tags_field).query(affirmed(node))


@dataclass(frozen=True, slots=True)
class _Compiler:
    field_of: Callable[[str], SearchField]
    tags_field: str

    def query(self, node: Node) -> Query:
        """The documents for which the node, free of inner nots, is true."""
        if is_fixed(node):
            return ALL if value_of(node, {}) is True else NONE
        match node:
            case And():
                return {"bool": {"filter": [self.query(part) for part in node.parts]}}
            case Or():
                return {
                    "bool": {
                        "should": [self.query(part) for part in node.parts],
                        "minimum_should_match": 1,
                    }
                }
            case Compare():
                return self._comparison(node)
            case Membership():
                return _any([self.query(Compare("=", node.operand, option)) for option in node.options])
            case Not(operand=Membership() as inner):
                return _every([self.query(Compare("<>", inner.operand, option)) for option in inner.options])
            case IsNull():
                return _not(self._there(node.operand))
            case Not(operand=IsNull() as inner):
                return self._there(inner.operand)
            case Tag():
                return {"term": {self.tags_field: node.name}}
            case Not(operand=Tag() as inner):
                return _not({"term": {self.tags_field: inner.name}})
            case Name():
                return self._truth(node, True)
            case Not(operand=Name() as inner):
                return self._truth(inner, False)
            case _:
                raise _unsearchable(node)

    def _truth(self, node: Name, wanted: bool) -> Query:
        return self._comparison(Compare("=", node, Constant(wanted, Type.boolean)))

    def _there(self, node: Node) -> Query:
        if isinstance(node, Tag):
            return ALL
        if not isinstance(node, Name):
            raise _unsearchable(node)
        found = self.field_of(node.name)
        if found.type is not Type.scalar:
            return {"exists": {"field": found.path}}
        return _any([{"exists": {"field": f"{found.path}.{part}"}} for part in SCALAR_PARTS.values()])

    def _comparison(self, node: Compare) -> Query:
        op, left, right = node.op, node.left, node.right
        if is_fixed(left):
            op, left, right = MIRRORED[op], right, left
        if isinstance(left, Tag) and is_fixed(right):
            return self._tag(op, left, value_of(right, {}))
        if not isinstance(left, Name) or not is_fixed(right):
            raise _unsearchable(node)
        return _matching(self.field_of(left.name), op, value_of(right, {}))

    def _tag(self, op: str, node: Tag, bound: Scalar) -> Query:
        if not isinstance(bound, bool):
            return NONE
        return self.query(node if bound is (op == "=") else Not(node))


def _unsearchable(node: Node) -> ConditionInvalid:
    remedy = (
        "A search compares one field with one value: keep calculations to the values, and give a feature for the rest"
    )
    return ConditionInvalid(f"a search cannot work out {text_of(node)}", 1, 1, remedy, text_of(node))


def _matching(field: SearchField, op: str, bound: Scalar) -> Query:
    """Documents whose field stands so to the bound; null bounds and bounds of another type match none."""
    path, stored = field.path, field.type
    if bound is None:
        return NONE
    if stored is Type.scalar:
        return _any([_matching(part, op, bound) for part in _parts(path, bound)])
    if isinstance(bound, bool | str) or stored in (Type.text, Type.boolean):
        fits = (isinstance(bound, bool), isinstance(bound, str)) == (
            stored is Type.boolean,
            stored is Type.text,
        )
        return _exact(path, op, bound) if fits and not (isinstance(bound, bool) and op in _RANGES) else NONE
    if stored is Type.number or field.fractional:
        return _among_floats(path, op, bound)
    if stored is Type.day:
        return _among_days(field, op, bound)
    return _moved(path, beside_whole(op, bound))


def _parts(path: str, bound: Scalar) -> list[SearchField]:
    """The sub-fields of a scalar that can stand beside the bound."""
    if isinstance(bound, bool):
        return [SearchField(f"{path}.{SCALAR_PARTS[bool]}", Type.boolean)]
    if isinstance(bound, str):
        return [SearchField(f"{path}.{SCALAR_PARTS[str]}", Type.text)]
    return [
        SearchField(f"{path}.{SCALAR_PARTS[int]}", Type.integer),
        SearchField(f"{path}.{SCALAR_PARTS[float]}", Type.number),
    ]


def _exact(path: str, op: str, bound: Scalar) -> Query:
    if op == "=":
        return {"term": {path: bound}}
    if op == "<>":
        return {
            "bool": {
                "filter": [{"exists": {"field": path}}],
                "must_not": [{"term": {path: bound}}],
            }
        }
    return {"range": {path: {_RANGES[op]: bound}}}


def _moved(path: str, moved: tuple[str, float] | bool) -> Query:
    if isinstance(moved, bool):
        return {"exists": {"field": path}} if moved else NONE
    return _exact(path, *moved)


def _among_days(field: SearchField, op: str, bound: float) -> Query:
    """days since = today - day, so the day stands the other way round to today - bound."""
    if field.today is None:
        raise ValueError(f"the search field {field.path} counts days and needs today")
    return _moved(field.path, beside_whole(MIRRORED[op], field.today - Fraction(bound)))


def _among_floats(path: str, op: str, bound: float) -> Query:
    """A double field against any number. An index holds -0.0 to be below 0.0: a bound of zero takes in both."""
    moved = beside_fraction(op, bound)
    if isinstance(moved, bool) or moved[1] != 0:
        return _moved(path, moved)
    zero = {"range": {path: {"gte": -0.0, "lte": 0.0}}}
    if op == "=":
        return zero
    if op == "<>":
        return {"bool": {"filter": [{"exists": {"field": path}}], "must_not": [zero]}}
    return _exact(path, moved[0], -0.0 if moved[0] in ("<", ">=") else 0.0)


def _any(queries: list[Query]) -> Query:
    wanted = [query for query in queries if query != NONE]
    if len(wanted) <= 1:
        return wanted[0] if wanted else NONE
    terms = [query["term"] for query in wanted if "term" in query]
    if len(terms) == len(wanted) and len({next(iter(term)) for term in terms}) == 1:
        path = next(iter(terms[0]))
        return {"terms": {path: [term[path] for term in terms]}}
    return {"bool": {"should": wanted, "minimum_should_match": 1}}


def _every(queries: list[Query]) -> Query:
    return NONE if NONE in queries else {"bool": {"filter": queries}}


def _not(query: Query) -> Query:
    return NONE if query == ALL else {"bool": {"must_not": [query]}}
