"""What a strategy for many at once needs of the ledger."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from domain.refusal import Complaint, Refusal
from domain.strategies.admission import Person, Running
from domain.strategies.cause import Cause
from domain.tier_model.expression import Condition
from domain.user_tier.observation import Observation

BulkState = Literal["previewed", "running", "paused", "cancelled", "reverting"]
Mode = Literal["preview", "assign", "revert"]


@dataclass(frozen=True, slots=True)
class BulkWanted:
    """For whom. condition: of a segment; empty: the strategy's audience, or users by a list. arm None: drawn.

    round: of a schedule, when it came round, microseconds. segment: a saved one, whose condition it is.
    """

    strategy: str
    condition: str = ""
    by_list: bool = False
    arm: str | None = None
    reason: str = ""
    round: int | None = None
    segment: str = ""

    @property
    def by_hand(self) -> bool:
        """Whether people have chosen whom it is for, so that the strategy's own conditions are not asked."""
        return self.by_list or bool(self.condition)


@dataclass(frozen=True, slots=True)
class BulkAssignment:
    """One, as it stands. unknown: user ids of the list that nobody has. preview_id, run_id, revert_id: of its runs."""

    bulk_id: str
    wanted: BulkWanted
    unknown: int
    unknown_first: Sequence[str]
    requested_by: str
    requested_at: int
    state: BulkState
    preview_id: str | None
    run_id: str | None
    revert_id: str | None


class Seen(Protocol):
    """One whom it may be for, as read without a lock."""

    @property
    def subject_id(self) -> UUID:
        """Of the user."""
        ...

    @property
    def observation(self) -> Observation:
        """An empty one before the first."""
        ...


class Taking(NamedTuple):
    """What all of a bulk's users are taken in by."""

    wanted: BulkWanted
    cause: Cause
    actor: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of some. assigned: arm and by whom held out, of each, now or before; skipped: reasons, of each.

    not_addressed: how many it is not for; undecided: about whom something is due, with a user id: nothing was done
    about them. held: for how long others could not write, seconds.
    """

    assigned: Sequence[tuple[str | None, str]]
    skipped: Sequence[str]
    not_addressed: int
    undecided: Sequence[tuple[str, Seen]]
    held: float


class BulkLedger(Protocol):
    """Bulk assignments, and whom they are for."""

    def add(self, wanted: BulkWanted, actor: str, user_ids: Iterable[str]) -> str:
        """Keep it, with its list if it is by one; its id."""
        ...

    def get(self, bulk_id: str) -> BulkAssignment:
        """Raises UnknownBulkAssignment."""
        ...

    def latest(self, size: int) -> Sequence[BulkAssignment]:
        """The latest first."""
        ...

    def begin(self, bulk: BulkAssignment, mode: Mode, actor: str, parts: int) -> bool:
        """A run that does it, and the state that goes with it; False when it is not as it was told by now."""
        ...

    def turn_to(self, bulk: BulkAssignment, state: BulkState) -> bool:
        """Paused, going on, or broken off; False when it is not as it was told by now."""
        ...

    def begin_round(self, strategy: str, at: int, following: int | None, parts: int) -> None:
        """A schedule has come round: a bulk that runs, once, whoever notices; following: when it comes round again."""
        ...

    def due_rounds(self) -> list[tuple[str, int]]:
        """Strategies whose schedule has come round, and when."""
        ...

    def count(self, bulk: BulkAssignment, part: int, parts: int) -> int:
        """How many users one of equal shares looks at."""
        ...

    def candidates(
        self, bulk: BulkAssignment, after: UUID | None, part: int, parts: int, limit: int
    ) -> Sequence[Person]:
        """The next of a share, by subject, as strategies see them: to look only."""
        ...

    def seen(self, bulk: BulkAssignment, after: UUID | None, part: int, parts: int, limit: int) -> Sequence[Seen]:
        """The next of a share, by subject."""
        ...

    def take_in(self, taking: Taking, running: Running, chosen: Sequence[Seen]) -> Taken:
        """In one transaction, each as AssignmentDesk.take_in would; the conditions of running are asked again of
        whoever has changed since. Raises SubjectInHistory."""
        ...

    def assigned(self, bulk: BulkAssignment, after: UUID | None, part: int, parts: int, limit: int) -> Sequence[UUID]:
        """Assignments that it made and that go on, by id."""
        ...

    def condition(self, text: str) -> Condition:
        """Raises ConditionInvalid."""
        ...

    def unit_costs(self, benefits: Sequence[str]) -> Mapping[str, tuple[int, str]]:
        """Minor units and currency, of benefits in force."""
        ...

    def now(self) -> int:
        """The clock, unmoved."""
        ...


class UnknownBulkAssignment(Refusal):
    """No bulk assignment has this id."""

    def __init__(self, bulk_id: str) -> None:
        super().__init__(
            f"There is no bulk assignment {bulk_id[:200]!r}.",
            Complaint("id", bulk_id, "use the id that its preview was answered"),
        )


class BulkAssignmentCannot(Refusal):
    """Not in the state that it is in."""

    def __init__(self, bulk_id: str, what: str, state: str, remedy: str) -> None:
        super().__init__(f"Bulk assignment {bulk_id} is {state}: it cannot be {what}.", Complaint("id", state, remedy))


class BulkAssignmentInvalid(Refusal):
    """It is said in two ways, or in none, whom it is for."""

    def __init__(self) -> None:
        super().__init__(
            "It is not clear whom the strategy is to be for.",
            Complaint("where", None, "give a condition (where), a saved segment, or a list of users, one of them"),
        )


class SegmentNoCondition(Refusal):
    """A saved segment that is more than a condition, or less."""

    def __init__(self, segment: str) -> None:
        super().__init__(
            f"Segment {segment} is not a condition alone.",
            Complaint("segment", segment, "name one with a condition and without standings with merchants"),
        )


class BulkNeedsAnother(Refusal):
    """Who asked for a large one does not let it go ahead."""

    def __init__(self, bulk_id: str, users: int, actor: str) -> None:
        super().__init__(
            f"Bulk assignment {bulk_id} takes {users} users in, and {actor} asked for it.",
            Complaint("users", users, "let another person run it, with a key of their own"),
        )
