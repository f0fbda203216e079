"""Conditions in words, from the parsed tree."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.tier_model.column import Scalar, Type
from domain.tier_model.expression import Condition
from domain.tier_model.expression.tree import (
    MIRRORED,
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
    affirmed,
    is_fixed,
)
from domain.tier_model.names import TIER
from domain.tier_model.spec import CutScore
from domain.tier_model.words.vocabulary import Vocabulary

NameInWords = Callable[[Vocabulary, str], str]


def rule_in_words(words: Vocabulary, condition: Condition, name_of: NameInWords) -> str:
    """A rule's condition. A score beside a number also says which values of its feature that is."""
    return _Speaker(words, lambda name: _of_rule(words, name, name_of), True).said(affirmed(condition.tree))


def facts_in_words(words: Vocabulary, condition: Condition) -> str:
    """A condition on facts: names are attributes."""

    def name_of(name: str) -> str:
        return words.say("amount") if name == "amount" else name

    return _Speaker(words, name_of, False).said(affirmed(condition.tree))


def cut_range(score: CutScore, op: str, bound: int) -> tuple[Scalar, Scalar] | None:
    """Which values of the feature give `score op bound`: above the one, at most the other; None for an open end.

    None when it is all values, none, or no one stretch of them.
    """
    if score.cuts == "fitted":
        return None
    best = len(score.cuts) + 1
    lowest, highest = {
        "=": (bound, bound),
        ">=": (bound, best),
        ">": (bound + 1, best),
        "<=": (1, bound),
        "<": (1, bound - 1),
    }.get(op, (1, best))
    lowest, highest = max(lowest, 1), min(highest, best)
    if lowest > highest or (lowest, highest) == (1, best):
        return None
    if score.best == "low":
        lowest, highest = best + 1 - highest, best + 1 - lowest
    return (
        score.cuts[lowest - 2] if lowest > 1 else None,
        score.cuts[highest - 1] if highest < best else None,
    )


def _of_rule(words: Vocabulary, name: str, name_of: NameInWords) -> str:
    if name.startswith(TIER):
        return words.say("tier of", scheme=name.removeprefix(TIER))
    return name_of(words, name)


@dataclass(frozen=True, slots=True)
class _Speaker:
    """name_of: a name in words. of_model: names are the model's own."""

    words: Vocabulary
    name_of: Callable[[str], str]
    of_model: bool

    def said(self, node: Node) -> str:
        """A condition, free of inner nots."""
        say = self.words.say
        match node:
            case And():
                return self.words.joined((self._inner(part, Or) for part in node.parts), "and")
            case Or():
                return self.words.joined((self._inner(part, And) for part in node.parts), "or")
            case Compare():
                return self._comparison(node)
            case Membership():
                return say("in", left=self._value(node.operand), right=self._options(node))
            case Not(operand=Membership() as inner):
                return say("not in", left=self._value(inner.operand), right=self._options(inner))
            case IsNull():
                return say("null", left=self._value(node.operand))
            case Not(operand=IsNull() as inner):
                return say("not null", left=self._value(inner.operand))
            case Tag():
                return say("tag", name=say("quoted", text=node.name))
            case Not(operand=Tag() as inner):
                return say("no tag", name=say("quoted", text=inner.name))
            case Not():
                return say("false", what=self._value(node.operand))
            case _:
                return say("true", what=self._value(node))

    def _inner(self, part: Node, other: type) -> str:
        told = self.said(part)
        return self.words.say("bracketed", what=told) if isinstance(part, other) else told

    def _comparison(self, node: Compare) -> str:
        op, left, right = node.op, node.left, node.right
        if is_fixed(left) and not is_fixed(right):
            op, left, right = MIRRORED[op], right, left
        type_ = self._type(left)
        told = self.words.say(op, left=self._value(left, type_), right=self._value(right, type_))
        more = self._of_score(op, left, right)
        return told if more is None else self.words.say("beside", what=told, more=more)

    def _of_score(self, op: str, left: Node, right: Node) -> str | None:
        """What a score beside a number asks of the feature that it is made of."""
        if not self.of_model or not isinstance(left, Name) or not isinstance(right, Constant):
            return None
        score = self.words.spec.scores.get(left.name)
        if not isinstance(score, CutScore) or type(right.value) is not int:
            return None
        found = cut_range(score, op, right.value)
        if found is None:
            return None
        low, high = found
        name, type_ = self.name_of(score.of), self.words.type_of(score.of)
        if low is None or high is None:
            op, cut = (">", low) if high is None else ("<=", high)
            return self.words.say(op, left=name, right=self.words.value(cut, type_))
        low_told, high_told = self.words.value(low, type_), self.words.value(high, type_)
        return self.words.say("between", left=name, low=low_told, high=high_told)

    def _options(self, node: Membership) -> str:
        type_ = self._type(node.operand)
        return self.words.joined((self._value(option, type_) for option in node.options), "comma")

    def _type(self, node: Node) -> Type | None:
        return self.words.type_of(node.name) if self.of_model and isinstance(node, Name) else node.type

    def _value(self, node: Node, beside: Type | None = None) -> str:
        """beside: the type of what it is compared with: a bare number beside money is minor units."""
        match node:
            case Constant():
                return self.words.value(node.value, node.type if node.type is Type.money else beside)
            case Name():
                return self.name_of(node.name)
            case Negative():
                return f"-{self._value(node.operand, beside)}"
            case Arithmetic():
                inner = [
                    self.words.say("bracketed", what=self._value(part))
                    if isinstance(part, Arithmetic)
                    else self._value(part, beside)
                    for part in (node.left, node.right)
                ]
                return f"{inner[0]} {node.op} {inner[1]}"
            case Coalesce():
                options = self.words.joined((self._value(option, beside) for option in node.options), "comma")
                return self.words.say("coalesce", options=options)
            case _:
                return self.words.say("bracketed", what=self.said(node))

    def _operand(self, node: Node, beside: Type | None) -> str:
        told = self._value(node, beside)
        return self.words.say("bracketed", what=told) if isinstance(node, Arithmetic) else told
