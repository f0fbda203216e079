"""What strategies need of the ledger: their definitions, the desk where users are taken in, and what is to be done."""

from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar
from uuid import UUID

from domain.strategies.admission import Running
from domain.strategies.aggregate import Strategy
from domain.strategies.cause import Cause, Happened
from domain.strategies.spec import Action, StrategySpec, action_to_json
from domain.tier_model.calendar import Calendar
from domain.tier_model.version import By
from domain.user_tier.observation import Observation, Scalar

T = TypeVar("T")


class StrategyFault(NamedTuple):
    """What a strategy says that the models in force do not let be read: it reaches nobody. since: microseconds."""

    path: str
    error: str
    since: int


@dataclass(frozen=True, slots=True)
class StrategyView:
    """One strategy as it stands. Instants in microseconds. running_version: of what was started last, 0 for never.

    fault: None for one that can be read, or is over.
    """

    strategy: str
    version: int
    status: str
    spec: Mapping[str, Any]
    content_hash: str
    makers: Sequence[str]
    approved_by: str | None
    running_version: int
    global_holdout: float | None
    campaign: str
    started_at: int | None
    changed_at: int
    changed_by: str
    fault: StrategyFault | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is beside a strategy: tiers of the schemes in force, benefits in force, the language of conditions.

    compile_where: raises ConditionInvalid.
    """

    tiers: Mapping[str, Sequence[str]]
    benefits: frozenset[str]
    compile_where: Callable[[str], Any]


class StrategyChange(Protocol):
    """One strategy under its lock, in a transaction that save() ends."""

    @property
    def strategy(self) -> Strategy | None:
        """None before it is defined."""
        ...

    @property
    def now(self) -> int:
        """The change's instant, microseconds."""
        ...

    def save(self, strategy: Strategy) -> int:
        """Append, update what reactions look up, commit. Answers the position, 0 when nothing was to record."""
        ...


class Strategies(Protocol):
    """Definitions, and their changes."""

    def change(self, name: str) -> AbstractContextManager[StrategyChange]:
        """Take the strategy to change it."""
        ...

    def views(self) -> list[StrategyView]:
        """All of them, by name."""
        ...

    def view(self, name: str) -> StrategyView:
        """Raises UnknownStrategy."""
        ...

    def surroundings(self) -> Surroundings:
        """As of now."""
        ...

    def now(self) -> int:
        """The clock, unmoved."""
        ...


class Started(NamedTuple):
    """The strategies that run, by name, and the calendars that conditions are read by. since: of each, when its start
    was recorded, microseconds."""

    running: Mapping[str, Running]
    since: Mapping[str, int]
    calendars: Mapping[str, Calendar]

    def by_priority(self) -> list[Running]:
        """The most important first."""
        return sorted(self.running.values(), key=lambda one: (-one.spec.priority, one.name))


class Wanted(NamedTuple):
    """A strategy is to take a user in. by_hand: its conditions are not asked; arm: chosen, None: drawn.

    member: the user has come to match the strategy's condition, or (False) does no more; None: it is no matter of that.
    timer_id: what led here, and is done with it.
    """

    strategy: str
    subject_id: UUID
    cause: Cause
    actor: str
    command_id: str = ""
    by_hand: bool = False
    arm: str | None = None
    member: bool | None = None
    timer_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class TakenIn:
    """An assignment. replayed: the cause had led to it before. position: of its event, 0 when it was replayed."""

    assignment_id: UUID
    arm: str | None
    holdout: str
    due_at: int | None
    position: int = 0
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Not taken in. reason empty: the strategy is not for the user, which nobody recorded."""

    reason: str = ""
    detail: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class Undecided:
    """Something about the user is due: it has to be decided first. user_id: one that names them."""

    user_id: str


Outcome = TakenIn | LeftOut | Undecided


class AssignmentRow(NamedTuple):
    """An assignment as it stands."""

    assignment_id: UUID
    subject_id: UUID
    strategy: str
    version: int
    arm: str | None
    campaign: str


class Observed(NamedTuple):
    """A user as last decided. position: of the observation; decided_at: microseconds."""

    subject_id: UUID
    position: int
    decided_at: int
    observation: Observation


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """What happened since a reaction last looked. position: how far this reads; more: there is more behind it."""

    items: Sequence[T]
    position: int
    more: bool


class Reacting(Protocol):
    """A reaction's place in the log, locked: nobody else reacts meanwhile, and it moves with the effects."""

    @property
    def started(self) -> Started:
        """What runs."""
        ...

    @property
    def now(self) -> int:
        """The clock, unmoved."""
        ...

    def pass_over(self) -> None:
        """Nobody listens: on to the log's head."""
        ...

    def events(self, limit: int) -> Batch[Happened]:
        """Events of users that come next."""
        ...

    def observations(self, limit: int) -> Batch[Observed]:
        """Users that were decided next."""
        ...

    def members(self, strategies: Sequence[str], subject_ids: Sequence[UUID]) -> Set[tuple[str, UUID]]:
        """Who matched when last decided."""
        ...

    def take_in(
        self, wanted: Sequence[Wanted], later: Sequence["Later"], position: int, *, put_off: bool = False
    ) -> list[Undecided]:
        """All of it, and the place in the log, in one transaction; or, when something about somebody is undecided,
        nothing of it: answers who. put_off: those are looked at later, and all else is done."""
        ...


