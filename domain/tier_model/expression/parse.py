"""Tokens to a typed tree: SQLGlot parses, this file lets through what a condition may hold and checks its types."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parser import Parser

from domain.tier_model.column import Type
from domain.tier_model.currency import exponent, minor_units
from domain.tier_model.expression.fault import ConditionInvalid, invalid_at
from domain.tier_model.expression.tokens import tokenise
from domain.tier_model.expression.tree import (
    And,
    Arithmetic,
    Coalesce,
    Compare,
    Constant,
    IsNull,
    Membership,
    Name,
    Negative,
    Node,
    Not,
    Or,
    Tag,
    text_of,
)

MAX_DEPTH = 60
_INT64_LIMIT = 2**63
_COMPARISONS: dict[type, str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC: dict[type, str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_PLAIN = {Type.integer, Type.number, Type.day}
_OPEN = {None, Type.scalar}


def parse_condition(text: str, names: Mapping[str, Type] | None, currency: str, tags: bool) -> Node:
    """A condition's tree. names None: every name is an attribute whose type is not known, but for `amount`.

    Raises ConditionInvalid, and nothing else, whatever the text.
    """
    try:
        statements = Parser().parse(tokenise(text), text)
        if len(statements) != 1 or statements[0] is None:
            raise invalid_at(
                text,
                0,
                "it is not one condition",
                "Write one condition such as orders >= 3",
            )
        reader = _Reader(text, names, currency, tags)
        node = reader.node(statements[0], 0)
        reader.want_truth(statements[0], node)
    except ParseError as problem:
        raise _misread(text, problem) from None
    except (SqlglotError, RecursionError):
        raise invalid_at(text, 0, "it cannot be read", "Write it more simply, with fewer levels") from None
    return node


def _misread(text: str, problem: ParseError) -> ConditionInvalid:
    details = problem.errors[0] if problem.errors else {}
    highlight = str(details.get("highlight") or "")
    context = str(details.get("start_context") or "")
    offset = len(context) if text.startswith(context) else max(text.find(highlight), 0)
    return invalid_at(
        text,
        offset,
        "it breaks off or does not fit together here",
        "Check operators and parentheses",
        highlight,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    text: str
    names: Mapping[str, Type] | None
    currency: str
    tags: bool

    # ---------------------------------------------------------------------------------------------------------- nodes

    def node(self, part: exp.Expr, depth: int) -> Node:
        """One expression of SQLGlot's as a node of ours."""
        if depth > MAX_DEPTH:
            raise self.fault(
                part,
                "it is nested too deeply or has too long a chain of signs",
                "Write it more simply",
            )
        match part:
            case exp.Paren():
                return self.node(part.this, depth + 1)
            case exp.Column() | exp.Identifier() | exp.Dot():
                return self._name(part)
            case exp.Literal():
                return self._literal(part)
            case exp.Boolean():
                return Constant(bool(part.this), Type.boolean)
            case exp.Null():
                return Constant(None, None)
            case exp.And() | exp.Or():
                return self._connected(part, depth)
            case exp.Not():
                operand = self.node(part.this, depth + 1)
                self.want_truth(part.this, operand)
                return Not(operand)
            case exp.Between():
                return self._between(part, depth)
            case exp.In():
                return self._membership(part, depth)
            case exp.Is():
                return self._is(part, depth)
            case exp.Neg():
                return self._negative(part, depth)
            case exp.Coalesce():
                return self._coalesce(part, depth)
            case exp.Anonymous():
                return self._function(part)
            case _ if type(part) in _COMPARISONS:
                return self._compare(part, _COMPARISONS[type(part)], part.this, part.expression, depth)
            case _ if type(part) in _ARITHMETIC:
                return self._arithmetic(part, depth)
            case _:
                raise self.fault(
                    part,
                    "this has no place in a condition",
                    "Compare names with values",
                )

    def _name(self, part: exp.Expr) -> Node:
        pieces = part.parts if isinstance(part, exp.Column | exp.Dot) else [part]
        if not all(isinstance(piece, exp.Identifier) and piece.name for piece in pieces):
            raise self.fault(part, "this is no name", "Write a name such as orders or tier.value")
        name = ".".join(piece.name for piece in pieces)
        if self.names is None:
            return Name(name, Type.money if name == "amount" else Type.scalar)
        if name not in self.names:
            near = get_close_matches(name, self.names, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            known = ", ".join(sorted(self.names)[:30]) or "none"
            raise self.fault(part, f"there is no {name}", f"{hint}Known names: {known}", name)
        return Name(name, self.names[name])

    def _literal(self, part: exp.Literal) -> Constant:
        written = str(part.this)
        if part.is_string:
            return Constant(written, Type.text)
        if written.isdigit():
            digits = written.lstrip("0") or "0"
            if len(digits) > 19 or int(digits) >= _INT64_LIMIT:
                raise self.fault(
                    part,
                    "a number is larger than 64 bits hold",
                    "Write a smaller number",
                    written,
                )
            return Constant(int(digits), Type.integer)
        value = float(written)
        if not math.isfinite(value):
            raise self.fault(part, "a number is too large", "Write a smaller number", written)
        return Constant(value, Type.number)

    def _connected(self, part: exp.Expr, depth: int) -> Node:
        """a and b and c: SQLGlot chains them to the left, as deep as there are parts; here they are one list."""
        kind = type(part)
        pending, parts = [part], list[exp.Expr]()
        while pending:
            piece = pending.pop()
            if type(piece) is kind:
                pending += [piece.expression, piece.this]
            else:
                parts.append(piece)
        nodes = []
        for piece in parts:
            node = self.node(piece, depth + 1)
            self.want_truth(piece, node)
            nodes += list(node.parts) if isinstance(node, And if kind is exp.And else Or) else [node]
        return And(tuple(nodes)) if kind is exp.And else Or(tuple(nodes))

    def _compare(self, part: exp.Expr, op: str, left: exp.Expr, right: exp.Expr, depth: int) -> Compare:
        mine, other = self.node(left, depth + 1), self.node(right, depth + 1)
        self._want_same(part, mine, other)
        if op not in ("=", "<>") and Type.boolean in (mine.type, other.type):
            raise self.fault(part, "true and false have no order", "Compare them with = or <>")
        return Compare(op, mine, other)

    def _between(self, part: exp.Between, depth: int) -> And:
        if part.args.get("symmetric"):
            raise self.fault(part, "this has no place in a condition", "Write between low and high")
        low, high = part.args["low"], part.args["high"]
        return And(
            (
                self._compare(part, ">=", part.this, low, depth),
                self._compare(part, "<=", part.this, high, depth),
            )
        )

    def _membership(self, part: exp.In, depth: int) -> Membership:
        if not part.expressions or any(part.args.get(key) for key in ("query", "unnest", "field")):
            raise self.fault(part, "in needs a list of values", "Write name in (1, 2, 3)")
        operand = self.node(part.this, depth + 1)
        options = tuple(self.node(option, depth + 1) for option in part.expressions)
        for written, option in zip(part.expressions, options, strict=True):
            self._want_same(written, operand, option)
        return Membership(operand, options)

    def _is(self, part: exp.Is, depth: int) -> IsNull:
        if not isinstance(part.expression, exp.Null):
            raise self.fault(
                part,
                "only null can be asked for with is",
                "Write is null, is not null, or = true",
            )
        return IsNull(self.node(part.this, depth + 1))

    # ----------------------------------------------------------------------------------------------------- arithmetic

    def _negative(self, part: exp.Neg, depth: int) -> Node:
        operand = self.node(part.this, depth + 1)
        self._want_number(part, operand)
        if isinstance(operand, Constant) and isinstance(operand.value, int | float):
            return Constant(-operand.value, operand.type, operand.currency)
        return Negative(operand, operand.type)

    def _arithmetic(self, part: exp.Expr, depth: int) -> Node:
        op = _ARITHMETIC[type(part)]
        left, right = (
            self.node(part.this, depth + 1),
            self.node(part.expression, depth + 1),
        )
        self._want_number(part, left)
        self._want_number(part, right)
        if op == "/" and isinstance(right, Constant) and right.value == 0 and right.value is not None:
            raise self.fault(
                part.expression,
                "it divides by zero",
                "Divide by something that can be other than zero",
                0,
            )
        return Arithmetic(op, left, right, self._result(part, op, left, right))

    def _result(self, part: exp.Expr, op: str, left: Node, right: Node) -> Type | None:
        mine, other = left.type, right.type
        if mine in _OPEN or other in _OPEN:
            return Type.scalar
        money = (mine is Type.money, other is Type.money)
        if op in "+-":
            self._want_same(part, left, right)
        elif op == "*" and all(money):
            raise self.fault(part, "it multiplies money by money", "Multiply money by a plain number")
        elif op == "/" and money == (False, True):
            raise self.fault(
                part,
                "it divides a plain number by money",
                "Divide money by money or by a plain number",
            )
        elif op == "/" and all(money):
            return Type.number
        if any(money):
            return Type.money
        return Type.number if op == "/" or Type.number in (mine, other) else Type.integer

    def _coalesce(self, part: exp.Coalesce, depth: int) -> Node:
        written = [part.this, *part.expressions]
        options = tuple(self.node(option, depth + 1) for option in written)
        types = {option.type for option in options} - {None}
        for place, option in zip(written[1:], options[1:], strict=True):
            self._want_same(place, options[0], option)
        if len(types) <= 1:
            return Coalesce(options, next(iter(types), None))
        return Coalesce(options, Type.scalar if Type.scalar in types else Type.number)

    def _function(self, part: exp.Anonymous) -> Node:
        given = part.expressions
        if part.name == "money":
            return self._money(part, given)
        if len(given) != 1 or not isinstance(given[0], exp.Literal) or not given[0].is_string or not given[0].this:
            raise self.fault(part, f"{part.name} needs one text", "Write tag('vip')")
        if not self.tags:
            raise self.fault(
                part,
                "tags cannot be read here",
                "Ask for tags in a rule or a segment",
                given[0].this,
            )
        return Tag(str(given[0].this))

    def _money(self, part: exp.Anonymous, given: list[exp.Expr]) -> Constant:
        sample = "money(1000.00)" if exponent(self.currency) else "money(1000)"
        written = given[0] if len(given) == 1 else None
        sign = -1 if isinstance(written, exp.Neg) else 1
        amount = written.this if isinstance(written, exp.Neg) else written
        if not isinstance(amount, exp.Literal) or amount.is_string or "e" in str(amount.this).lower():
            raise self.fault(part, "money needs one plain amount", f"Write {sample}")
        try:
            return Constant(
                sign * minor_units(str(amount.this), self.currency),
                Type.money,
                self.currency,
            )
        except ValueError as problem:
            raise self.fault(part, str(problem), f"Write {sample}", str(amount.this)) from None

    # ---------------------------------------------------------------------------------------------------------- types

    def want_truth(self, part: exp.Expr, node: Node) -> None:
        """Refuse what is neither true nor false."""
        if node.type not in {Type.boolean, *_OPEN}:
            raise self.fault(
                part,
                f"{text_of(node)} is {node.type}, neither true nor false",
                "Compare it with a value",
            )

    def _want_number(self, part: exp.Expr, node: Node) -> None:
        if node.type not in {*_PLAIN, Type.money, *_OPEN}:
            raise self.fault(
                part,
                f"{text_of(node)} is {node.type}, no number",
                "Calculate with numbers only",
            )

    def _want_same(self, part: exp.Expr, left: Node, right: Node) -> None:
        mine, other = left.type, right.type
        if mine in _OPEN or other in _OPEN or mine is other:
            return
        if Type.money in (mine, other) and {mine, other} - {Type.money} <= _PLAIN:
            bare, money = (left, right) if other is Type.money else (right, left)
            raise self.fault(
                part,
                f"a bare number, {text_of(bare)}, stands beside money, {text_of(money)}",
                f"Write an amount as money({'1000.00' if exponent(self.currency) else '1000'})",
                text_of(bare),
            )
        if {mine, other} <= _PLAIN:
            return
        raise self.fault(
            part,
            f"{text_of(left)} is {mine}, {text_of(right)} is {other}",
            "Compare like with like",
            text_of(right),
        )

    def fault(self, part: exp.Expr, message: str, remedy: str, value: object = None) -> ConditionInvalid:
        """A ConditionInvalid at the leftmost place in the part that SQLGlot remembers."""
        starts = [piece.meta["start"] for piece in part.walk() if "start" in piece.meta]
        return invalid_at(self.text, min(starts, default=0), message, remedy, value)
