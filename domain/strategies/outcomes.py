"""What facts say that assignments have come to. Pure: the same facts and assignments lead to the same outcomes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args
from uuid import UUID

import numpy as np

from domain.facts.fact import Fact, Scalar
from domain.facts.field_errors import FieldError, shown
from domain.facts.table import NEVER, FactTable
from domain.strategies.spec import StrategySpec
from domain.tier_model.calendar import Calendar, calendar_of
from domain.tier_model.compiled import reading_of, window_plan
from domain.tier_model.expression import Condition, compile_fact_condition
from domain.tier_model.selection import Aggregate, Reading, select
from domain.tier_model.spec import Share
from domain.tier_model.window import WindowPlan

Outcome = Literal["delivered", "exposed", "clicked", "ordered", "converted"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
REPORTED: tuple[Outcome, ...] = ("delivered", "exposed", "clicked")
ASSIGNMENT_ID, GRANT_ID, OUTCOME = "assignment_id", "grant_id", "outcome"
"""Attributes of facts that say what they are about, and what happened."""

ORDER = "order"
SLACK_MICROS = 86_400_000_000
"""How long before an assignment by our clock a fact of it may have occurred by another's."""


class Reached(NamedTuple):
    """When an outcome first came about, microseconds, and the fact that says so."""

    at: int
    source: str
    fact_id: str


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be reached: any of these facts, in the window that begins with the assignment."""

    aggregate: Aggregate
    of: Reading
    window: WindowPlan
    where: Condition | None
    part: Condition | None
    calendar: Calendar
    currency: str

    def until(self, assigned_at: int) -> int:
        """The midnight at which its window no longer holds the assignment's day."""
        day = np.array([self.calendar.day_of(assigned_at)], dtype=np.int64)
        return self.calendar.midnight_of(int(self.window.leaving_days(day)[0])) if self.window.bounded else NEVER


class Followed(NamedTuple):
    """An assignment that is asked about. subject: its number in the table; goal: None where nothing is measured."""

    assignment_id: UUID
    subject: int
    assigned_at: int
    goal: Goal | None


def goal_of(spec: StrategySpec) -> Goal | None:
    """A strategy's goal, ready to look for."""
    feature = spec.goal
    if feature is None:
        return None
    aggregate, reading = reading_of(feature)
    return Goal(
        aggregate,
        reading,
        window_plan(feature.window),
        compile_fact_condition(feature.where, spec.currency) if feature.where else None,
        compile_fact_condition(feature.of, spec.currency) if isinstance(feature, Share) else None,
        calendar_of(spec.time_zone),
        spec.currency,
    )


def said_by(kind: str, attributes: Mapping[str, Scalar]) -> Outcome | None:
    """What a fact that names an assignment, or a grant, says of it."""
    if kind == ORDER:
        return "ordered"
    said = attributes.get(OUTCOME)
    return next((one for one in REPORTED if one == said), None)


def names_any(attributes: Mapping[str, Scalar]) -> bool:
    """Whether a fact is about an assignment or a grant."""
    return ASSIGNMENT_ID in attributes or GRANT_ID in attributes


def may_matter(kind: str, attributes: Mapping[str, Scalar], goal_kinds: Collection[str]) -> bool:
    """Whether a fact may change what any assignment of its user has come to."""
    return kind == "void" or kind in goal_kinds or names_any(attributes)


def outcomes_of(
    table: FactTable, followed: Sequence[Followed], granted: Mapping[str, UUID]
) -> dict[tuple[UUID, Outcome], Reached]:
    """The first fact of each outcome that counts. granted: the assignment that a grant (its id in hex) was made for.

    A fact that names another user's assignment, or none that there is, says nothing of any.
    """
    found: dict[tuple[UUID, Outcome], Reached] = {}
    mine = {(one.subject, one.assignment_id): one for one in followed}
    for row in np.flatnonzero(table.voided_at == NEVER).tolist():
        attributes = table.attributes[row]
        if not attributes or not names_any(attributes):
            continue
        outcome = said_by(table.kinds[table.kind[row]], attributes)
        for assignment_id in _named(attributes, granted):
            if outcome is not None and (int(table.subject[row]), assignment_id) in mine:
                _first(found, (assignment_id, outcome), table, row)
    for goal in {id(one.goal): one.goal for one in followed}.values():
        if goal is not None:
            _converted(found, table, goal, [one for one in followed if one.goal is goal])
    return found


class Named(NamedTuple):
    """What there is of what a fact names. own: it is the user's; held_out: of an assignment without treatment."""

    known: bool
    own: bool
    held_out: bool = False


def doubt_of(fact: Fact, assignment: Named | None, grant: Named | None) -> FieldError | None:
    """What is doubtful about what a fact says of an assignment or a grant, each None where it names none. It says
    nothing of them then; as a fact it counts all the same."""
    for name, named in ((ASSIGNMENT_ID, assignment), (GRANT_ID, grant)):
        if named is not None and not (named.known and named.own):
            whose = "another user's" if named.known else "unknown"
            return _doubt(fact, name, _WRONG, f"{whose} {name.removesuffix('_id')}")
    if assignment is None:
        return None
    said = said_by(fact.kind, fact.attributes)
    if said is None:
        return _doubt(fact, OUTCOME, _SAYS_NOTHING, "no outcome")
    if assignment.held_out and said in REPORTED:
        return _doubt(fact, ASSIGNMENT_ID, _HELD_OUT, "the user is held out")
    return None


def _converted(
    found: dict[tuple[UUID, Outcome], Reached], table: FactTable, goal: Goal, followed: Sequence[Followed]
) -> None:
    selected = select(table.in_currency(goal.currency), goal.of, goal.where, goal.aggregate, part=goal.part)
    counts = table.voided_at[selected.row] == NEVER
    if goal.aggregate == "sum":
        counts &= selected.number > 0
    rows = selected.row[counts]
    subjects, instants = table.subject[rows], table.occurred_at[rows]
    for one in followed:
        within = (subjects == one.subject) & (instants >= one.assigned_at) & (instants < goal.until(one.assigned_at))
        if within.any():
            _first(found, (one.assignment_id, "converted"), table, int(rows[np.argmax(within)]))


def _named(attributes: Mapping[str, Scalar], granted: Mapping[str, UUID]) -> set[UUID]:
    """Assignments that a fact names, itself or by a grant."""
    named = {uuid_of(attributes.get(ASSIGNMENT_ID))}
    grant_id = uuid_of(attributes.get(GRANT_ID))
    named.add(None if grant_id is None else granted.get(grant_id.hex))
    return {one for one in named if one is not None}


def uuid_of(value: Scalar) -> UUID | None:
    """An id as facts give it; None for what is none."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


_WRONG = "the fact is recorded, and counts for none: void it, and send it with the id that went to this user"
_SAYS_NOTHING = f"the fact is recorded, and says nothing of the assignment: send {OUTCOME} as {' or '.join(REPORTED)}"
_HELD_OUT = "the fact is recorded, and a finding of the strategy's progress: do not reach who is held out"


def _doubt(fact: Fact, name: str, remedy: str, problem: str) -> FieldError:
    return FieldError(f"attributes.{name}", shown(fact.attributes.get(name)), remedy, problem)


def _first(found: dict[tuple[UUID, Outcome], Reached], key: tuple[UUID, Outcome], table: FactTable, row: int) -> None:
    reached = Reached(int(table.occurred_at[row]), str(table.source[row]), str(table.fact_id[row]))
    if key not in found or reached < found[key]:
        found[key] = reached
