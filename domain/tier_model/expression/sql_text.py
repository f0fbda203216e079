"""What SQL is put together with, in any dialect: small trees of SQLGlot's, and their text."""

from collections.abc import Iterable
from functools import reduce
from typing import Literal

from sqlglot import exp

Dialect = Literal["duckdb", "spark"]
Expr = exp.Expr
_STAGE = 20  # levels
_COMPARISONS: dict[str, type[exp.Binary]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}


def comparison(op: str, left: Expr, right: Expr) -> Expr:
    """left op right."""
    return _COMPARISONS[op](this=wrapped(left.copy()), expression=wrapped(right.copy()))


def is_null(part: Expr) -> Expr:
    """part is null."""
    return exp.Is(this=wrapped(part.copy()), expression=exp.Null())


def all_null(parts: dict[str, Expr]) -> Expr:
    """That no part has a value."""
    return joined(exp.And, map(is_null, parts.values())) if parts else exp.true()


def opposite(part: Expr) -> Expr:
    """not part."""
    return exp.Not(this=wrapped(part))


def first_of(options: list[Expr]) -> Expr:
    """The first that is not null."""
    return exp.Coalesce(this=options[0], expressions=options[1:]) if len(options) > 1 else options[0]


def case_when(*branches: tuple[Expr, Expr]) -> Expr:
    """case when … then …, null without one that is true."""
    return exp.Case(ifs=[exp.If(this=when, true=then) for when, then in branches])


def joined(word: type[exp.Connector], parts: Iterable[Expr]) -> Expr:
    """The parts with `and` or `or` between them."""
    return reduce(lambda left, right: word(this=left, expression=right), map(wrapped, parts))


def wrapped(part: Expr) -> Expr:
    """In parentheses, where signs and words beside it could otherwise take it apart."""
    apart = isinstance(part, exp.Binary | exp.Not | exp.In) and not isinstance(part, exp.Dot)
    return exp.Paren(this=part) if apart else part


def text_in_stages(expression: Expr, dialect: Dialect) -> str:
    """The expression's text. SQLGlot writes recursively: what is deep is written from below, some levels at a time."""
    whole = expression.copy()
    heights: dict[int, int] = {}
    for node in reversed(list(whole.walk(bfs=False))):
        heights[id(node)] = 1 + max((heights[id(child)] for child in node.iter_expressions()), default=0)
        if heights[id(node)] > _STAGE and node is not whole:
            text = exp.Var(this=node.sql(dialect=dialect, copy=False))
            node.replace(text)
            heights[id(text)] = 1
    return whole.sql(dialect=dialect, copy=False)
