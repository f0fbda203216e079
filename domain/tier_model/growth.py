"""Growth value 成长值 in columns: what a subject's visible facts have earned, at every instant it changes.

Points exist in visibility time: a fact earns when it comes into sight (and has matured), and what a refund or a void
takes back it takes when it comes itself. So the points earned between two settlements never change afterwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from domain.facts.table import NEVER, FactTable
from domain.tier_model.calendar import Calendar
from domain.tier_model.column import Column
from domain.tier_model.expression import Condition
from domain.tier_model.selection import Reading, Selected, select
from domain.tier_model.spans import Int64s, Points

_MOST = 10**15  # points of one order or fact: beyond is no programme, and sums stay within int64


@dataclass(frozen=True, slots=True)
class EarnPlan:
    """One earn rule, resolved. each: what a field must reach for `points`, 1 for facts. at_most: points a local day."""

    points: int
    of: Reading
    each: int = 1
    reversed_by_refunds: bool = False
    where: Condition | None = None
    after_days: int = 0
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class GrowthPlan:
    """A model's growth block, resolved. deduct: by tier, None: everything; a tier that is not there: nothing."""

    earn: tuple[EarnPlan, ...]
    deduct: dict[str, int | None]

    def settled(self, balance: int, tier: str) -> int:
        """What of the balance is carried on when validity ends on the tier. Nothing is deducted below 0."""
        deducted = self.deduct.get(tier, 0)
        floor = min(balance, 0)
        return floor if deducted is None else max(floor, balance - deducted)


