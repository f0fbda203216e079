"""The condition language, read by recursive descent and answered for one set of values. Rule: "Rules" of the semantics.

"Conditions are SQL with three-valued logic; only true matches. `/` is float64, by zero null; int64 overflow is null;
integers compare exactly." Unknown is None. A value is int, float, str, bool or None. A lookup is also asked for
`tier.SCHEME`, and for `tag('NAME')`, which it answers with True or False.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

Value = int | float | str | bool | None
Lookup = Callable[[str], Value]
Node = tuple  # ("name", ...) trees, private to this module
Answer = Callable[[Lookup], Value]

_TOKEN = re.compile(
    r"\s*(?:(\d+\.\d+|\d+)|('(?:[^']|'')*')|([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(<>|!=|<=|>=|[-=<>+*/(),]))"
)
_MINOR_DIGITS = {"JPY": 0, "KRW": 0, "KWD": 3}  # every other currency of the tests has two


def holds(condition: str, lookup: Lookup, currency: str) -> bool | None:
    """True, False or None. `lookup` gives a name's value; money(…) becomes minor units of `currency`."""
    answer = _read(condition, currency)(lookup)
    assert answer is None or isinstance(answer, bool), f"not a condition: {condition}"
    return answer


@lru_cache(maxsize=4096)
def _read(condition: str, currency: str) -> Answer:
    return _answer(_Parser(condition).whole(), 10 ** _MINOR_DIGITS.get(currency, 2))


def money(amount: str, currency: str) -> int:
    """'10.00' in minor units."""
    return int(Decimal(amount) * 10 ** _MINOR_DIGITS.get(currency, 2))


@lru_cache(maxsize=4096)
def names_in(condition: str) -> frozenset[str]:
    """Every name and tag that is read, as a lookup is asked for it."""

    def names(node: Node) -> set[str]:
        if node[0] in ("name", "tag"):
            return {_asked(node)}
        return set().union(*(names(part) for part in node[1:] if isinstance(part, tuple)))

    return frozenset(names(_Parser(condition).whole()))


class _Parser:
    def __init__(self, condition: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while at < len(condition.rstrip()):
            match = _TOKEN.match(condition, at)
            assert match, f"cannot read {condition!r} from {condition[at:]!r}"
            self.tokens.append(match.group().strip())
            at = match.end()
        self.at = 0

    def whole(self) -> Node:
        tree = self.disjunction()
        assert self.at == len(self.tokens), f"left over: {self.tokens[self.at :]}"
        return tree

    def disjunction(self) -> Node:
        tree = self.conjunction()
        while self.take("or"):
            tree = ("or", tree, self.conjunction())
        return tree

    def conjunction(self) -> Node:
        tree = self.negation()
        while self.take("and"):
            tree = ("and", tree, self.negation())
        return tree

    def negation(self) -> Node:
        return ("not", self.negation()) if self.take("not") else self.predicate()

    def predicate(self) -> Node:
        left = self.sum()
        if self.take("is"):
            negated = self.take("not")
            self.must("null")
            return ("not", ("is null", left)) if negated else ("is null", left)
        negated = self.take("not")
        if self.take("between"):
            low = self.sum()
            self.must("and")
            tree: Node = ("and", (">=", left, low), ("<=", left, self.sum()))
        elif self.take("in"):
            self.must("(")
            choices = [self.sum()]
            while self.take(","):
                choices.append(self.sum())
            self.must(")")
            tree = ("=", left, choices[0])
            for choice in choices[1:]:
                tree = ("or", tree, ("=", left, choice))
        else:
            assert not negated, "not what?"
            for sign in ("=", "<>", "!=", "<=", ">=", "<", ">"):
                if self.take(sign):
                    return (sign.replace("!=", "<>"), left, self.sum())
            return left
        return ("not", tree) if negated else tree

    def sum(self) -> Node:
        tree = self.product()
        while self.peek() in ("+", "-"):
            tree = (self.next(), tree, self.product())
        return tree

    def product(self) -> Node:
        tree = self.factor()
        while self.peek() in ("*", "/"):
            tree = (self.next(), tree, self.factor())
        return tree

    def factor(self) -> Node:
        if self.take("-"):
            return ("-", ("value", 0), self.factor())
        if self.take("("):
            tree = self.disjunction()
            self.must(")")
            return tree
        token = self.next()
        if token[0] == "'":
            return ("value", token[1:-1].replace("''", "'"))
        if token[0].isdigit():
            return ("value", float(token) if "." in token else int(token))
        word = token.lower()
        if word in ("true", "false", "null"):
            return ("value", {"true": True, "false": False, "null": None}[word])
        if not self.take("("):
            return ("name", token)
        if word == "money":
            amount = self.next()
            sign = amount == "-"
            number = Decimal(self.next() if sign else amount)
            self.must(")")
            return ("money", -number if sign else number)
        arguments = [self.disjunction()]
        while self.take(","):
            arguments.append(self.disjunction())
        self.must(")")
        return (word, *arguments)

    def peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def take(self, word: str) -> bool:
        found = self.peek()
        if found is not None and found.lower() == word:
            self.at += 1
            return True
        return False

    def must(self, word: str) -> None:
        assert self.take(word), f"expected {word!r}, not {self.peek()!r}"


def _answer(node: Node, minor: int) -> Answer:
    """The tree as nested functions: both sides of every operation are always answered."""
    kind, *parts = node
    if kind in ("value", "money"):
        value = parts[0] if kind == "value" else int(parts[0] * minor)
        return lambda lookup: value
    if kind in ("name", "tag"):
        name = _asked(node)
        return lambda lookup: lookup(name)
    operation, answers = _OPERATIONS[kind], [_answer(part, minor) for part in parts]
    if len(answers) == 1:
        return lambda lookup: operation(answers[0](lookup))
    if len(answers) == 2:
        left, right = answers
        return lambda lookup: operation(left(lookup), right(lookup))
    return lambda lookup: operation(*(answer(lookup) for answer in answers))


def _asked(node: Node) -> str:
    return node[1] if node[0] == "name" else f"tag('{node[1][1]}')"


def _both(operation: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    return lambda left, right: None if left is None or right is None else operation(left, right)


def _and(left: Value, right: Value) -> Value:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _not(value: Value) -> Value:
    return None if value is None else not value


def _fits(value: Value) -> Value:
    """Rule: "int64 overflow is null"."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return None
    return value


def _first_known(*values: Value) -> Value:
    return next((value for value in values if value is not None), None)


_OPERATIONS: dict[str, Callable[..., Value]] = {
    "and": _and,
    "or": lambda left, right: _not(_and(_not(left), _not(right))),
    "not": _not,
    "is null": lambda value: value is None,
    "=": _both(lambda left, right: left == right),
    "<>": _both(lambda left, right: left != right),
    "<": _both(lambda left, right: left < right),
    "<=": _both(lambda left, right: left <= right),
    ">": _both(lambda left, right: left > right),
    ">=": _both(lambda left, right: left >= right),
    "+": _both(lambda left, right: _fits(left + right)),
    "-": _both(lambda left, right: _fits(left - right)),
    "*": _both(lambda left, right: _fits(left * right)),
    "/": _both(lambda left, right: None if right == 0 else float(left) / float(right)),
    "coalesce": _first_known,
}
