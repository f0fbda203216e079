"""Every case that conditions can tell apart.

A condition that compares names with constants cannot tell two values between the same two constants apart. So one value
for each such stretch, in every combination, stands for all users there can be: what holds in all cases holds for
everybody. A comparison of names with names, or of sums and the like, is hidden: true, false or null at will.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.tier_model.column import Column, Scalar, Type, column_of
from domain.tier_model.currency import major_units
from domain.tier_model.expression import Condition, tag_column
from domain.tier_model.expression.condition import constant_value
from domain.tier_model.expression.tree import (
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
    is_fixed,
    text_of,
    walk,
)
from domain.tier_model.lint.nesting import nested_pairs
from domain.tier_model.lint.reach import Reach
from domain.tier_model.lint.stretches import values_of
from domain.tier_model.spec import CutScore, TierModelSpec, WeightedScore

MAX_WORK = 2_000_000  # cases x parts of conditions: less than a second, also where texts are compared

Bools = NDArray[np.bool_]
Reaches = Mapping[str, Reach]


@dataclass(frozen=True, slots=True)
class Cases:
    """One case a row. shown: the names to spell a case with. Cases that differ in what is hidden alone lie together."""

    columns: dict[str, Column]
    size: int
    shown: tuple[str, ...]
    hidden: int
    possible: Bools
    reaches: Reaches
    currency: str

    def true(self, condition: Condition) -> Bools:
        """Where it is true. condition: one of those that the cases were made for."""
        plain = Condition(_plain(condition.tree, _Read()))
        return plain.matches(self.columns, self.size) & self.possible

    def surely(self, where: Bools) -> Bools:
        """Where it is so whatever is hidden."""
        always = (where | ~self.possible).reshape(-1, self.hidden).all(axis=1)
        return where & np.repeat(always, self.hidden)

    def spelled(self, where: Bools) -> str:
        """The first of these cases, such as orders 3, spend 20.00."""
        row = int(np.flatnonzero(where)[0])
        return ", ".join(f"{name} {self._value(name, row)}" for name in self.shown)

    def _value(self, name: str, row: int) -> str:
        value = self.columns[name].item(row)
        reach = self.reaches.get(name)
        if reach is not None and reach.type is Type.money and isinstance(value, int | float):
            return major_units(round(value), self.currency)
        if isinstance(value, str) and value.endswith("\0"):
            return "another text"
        return text_of(Constant(value, None))


@dataclass(slots=True)
class _Read:
    """What conditions read: constants by name; tags; what is hidden, by its text."""

    constants: dict[str, list[Scalar]] = field(default_factory=dict)
    tags: dict[str, None] = field(default_factory=dict)
    hidden: dict[str, None] = field(default_factory=dict)


def cases_of(
    conditions: Sequence[Condition], spec: TierModelSpec, reaches: Reaches, free: Collection[str] = ()
) -> Cases | None:
    """The cases of these conditions together; None when they read nothing, or too much to try.

    free: names and tags (as columns) that are hidden too.
    """
    read = _Read()
    for condition in conditions:
        _plain(condition.tree, read)
    made = {name: makings(name, spec) for name in read.constants}
    weighed = {part for parts in made.values() for part in parts if isinstance(spec.scores[part], CutScore)}
    names = sorted({*(name for name, parts in made.items() if not parts), *weighed})
    nested = nested_pairs(names, spec)
    axes: dict[str, list[Scalar]] = {}
    for name in names:
        reach = reaches.get(name, Reach(Type.scalar))
        alike = {name, *(other for pair in nested if name in pair for other in pair)}
        constants = [value for other in alike for value in read.constants.get(other, ())]
        axes[name] = values_of(reach, list(range(1, (reach.greatest or 0) + 1)) if name in weighed else constants)
    axes |= {tag_column(tag): [False, True] for tag in read.tags}
    axes |= {text: [False, True, None] for text in read.hidden}
    unseen = {name for name in axes if name in read.hidden or name in free}
    axes = dict(sorted(axes.items(), key=lambda axis: axis[0] in unseen))
    size = prod(len(values) for values in axes.values())
    if not axes or size * sum(len([*walk(condition.tree)]) for condition in conditions) > MAX_WORK:
        return None
    columns = product(axes, {name: reaches[name].type if name in reaches else Type.scalar for name in names})
    for parts in made.values():
        weigh(parts, spec, columns)
    shown = tuple(name for name in (*sorted(read.constants), *map(tag_column, read.tags)) if name not in free)
    possible = np.ones(size, np.bool_)
    for inner, outer in nested:
        possible &= columns[inner].values <= columns[outer].values
    hidden = prod(len(axes[name]) for name in unseen)
    return Cases(columns, size, shown, hidden, possible, reaches, spec.currency)


def product(axes: Mapping[str, Sequence[Scalar]], types: Mapping[str, Type]) -> dict[str, Column]:
    """Every combination of the values, one a row, the last axis running fastest. Without a type: truth values."""
    columns: dict[str, Column] = {}
    around, within = 1, prod(len(values) for values in axes.values())
    for name, values in axes.items():
        within //= len(values)
        one = column_of(values, types.get(name, Type.boolean))
        rows = np.tile(np.repeat(np.arange(len(values)), within), around)
        columns[name] = Column(one.values[rows], one.valid[rows])
        around *= len(values)
    return columns


def makings(name: str, spec: TierModelSpec) -> tuple[str, ...]:
    """The scores that a weighted score is made of, parts before wholes, itself last.

    Empty when it is no weighted score, or is made of anything but scores with cuts in the end.
    """
    graph: dict[str, tuple[str, ...]] = {}
    pending = [name]
    while pending:
        part = pending.pop()
        score = spec.scores.get(part)
        if part in graph or (isinstance(score, CutScore) and part != name):
            continue
        if not isinstance(score, WeightedScore):
            return ()
        graph[part] = tuple(score.weighted)
        pending += score.weighted
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError:
        return ()


def weigh(made: Sequence[str], spec: TierModelSpec, columns: dict[str, Column]) -> None:
    """Adds the columns of weighted scores. made: as makings gives them; columns: holds those of scores with cuts."""
    for name in made:
        score = spec.scores[name]
        if not isinstance(score, WeightedScore) or name in columns:
            continue
        parts = [columns[part] for part in score.weighted]
        total: NDArray[Any] = np.zeros(len(parts[0].values), np.int64)
        valid = np.ones(len(total), np.bool_)
        with np.errstate(all="ignore"):
            for part, weight in zip(parts, score.weighted.values(), strict=True):
                total = total + np.where(part.valid, part.values, 0) * weight
                if score.missing is None:
                    valid &= part.valid
        columns[name] = Column(total, valid)


def _plain(node: Node, read: _Read) -> Node:
    """The node with names beside constants alone; whatever else there is becomes a name of its own."""
    match node:
        case And():
            return And(tuple(_plain(part, read) for part in node.parts))
        case Or():
            return Or(tuple(_plain(part, read) for part in node.parts))
        case Not():
            return Not(_plain(node.operand, read))
        case Tag():
            read.tags[node.name] = None
            return node
        case Name():
            read.constants.setdefault(node.name, []).extend((True, False))
            return node
        case Compare(left=Name() as name, right=other) | Compare(left=other, right=Name() as name) if is_fixed(other):
            read.constants.setdefault(name.name, []).append(constant_value(other))
            return node
        case Membership(operand=Name() as name) if all(map(is_fixed, node.options)):
            read.constants.setdefault(name.name, []).extend(map(constant_value, node.options))
            return node
        case IsNull(operand=Name() as name):
            read.constants.setdefault(name.name, [])
            return node
        case _ if is_fixed(node):
            return node
    text = f"({text_of(node)})"
    read.hidden[text] = None
    return Name(text, Type.boolean)