class GrowthColumns:
    """What the subjects of one table have earned."""

    def __init__(self, plan: GrowthPlan, table: FactTable, calendar: Calendar) -> None:
        self._table, self._calendar = table, calendar
        self._subject, self._instant, self._total = _running(*_joined([self._earned_by(rule) for rule in plan.earn]))
        self._instants = np.unique(self._instant)
        self._keys = self._key(self._subject, self._instant)

    def instants(self) -> tuple[npt.NDArray[np.int32], Int64s]:
        """(subjects, instants) at which somebody's points change."""
        return self._subject.astype(np.int32), self._instant

    def earned(self, subject: npt.NDArray[np.int32], instant: Int64s) -> Int64s:
        """Points earned up to and including each instant."""
        if not len(self._total):
            return np.zeros(len(subject), dtype=np.int64)
        # The first entry of a later instant, less one.
        last = np.searchsorted(self._keys, self._key(subject, instant, "right")) - 1
        mine = (last >= 0) & (self._subject[last] == subject)
        return np.where(mine, self._total[last], 0)

    def balance(self, points: Points) -> Column:
        """Growth value at the points: carried, and earned since the last settlement."""
        earned = self.earned(points.subject, points.instant)
        if points.bases is not None:
            earned = points.bases.carried + earned - self.earned(points.subject, points.bases.settled_at)
        return Column(earned, np.ones(len(points), dtype=np.bool_))

    def _key(
        self, subject: npt.NDArray[np.signedinteger[Any]], instant: Int64s, side: Literal["left", "right"] = "left"
    ) -> Int64s:
        rank = np.searchsorted(self._instants, instant, side=side)
        return np.asarray(subject.astype(np.int64) * (len(self._instants) + 1) + rank)

    # --------------------------------------------------------------------------------------------------------- earning

    def _earned_by(self, rule: EarnPlan) -> tuple[Int64s, Int64s, Int64s]:
        """(subject, instant, points gained or lost then) by one rule."""
        facts = select(self._table, rule.of, rule.where, "sum")
        subject = self._table.subject[facts.row].astype(np.int64)
        group = np.arange(len(facts.row), dtype=np.int64)  # what is counted together: a fact, or an order
        changes = []
        if rule.reversed_by_refunds:
            group, refunds, refunded = self._by_order(facts)
            changes.append(self._changes(refunded, refunds, -1, 0))
        changes.append(self._changes(group, facts, 1, rule.after_days))

        def points(total: Int64s) -> Int64s:
            return np.asarray(rule.points * np.minimum(np.maximum(total, 0) // rule.each, _MOST // rule.points))

        owner = np.zeros(len(group), dtype=np.int64)
        owner[group] = subject
        group, instant, gained = _stepped(*_joined(changes), points)
        if rule.at_most is None:
            return owner[group], instant, gained
        return self._at_most(rule.at_most, facts.row[group], instant, gained)

    def _at_most(self, most: int, row: Int64s, instant: Int64s, gained: Int64s) -> tuple[Int64s, Int64s, Int64s]:
        """The same with at most so many points for the facts of one local day."""
        owner, day = self._table.subject[row].astype(np.int64), self._calendar.day(self._table.occurred_at[row])
        pairs, group = np.unique(np.stack([owner, day]), axis=1, return_inverse=True)
        group, instant, gained = _stepped(group.reshape(-1), instant, gained, lambda total: np.minimum(total, most))
        return pairs[0][group], instant, gained

    def _by_order(self, facts: Selected) -> tuple[Int64s, Selected, Int64s]:
        """The facts' groups by the order that they belong to; refunds of these orders, and their groups."""
        table, codes = self._table, dict[tuple[int, object], int]()
        group = [
            codes.setdefault((int(table.subject[row]), self._order_of(row) or row), len(codes))
            for row in facts.row.tolist()
        ]
        refunds = select(table, Reading("refund", "amount"), None, "sum")
        named = [codes.get((int(table.subject[row]), self._order_named(row)), -1) for row in refunds.row.tolist()]
        refunded = np.array(named, dtype=np.int64)
        return np.array(group, dtype=np.int64), refunds.taken(refunded >= 0), refunded[refunded >= 0]

    def _order_of(self, row: int) -> str | None:
        """The order that a fact belongs to: an order is its own."""
        if self._table.kinds[self._table.kind[row]] == "order":
            return str(self._table.fact_id[row])
        return self._order_named(row)

    def _order_named(self, row: int) -> str | None:
        named = (self._table.attributes[row] or {}).get("order_id")
        return named if isinstance(named, str) and named else None

    def _changes(self, group: Int64s, facts: Selected, sign: int, after_days: int) -> tuple[Int64s, Int64s, Int64s]:
        """(group, instant, change): facts come into sight, and leave it when they are voided."""
        table, rows = self._table, facts.row
        start, end = np.maximum(table.occurred_at[rows], table.known_at[rows]), table.voided_at[rows]
        if after_days and len(rows):
            matured = self._calendar.day(table.occurred_at[rows]) + after_days
            start = np.maximum(start, self._calendar.midnight(matured))
        seen = end > start
        gone = seen & (end != NEVER)
        number = sign * facts.number
        return _joined([(group[seen], start[seen], number[seen]), (group[gone], end[gone], -number[gone])])


_Changes = tuple[Int64s, Int64s, Int64s]


def _joined(changes: Sequence[_Changes]) -> _Changes:
    groups, instants, numbers = zip(*changes, strict=True)
    return np.concatenate(groups), np.concatenate(instants), np.concatenate(numbers)


def _running(group: Int64s, instant: Int64s, change: Int64s) -> _Changes:
    """(group, instant, total from then on), sorted by both, each pair once."""
    order = np.lexsort((instant, group))
    group, instant, total = group[order], instant[order], np.cumsum(change[order])
    last = np.ones(len(group), dtype=np.bool_)
    last[:-1] = (group[1:] != group[:-1]) | (instant[1:] != instant[:-1])
    group, instant, total = group[last], instant[last], total[last]
    fresh = np.ones(len(group), dtype=np.bool_)
    fresh[1:] = group[1:] != group[:-1]
    before = np.where(np.flatnonzero(fresh) > 0, total[np.flatnonzero(fresh) - 1], 0)  # the groups before together
    return group, instant, total - np.repeat(before, np.diff([*np.flatnonzero(fresh), len(group)]))


def _stepped(group: Int64s, instant: Int64s, change: Int64s, value: Callable[[Int64s], Int64s]) -> _Changes:
    """The changes of value(total) that the changes of each group's total make."""
    group, instant, total = _running(group, instant, change)
    worth = value(total)
    before = np.zeros_like(worth)
    again = group[1:] == group[:-1]
    before[1:] = np.where(again, worth[:-1], 0)
    changed = worth != before
    return group[changed], instant[changed], (worth - before)[changed]
