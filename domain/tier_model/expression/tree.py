"""The parsed condition: a small typed tree that every compiler and evaluator walks, and its normal text."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from domain.tier_model.column import Scalar, Type
from domain.tier_model.currency import major_units

KEYWORDS = frozenset("and or not in is null true false between".split())  # noqa: SIM905 - reads as the list it is
FUNCTIONS = frozenset({"coalesce", "money", "tag"})
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is written out. type None is null's. currency: of a money amount, which is held in minor units."""

    value: Scalar
    type: Type | None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """A feature, score or attribute."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Tag:
    """Whether the user has a tag; never null."""

    name: str
    type: Type = Type.boolean


@dataclass(frozen=True, slots=True)
class Negative:
    """-operand."""

    operand: "Node"
    type: Type | None


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """left op right; op is one of + - * /."""

    op: str
    left: "Node"
    right: "Node"
    type: Type | None


@dataclass(frozen=True, slots=True)
class Coalesce:
    """The first of the options that is not null."""

    options: tuple["Node", ...]
    type: Type | None


@dataclass(frozen=True, slots=True)
class Compare:
    """left op right; op is one of = <> < <= > >=."""

    op: str
    left: "Node"
    right: "Node"
    type: Type = Type.boolean


@dataclass(frozen=True, slots=True)
class Membership:
    """operand in (options)."""

    operand: "Node"
    options: tuple["Node", ...]
    type: Type = Type.boolean


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether the operand is null; never null itself."""

    operand: "Node"
    type: Type = Type.boolean


@dataclass(frozen=True, slots=True)
class Not:
    """not operand."""

    operand: "Node"
    type: Type = Type.boolean


@dataclass(frozen=True, slots=True)
class And:
    """All parts."""

    parts: tuple["Node", ...]
    type: Type = Type.boolean


@dataclass(frozen=True, slots=True)
class Or:
    """Any part."""

    parts: tuple["Node", ...]
    type: Type = Type.boolean


Node = Constant | Name | Tag | Negative | Arithmetic | Coalesce | Compare | Membership | IsNull | Not | And | Or

OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
MIRRORED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below, as written."""
    match node:
        case Negative() | IsNull() | Not():
            return (node.operand,)
        case Arithmetic() | Compare():
            return (node.left, node.right)
        case Coalesce():
            return node.options
        case Membership():
            return (node.operand, *node.options)
        case And() | Or():
            return node.parts
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(children(node)))


def shared(node: Node, pool: dict[Node, Node]) -> Node:
    """The same tree, whose equal parts are one object: with each other, and with whatever is in the pool."""
    parts: dict[str, Any] = {}
    for name in ("operand", "left", "right"):
        if hasattr(node, name):
            parts[name] = shared(getattr(node, name), pool)
    for name in ("parts", "options"):
        if hasattr(node, name):
            parts[name] = tuple(shared(part, pool) for part in getattr(node, name))
    mine: Node = replace(node, **parts) if parts else node
    return pool.setdefault(mine, mine)


def names_in(node: Node) -> frozenset[str]:
    """The names that are read; tags are not names."""
    return frozenset(part.name for part in walk(node) if isinstance(part, Name))


def is_fixed(node: Node) -> bool:
    """Whether it reads nothing, so that its value is the same for everybody."""
    return not any(isinstance(part, Name | Tag) for part in walk(node))


def negated(node: Node) -> Node:
    """`not node` with every `not` pushed down to where it meets a plain truth value; the same in three-valued logic."""
    match node:
        case Not():
            return affirmed(node.operand)
        case And():
            return Or(tuple(negated(part) for part in node.parts))
        case Or():
            return And(tuple(negated(part) for part in node.parts))
        case Compare():
            return Compare(OPPOSITE[node.op], node.left, node.right)
        case _:
            return Not(node)


def affirmed(node: Node) -> Node:
    """The node with every `not` in it pushed down likewise."""
    match node:
        case Not():
            return negated(node.operand)
        case And():
            return And(tuple(affirmed(part) for part in node.parts))
        case Or():
            return Or(tuple(affirmed(part) for part in node.parts))
        case _:
            return node


def text_of(node: Node) -> str:
    """The normal form of a condition: parsing it gives the same tree."""
    return _text(node)[0]


_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _ATOM = range(1, 8)
_LEVELS = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT}


def _text(node: Node) -> tuple[str, int]:
    """The text and how tightly it binds."""
    match node:
        case Constant():
            return _constant(node), _ATOM
        case Name():
            return quoted_name(node.name), _ATOM
        case Tag():
            return f"tag({_string(node.name)})", _ATOM
        case Negative():
            return f"-{_within(node.operand, _ATOM)}", _ATOM
        case Coalesce():
            return (
                f"coalesce({', '.join(text_of(option) for option in node.options)})",
                _ATOM,
            )
        case Arithmetic():
            level = _LEVELS[node.op]
            return (
                f"{_within(node.left, level)} {node.op} {_within(node.right, level + 1)}",
                level,
            )
        case Compare():
            return (
                f"{_within(node.left, _SUM)} {node.op} {_within(node.right, _SUM)}",
                _COMPARE,
            )
        case Membership():
            options = ", ".join(text_of(option) for option in node.options)
            return f"{_within(node.operand, _SUM)} in ({options})", _COMPARE
        case IsNull():
            return f"{_within(node.operand, _SUM)} is null", _COMPARE
        case Not(operand=IsNull() as inner):
            return f"{_within(inner.operand, _SUM)} is not null", _COMPARE
        case Not():
            return f"not {_within(node.operand, _ATOM)}", _NOT
        case And():
            return " and ".join(_within(part, _NOT) for part in node.parts), _AND
        case Or():
            return " or ".join(_within(part, _AND) for part in node.parts), _OR


def _within(node: Node, level: int) -> str:
    text, mine = _text(node)
    # A sign must not meet another one: two of them begin a comment.
    return text if mine >= level and not (level == _ATOM and text.startswith("-")) else f"({text})"


def _constant(node: Constant) -> str:
    if node.type is Type.money and isinstance(node.value, int):
        return f"money({major_units(node.value, node.currency)})"
    if isinstance(node.value, str):
        return _string(node.value)
    return json.dumps(node.value)


def _string(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """A name as it is written in a condition: quoted where it is no plain word."""
    return ".".join(
        part if _PLAIN_NAME.fullmatch(part) and part.lower() not in KEYWORDS | FUNCTIONS else _double_quoted(part)
        for part in name.split(".")
    )


def _double_quoted(part: str) -> str:
    return '"' + part.replace('"', '""') + '"'
