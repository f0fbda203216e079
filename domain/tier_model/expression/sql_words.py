"""What DuckDB and Spark say differently, and the few idioms that conditions are made of."""

from collections.abc import Callable, Collection
from functools import reduce
from itertools import islice

from sqlglot import exp

from domain.tier_model.column import Scalar
from domain.tier_model.expression.fault import ConditionInvalid
from domain.tier_model.expression.sql_text import Dialect, Expr, case_when

_SHORT = 24  # nodes of SQLGlot's that are rather repeated than bound
_LARGEST = 1.7976931348623157e308
_PART_TYPES = {"whole": "BIGINT", "fraction": "DOUBLE", "text": "VARCHAR", "flag": "BOOLEAN"}
_OPERATORS: dict[str, type[exp.Binary]] = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul, "/": exp.Div}
_CHECKED = {"+": "try_add", "-": "try_subtract", "*": "try_multiply"}
_SUBSTITUTED = "${"  # Spark puts a setting or an environment variable in the place of ${...}, in quotes too


class SqlWords:
    """One dialect's. used: the columns' identifiers, which no bound name may be one of."""

    def __init__(self, dialect: Dialect, used: Collection[str]) -> None:
        self._spark = dialect == "spark"
        self._prefix = "bound value "
        while any(name.lower().startswith(self._prefix) for name in used):
            self._prefix += "_"
        self._bound = 0

    # ------------------------------------------------------------------------------------------------ names and values

    def column(self, *path: str) -> Expr:
        """A column, of a table or a struct when the path is longer. Raises ConditionInvalid."""
        for name in path:
            if self._spark and _SUBSTITUTED in name:
                remedy = "Rename it: Spark would put a setting in its place"
                raise ConditionInvalid(f"a column for Spark cannot be called {name!r}", 1, 1, remedy, name)
        first, *rest = [exp.to_identifier(name, quoted=True) for name in path]
        start: Expr = exp.Column(this=first)
        return reduce(lambda outer, inner: exp.Dot(this=outer, expression=inner), rest, start)

    def literal(self, value: Scalar) -> Expr:
        """A value written out; null as a boolean."""
        if value is None:
            return exp.cast(exp.Null(), "BOOLEAN")
        if isinstance(value, bool):
            return exp.Boolean(this=value)
        return self._text(value) if isinstance(value, str) else self.number(value)

    def _text(self, value: str) -> Expr:
        if not self._spark or _SUBSTITUTED not in value:
            return exp.Literal.string(value)
        first, *rest = value.split(_SUBSTITUTED)
        pieces = [first + "$", *("{" + piece + "$" for piece in rest[:-1]), "{" + rest[-1]]
        return exp.Concat(expressions=[exp.Literal.string(piece) for piece in pieces])

    @staticmethod
    def number(value: float) -> Expr:
        """A whole number, or a DOUBLE: without an exponent a fraction would be a DECIMAL."""
        written = repr(abs(value))
        if isinstance(value, float) and "e" not in written:
            written += "e0"
        number = exp.Literal.number(written)
        return exp.Neg(this=number) if value < 0 else number

    def has(self, tags: Expr, tag: str) -> Expr:
        """Whether a list of texts has the tag; a list that is null has none."""
        return exp.Coalesce(this=exp.ArrayContains(this=tags, expression=self._text(tag)), expressions=[exp.false()])

    # ------------------------------------------------------------------------------------------------------ arithmetic

    def real(self, whole: Expr) -> Expr:
        """The DOUBLE nearest to a whole number."""
        return exp.cast(whole.copy(), "DOUBLE")

    def whole_of(self, fraction: Expr) -> Expr:
        """The whole number that a DOUBLE within 64 bits is."""
        return exp.TryCast(this=fraction.copy(), to=exp.DataType.build("BIGINT"), safe=True)

    def calculated(self, op: str, left: Expr, right: Expr) -> Expr:
        """Of two DOUBLEs; infinite or no number where that comes out. By zero: null, or one of these."""
        if op == "/" and self._spark:
            return exp.Anonymous(this="try_divide", expressions=[left, right])
        return exp.Paren(this=_OPERATORS[op](this=left, expression=right))

    def calculated_whole(self, op: str, left: Expr, right: Expr) -> Expr:
        """Of two whole numbers; null beyond 64 bits."""
        if self._spark:
            sides = [exp.cast(side.copy(), "BIGINT") for side in (left, right)]
            return exp.Anonymous(this=_CHECKED[op], expressions=sides)
        mine, other = (exp.cast(side.copy(), "INT128") for side in (left, right))
        wide = _OPERATORS[op](this=mine, expression=other)
        return exp.TryCast(this=wide, to=exp.DataType.build("BIGINT"), safe=True)

    def finite(self, fraction: Expr) -> Expr:
        """A DOUBLE, null when it is infinite or no number: both dialects hold NaN to be the largest number."""
        return self.bound(fraction, self._if_finite)

    def _if_finite(self, value: Expr) -> Expr:
        within = exp.LTE(this=exp.Abs(this=value.copy()), expression=self.number(_LARGEST))
        return case_when((within, value.copy()))

    def number_or_null(self, column: Expr) -> Expr:
        """A DOUBLE column, null where it holds no number, which both dialects hold to be equal to itself."""
        return exp.Nullif(this=column, expression=exp.cast(exp.Literal.string("NaN"), "DOUBLE"))

    # --------------------------------------------------------------------------------------------------------- binding

    def bound(self, value: Expr, body: Callable[[Expr], Expr]) -> Expr:
        """body, in which the value may be repeated: a long one is bound to a name, so that SQL grows no faster.

        Within an expression, SQL binds a value only as the parameter of a function over a list.
        """
        if sum(1 for _ in islice(value.walk(), _SHORT + 1)) <= _SHORT:
            return body(value)
        self._bound += 1
        name = exp.to_identifier(f"{self._prefix}{self._bound}", quoted=True)
        function = exp.Lambda(this=body(exp.Column(this=name.copy())), expressions=[name])
        many, one = ("transform", "element_at") if self._spark else ("list_transform", "list_extract")
        applied = exp.Anonymous(this=many, expressions=[exp.Array(expressions=[value]), function])
        return exp.Anonymous(this=one, expressions=[applied, exp.Literal.number(1)])

    def packed(self, parts: dict[str, Expr]) -> Expr:
        """All four kinds as one struct."""
        fields = []
        for kind, type_ in _PART_TYPES.items():
            part = parts[kind].copy() if kind in parts else exp.Null()
            fields.append(exp.PropertyEQ(this=exp.to_identifier(kind, quoted=True), expression=exp.cast(part, type_)))
        return exp.Struct(expressions=fields)

    def unpacked(self, struct: Expr) -> dict[str, Expr]:
        """The parts of a struct."""
        return {
            kind: exp.Dot(this=struct.copy(), expression=exp.to_identifier(kind, quoted=True)) for kind in _PART_TYPES
        }
