"""Conditions as SQL, in DuckDB's dialect and in Spark's: true, false and null where the column executor says so.

A value is a handful of SQL expressions, one a kind (whole: BIGINT, fraction: DOUBLE, text, flag: BOOLEAN), of which at
most one is not null. Most values have one kind; an attribute of any type has four, and so may coalesce(...). SQLGlot
writes every name, text and number out: nothing of a user's ever becomes SQL by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlglot import exp

from domain.tier_model.column import Scalar, Type
from domain.tier_model.expression.bounds import beside_fraction, beside_whole
from domain.tier_model.expression.opensearch import SCALAR_PARTS
from domain.tier_model.expression.scalar import truth, value_of
from domain.tier_model.expression.sql_text import (
    Dialect,
    Expr,
    all_null,
    case_when,
    comparison,
    first_of,
    is_null,
    joined,
    opposite,
    text_in_stages,
    wrapped,
)
from domain.tier_model.expression.sql_words import SqlWords
from domain.tier_model.expression.tree import (
    MIRRORED,
    And,
    Arithmetic,
    Coalesce,
    Compare,
    IsNull,
    Membership,
    Name,
    Negative,
    Node,
    Not,
    Or,
    Tag,
    is_fixed,
    names_in,
)

Parts = dict[str, Expr]
_KINDS = ("whole", "fraction", "text", "flag")
_KIND_OF = {
    Type.integer: "whole",
    Type.money: "whole",
    Type.day: "whole",
    Type.number: "fraction",
    Type.text: "text",
    Type.boolean: "flag",
}


@dataclass(frozen=True, slots=True)
class SqlColumn:
    """Where a name is stored: column `name`, of a table or a struct when `within` names it (from the outermost in).

    type integer, day, money: BIGINT (money in minor units; DOUBLE when fractional, as averages are); number: DOUBLE;
    text: VARCHAR or STRING, compared by bytes of UTF-8; boolean: BOOLEAN. type scalar: a struct, or a table, called
    `name`, with the columns whole BIGINT, fraction DOUBLE, text and flag BOOLEAN, of which a row has at most one.
    """

    name: str
    type: Type
    within: tuple[str, ...] = ()
    fractional: bool = False


def to_sql(node: Node, dialect: Dialect, column_of: Callable[[str], SqlColumn], tags: tuple[str, ...]) -> str:
    """The condition as one SQL boolean expression. Raises ConditionInvalid for a column that Spark cannot name."""
    columns = {name: column_of(name) for name in sorted(names_in(node))}
    used = [*tags, *(part for column in columns.values() for part in (*column.within, column.name))]
    return text_in_stages(_Compiler(SqlWords(dialect, used), columns, tags).truth(node), dialect)


@dataclass(frozen=True, slots=True)
class _Value:
    """parts: by kind, all of them short when there are several. packed: instead of parts, one struct that has them.

    computed: the fraction may be infinite or none at all, which stands for null: checked where it matters.
    constant: the number, when it is one that is written out.
    """

    parts: Parts = field(default_factory=dict)
    packed: Expr | None = None
    computed: bool = False
    constant: int | float | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        return _KINDS if self.packed is not None else tuple(self.parts)


@dataclass(frozen=True, slots=True)
class _Compiler:
    words: SqlWords
    columns: dict[str, SqlColumn]
    tags: tuple[str, ...]

    # ---------------------------------------------------------------------------------------------------------- truth

    def truth(self, node: Node) -> Expr:
        """The node as a boolean."""
        if is_fixed(node):
            return self.words.literal(truth(value_of(node, {})))
        match node:
            case And():
                return joined(exp.And, map(self.truth, node.parts))
            case Or():
                return joined(exp.Or, map(self.truth, node.parts))
            case Not():
                return opposite(self.truth(node.operand))
            case Compare():
                return self._compare(node.op, self._value(node.left), self._value(node.right))
            case Membership():
                return self._among(self._value(node.operand), [self._value(option) for option in node.options])
            case IsNull():
                return self._open(self._value(node.operand), all_null)
            case Tag():
                return self.words.has(self.words.column(*self.tags), node.name)
            case _:
                return self._open(self._value(node), lambda parts: parts.get("flag", self.words.literal(None)))

    def _among(self, mine: _Value, options: list[_Value]) -> Expr:
        def either(parts: Parts) -> Expr:
            return joined(exp.Or, (self._compare("=", _Value(parts), option) for option in options))

        written = [self._written(mine.kinds, option) for option in options]
        if mine.kinds in (("whole",), ("text",)) and None not in written:
            return exp.In(this=wrapped(self._only(mine)), expressions=written)
        return self._open(mine, either)

    def _written(self, kinds: tuple[str, ...], option: _Value) -> Expr | None:
        """The option as an element of a list beside whole numbers or texts; None for what is no plain value there."""
        if not option.kinds:
            return exp.Null()
        if option.constant is not None and kinds == ("whole",):
            moved = beside_whole("=", option.constant)
            return None if isinstance(moved, bool) else self.words.literal(moved[1])
        part = option.parts.get("text")
        return part if isinstance(part, exp.Literal) and kinds == ("text",) else None

    # --------------------------------------------------------------------------------------------------------- values

    def _value(self, node: Node) -> _Value:
        if is_fixed(node):
            return self._constant(value_of(node, {}))
        match node:
            case Name():
                return self._column(self.columns[node.name])
            case Negative():
                return self._calculate("-", self._constant(0), self._value(node.operand))
            case Arithmetic():
                return self._calculate(node.op, self._value(node.left), self._value(node.right))
            case Coalesce():
                return self._coalesce([self._value(option) for option in node.options])
            case _:
                return _Value({"flag": self.truth(node)})

    def _constant(self, value: Scalar) -> _Value:
        if value is None:
            return _Value()
        number = None if isinstance(value, str | bool) else value
        return _Value({SCALAR_PARTS[type(value)]: self.words.literal(value)}, constant=number)

    def _path(self, column: SqlColumn, *part: str) -> Expr:
        return self.words.column(*column.within, column.name, *part)

    def _column(self, column: SqlColumn) -> _Value:
        if column.type is Type.scalar:
            parts: Parts = {kind: self._path(column, kind) for kind in _KINDS}
        else:
            parts = {"fraction" if column.fractional else _KIND_OF[column.type]: self._path(column)}
        if "fraction" in parts:
            parts["fraction"] = self.words.number_or_null(parts["fraction"])
        return _Value(parts)

    def _coalesce(self, options: list[_Value]) -> _Value:
        some = [option for option in options if option.kinds]
        kinds = {kind for option in some for kind in option.kinds}
        if len(some) <= 1:
            return some[0] if some else _Value()
        if len(kinds) > 1:
            return _Value(packed=first_of([self._open(option, self._packed_if_any) for option in some]))
        return _Value({kinds.pop(): first_of([self._only(option) for option in some])})

    def _packed_if_any(self, parts: Parts) -> Expr:
        return case_when((opposite(all_null(parts)), self.words.packed(parts)))

    def _only(self, value: _Value) -> Expr:
        """The one part of a value of one kind, good to read."""
        (part,) = value.parts.values()
        return self.words.finite(part) if value.computed else part

    def _open(self, value: _Value, body: Callable[[Parts], Expr]) -> Expr:
        """body of the value's parts, which it may repeat."""
        if value.packed is not None:
            return self.words.bound(value.packed, lambda held: body(self.words.unpacked(held)))
        if len(value.parts) != 1:
            return body(value.parts)
        kind = value.kinds[0]
        return self.words.bound(self._only(value), lambda part: body({kind: part}))

    # -------------------------------------------------------------------------------------------------------- compare

    def _compare(self, op: str, left: _Value, right: _Value) -> Expr:
        if left.constant is not None:
            op, left, right = MIRRORED[op], right, left
        number, alone = right.constant, len(left.kinds) == 1
        if number is not None and alone:
            return self._beside(op, {left.kinds[0]: self._only(left)}, number)
        if number is not None:
            return self._open(left, lambda parts: self._beside(op, parts, number))
        if alone and left.kinds == right.kinds:
            return self._any_pair(op, {left.kinds[0]: self._only(left)}, {left.kinds[0]: self._only(right)})
        return self._open(left, lambda mine: self._open(right, lambda other: self._any_pair(op, mine, other)))

    def _beside(self, op: str, parts: Parts, number: float) -> Expr:
        """Parts beside a number that is written out."""
        found = [
            self._moved(parts[kind], moved(op, number))
            for kind, moved in (("whole", beside_whole), ("fraction", beside_fraction))
            if kind in parts
        ]
        return first_of(found) if found else self.words.literal(None)

    def _moved(self, part: Expr, moved: tuple[str, float] | bool) -> Expr:
        if isinstance(moved, bool):
            return case_when((opposite(is_null(part)), self.words.literal(moved)))
        return comparison(moved[0], part, self.words.literal(moved[1]))

    def _any_pair(self, op: str, mine: Parts, other: Parts) -> Expr:
        """Of the pairs of parts that can be compared, at most one is not null."""
        found = [
            comparison(op, mine[kind], other[kind])
            for kind in _KINDS
            if kind in mine and kind in other and (kind != "flag" or op in ("=", "<>"))
        ]
        if "whole" in mine and "fraction" in other:
            found.append(self._whole_with_fraction(op, mine["whole"], other["fraction"]))
        if "fraction" in mine and "whole" in other:
            found.append(self._whole_with_fraction(MIRRORED[op], other["whole"], mine["fraction"]))
        return first_of(found) if found else self.words.literal(None)

    def _whole_with_fraction(self, op: str, whole: Expr, fraction: Expr) -> Expr:
        """Exact: rounding a whole number to the nearest DOUBLE keeps the order, so that only a tie needs a second look.

        A tie at 2^63, which no whole number reaches, came from a smaller one.
        """
        near = self.words.real(whole)
        beyond = self.words.literal(2.0**63)
        tie = comparison(op, whole, self.words.whole_of(fraction))
        return case_when(
            (comparison("<>", near, fraction), comparison(op, near, fraction)),
            (comparison("<", near, beyond), tie),
            (comparison("=", near, fraction), self.words.literal(op in ("<", "<=", "<>"))),
        )

    # ----------------------------------------------------------------------------------------------------- arithmetic

    def _calculate(self, op: str, left: _Value, right: _Value) -> _Value:
        mine, other = _numeric(left), _numeric(right)
        if not mine or not other:
            return _Value()
        if op == "/" or not ("whole" in mine and "whole" in other):
            divisor = self.words.finite(self._real(right)) if op == "/" and right.computed else self._real(right)
            return _Value({"fraction": self.words.calculated(op, self._real(left), divisor)}, computed=True)
        if left.kinds == right.kinds == ("whole",):
            return _Value({"whole": self.words.calculated_whole(op, left.parts["whole"], right.parts["whole"])})
        return _Value(
            packed=self._open(left, lambda ours: self._open(right, lambda theirs: self._either(op, ours, theirs)))
        )

    def _real(self, value: _Value) -> Expr:
        """A DOUBLE; of a computed one, as it came out."""
        if value.kinds == ("fraction",):
            return value.parts["fraction"]
        return self._open(value, self._real_of)

    def _real_of(self, parts: Parts) -> Expr:
        found = [parts["fraction"].copy()] if "fraction" in parts else []
        return first_of([*found, self.words.real(parts["whole"])] if "whole" in parts else found)

    def _either(self, op: str, mine: Parts, other: Parts) -> Expr:
        """A whole number of two whole numbers, else a fraction."""
        mixed = exp.Or(this=is_null(mine["whole"]), expression=is_null(other["whole"]))
        real = self.words.finite(self.words.calculated(op, self._real_of(mine), self._real_of(other)))
        whole = self.words.calculated_whole(op, mine["whole"], other["whole"])
        return self.words.packed({"whole": whole, "fraction": case_when((mixed, real))})


def _numeric(value: _Value) -> set[str]:
    return {"whole", "fraction"} & set(value.kinds)