class Later(NamedTuple):
    """A trigger to be looked at at an instant."""

    due_at: int
    strategy: str
    subject_id: UUID
    cause: Cause


class Reactions(Protocol):
    """Where reactions take turns."""

    def turn(self, name: str) -> AbstractContextManager[Reacting | None]:
        """None: somebody else has it. Leaving it without take_in() changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one action. outcome: done, suppressed or refused; id: of what came of it; reason: why not."""

    action: Action
    outcome: Literal["done", "suppressed", "refused"]
    id: str = ""
    reason: str = ""

    def told(self) -> dict[str, Any]:
        """As events tell it: what is empty is left out."""
        named = {"outcome": self.outcome, "id": self.id, "reason": self.reason}
        return {**action_to_json(self.action), **{name: value for name, value in named.items() if value}}


@dataclass(slots=True)
class DueAssignment:
    """An assignment whose actions are due. user_id: one that names the subject; attributes: of their profile.

    holds: whether what set it off is still so. messages: instants at which messages went out to them lately. budgets:
    of its campaign. done: what became of each action, by its number; waits: it is to be tried again.
    """

    timer_id: UUID
    row: AssignmentRow
    spec: StrategySpec
    user_id: str
    attributes: Mapping[str, Scalar]
    holds: bool
    messages: Sequence[int]
    budgets: Sequence[str]
    now: int
    done: dict[int, Done] = field(default_factory=dict)
    waits: bool = False

    @property
    def actions(self) -> Sequence[Action]:
        """What is to be done."""
        return () if self.row.arm is None else self.spec.treatments[self.row.arm].do

    def name_of(self, number: int) -> str:
        """Under which an action happens once."""
        return f"strategy/{self.row.assignment_id.hex}/{number}"


class ActionTurn(Protocol):
    """Assignments whose actions nobody else carries out meanwhile."""

    @property
    def due(self) -> Sequence[DueAssignment]:
        """Those that are to be carried out."""
        ...

    def record(self, carried: Sequence[DueAssignment]) -> list[Undecided]:
        """What was done, with the messages among it, and that it is done with; the last act of the turn.

        Who is undecided stays due, and so does what waits, a while later.
        """
        ...


class Actions(Protocol):
    """What is to be done for those who were taken in."""

    def turn(self, limit: int) -> AbstractContextManager[ActionTurn]:
        """The first that are due."""
        ...


class AssignmentDesk(Protocol):
    """Where users are taken in, by hand or in bulk, and let go. Safe for threads."""

    def started(self) -> Started:
        """What runs."""
        ...

    def as_if_started(self, strategy: str) -> Running:
        """One that does not run, as it would. Raises UnknownStrategy, ConditionInvalid."""
        ...

    def subject_of(self, user_id: str) -> UUID:
        """Raises UnknownUser."""
        ...

    def take_in(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        """In one transaction, an outcome each. Raises SubjectInHistory."""
        ...

    def live_of(self, user_id: str, strategy: str) -> AssignmentRow | None:
        """The assignment that goes on."""
        ...

    def end(self, assignments: Sequence[UUID], reason: str, actor: str, command_id: str = "") -> list[Undecided]:
        """Those that go on are over; who is undecided stays."""
        ...

    def ending(self, limit: int) -> list[tuple[UUID, str]]:
        """Assignments whose time is up, or whose strategy has ended, with the reason."""
        ...

    def put_off(self, timer_ids: Sequence[UUID]) -> None:
        """These are looked at again in a while."""
        ...

    def due_triggers(self, limit: int) -> list[Wanted]:
        """Triggers that are to be looked at now."""
        ...


def by(change: StrategyChange, actor: str, command_id: str = "") -> By:
    """Who commands, at the change's instant."""
    return By(change.now, actor, command_id)


@dataclass(frozen=True, slots=True)
class ArmProgress:
    """Of one arm, or of those held out (arm None). assigned: so far; live: those that go on; exposed: something was
    done for them; outcomes: how many came to which, as facts say, and redeemed, as grants do."""

    arm: str | None
    holdout: str
    assigned: int
    live: int
    exposed: int
    outcomes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How a strategy goes. skipped: by reason, those who were not taken in; waiting: whose actions are still due.

    messages: how many, by state and reason.
    """

    arms: Sequence[ArmProgress]
    skipped: Mapping[str, int]
    waiting: int
    position: int
    messages: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


class StrategyQueries(Protocol):
    """What strategies have come to."""

    def progress(self, name: str) -> Progress:
        """Out of the ledger, as of now."""
        ...
