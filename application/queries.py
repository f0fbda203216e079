"""Everything that can be asked: the table of contents of the reading side, and the values that answer it.

Instants are microseconds; positions are the log's order, and opaque to callers. Where an answer may trail behind the
log, it says which position it reflects.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from domain.refusal import Complaint, Refusal

if TYPE_CHECKING:
    from domain.tier_model.compiled import CompiledModel


class Queries(Protocol):
    """What a wired system can be asked. Cards and read models' states are asked of projections."""

    ledger: "LedgerQueries"
    search_segment: "SegmentSearch"


Direction = Literal["asc", "desc"]


@dataclass(frozen=True)
class PastStanding:
    """Where a user stood on one scheme. event_id: the transition that says so."""

    tier: str
    since: int
    event_id: str


@dataclass(frozen=True)
class PastStandings:
    """Standings of one user as of an instant, as known at another, by scheme.

    scopes: by scheme and scope, of schemes that are kept per scope.
    """

    as_of: int
    known_at: int
    standings: Mapping[str, PastStanding]
    scopes: Mapping[str, Mapping[str, PastStanding]]
    position: int


@dataclass(frozen=True)
class RecordedEvent:
    """One event of a user. receipt: why; None for an event that decides nothing. data: its other own fields."""

    event_id: str
    position: int
    version: int
    topic: str
    scheme: str
    scope: str
    from_tier: str | None
    to_tier: str | None
    effective_at: int
    recorded_at: int
    actor: str
    command_id: str
    causation: str
    data: Mapping[str, Any]
    receipt: Mapping[str, Any] | None


@dataclass(frozen=True)
class HistoryPage:
    """Events of a user, oldest first. next_after: the version to go on after; None at the end."""

    events: Sequence[RecordedEvent]
    next_after: int | None
    position: int


@dataclass(frozen=True)
class Distribution:
    """Users per tier of a scheme (in one scope of it), as of an instant, by what was recorded until another.

    Without a scope, of a scheme that is kept per scope: standings over all scopes.
    """

    scheme: str
    scope: str | None
    as_of: int
    known_at: int
    tiers: Mapping[str, int]
    position: int


@dataclass(frozen=True)
class Flow:
    """How many went from one tier to another. from_tier None: they had none yet."""

    from_tier: str | None
    to_tier: str
    count: int


@dataclass(frozen=True)
class Flows:
    """What became of a scheme's standings between two instants, by what was recorded until a third.

    flows: where who stood at `since` stands at `until`, those who stayed among them. moves: every change of tier on the
    way, after `since` and up to `until`. Over all scopes, as in Distribution.
    """

    scheme: str
    scope: str | None
    since: int
    until: int
    known_at: int
    flows: Sequence[Flow]
    moves: Sequence[Flow]
    position: int


@dataclass(frozen=True)
class SchemeShape:
    """What a scheme's version in force says of its standings. per: the attribute that they are kept by, or None."""

    tiers: Sequence[str]
    per: str | None


@dataclass(frozen=True)
class ScopedTier:
    """A standing to search for, of a scheme that is kept per scope. tier: None for any."""

    scheme: str
    scope: str
    tier: str | None = None


@dataclass(frozen=True)
class Holding:
    """Something that users hold: a benefit of which something is left to them, a strategy that they are in, or one with
    its arm (STRATEGY/ARM; STRATEGY/ for those held out)."""

    field: Literal["benefits", "strategies", "arms"]
    name: str


def in_strategy(text: str) -> Holding:
    """STRATEGY, STRATEGY/ARM, or STRATEGY/ for those held out."""
    return Holding("arms" if "/" in text else "strategies", text)


@dataclass(frozen=True)
class UserProgress:
    """How far one user is towards a position. decided: all of theirs up to it, and nothing due before now.

    shown_from: the read models show that once they have reached this position. known: somebody named the user before.
    """

    known: bool
    decided: bool
    shown_from: int


@dataclass(frozen=True)
class LogProgress:
    """How far everybody is towards a position; as in UserProgress."""

    decided: bool
    shown_from: int


@dataclass(frozen=True)
class SegmentPage:
    """Users of a segment. total: all who match. users: documents, {user_id, tiers, tags, features, ...} each."""

    total: int
    users: Sequence[Mapping[str, Any]]
    facets: Mapping[str, Mapping[str, int]]
    next_cursor: str | None


class SegmentSearch(Protocol):
    """Who is in a segment, as far as the search index has come."""

    def __call__(
        self,
        where: str | None,
        sort: Sequence[tuple[str, Direction]],
        size: int,
        cursor: str | None,
        facets: Sequence[str],
        besides: Sequence[ScopedTier | Holding] = (),
    ) -> SegmentPage:
        """One page. where: a condition, None for everybody. facets: fields whose values are counted.

        besides: standings in scopes, and things held, that they must have as well, all of them.
        Raises ConditionInvalid, SegmentFieldUnknown, SchemeWithoutScopes, CursorInvalid.
        """
        ...

    def require_searchable(self, where: str | None, besides: Sequence[ScopedTier | Holding] = ()) -> None:
        """Raises ConditionInvalid, SchemeWithoutScopes."""
        ...

    def members(self, where: str | None, besides: Sequence[ScopedTier | Holding] = ()) -> Iterator[dict[str, Any]]:
        """Every member as of one point in time, by subject: the document, with a user_id of theirs.

        Raises ConditionInvalid, SchemeWithoutScopes, before the first is asked for.
        """
        ...

    def columns(self) -> list[str]:
        """What a table of members may show of each, beside user_id and tags."""
        ...


class LedgerQueries(Protocol):
    """What is asked of the log itself: slower than a read model, and never behind."""

    def user_tiers(self, user_id: str, as_of: int | None, known_at: int | None) -> PastStandings:
        """The last transition with effective_at <= as_of among those recorded by known_at, per scheme. None: now.

        Raises UnknownUser, InstantAhead.
        """
        ...

    def user_history(self, user_id: str, after: int, size: int, absorbed: str | None = None) -> HistoryPage:
        """Events with version > after, up to `size`. absorbed: of a stream that was merged into the user's, in hex.

        Raises UnknownUser, NotAbsorbed.
        """
        ...

    def distribution(
        self, scheme: str, as_of: int | None, scope: str | None = None, known_at: int | None = None
    ) -> Distribution:
        """Users per tier at an instant, by what was recorded until another. None: now.

        Raises UnknownScheme, SchemeWithoutScopes, InstantAhead.
        """
        ...

    def flows(
        self, scheme: str, since: int, until: int | None, scope: str | None = None, known_at: int | None = None
    ) -> Flows:
        """Who went where between two instants, by what was recorded until a third. None: now.

        Raises UnknownScheme, SchemeWithoutScopes, InstantAhead, PeriodBackwards.
        """
        ...

    def user_progress(self, user_id: str, at_least: int) -> UserProgress:
        """Whether the user's decisions cover their facts, commands and activations up to a position."""
        ...

    def log_progress(self, at_least: int) -> LogProgress:
        """Whether everybody's do."""
        ...

    def shown_position(self, read_model: str) -> int:
        """How far a read model in OpenSearch shows the log, as noted in the ledger."""
        ...

    def shape_of(self, scheme: str, scope: str | None = None) -> SchemeShape:
        """By the scheme's version in force, or the last that was. scope: one that is asked about.

        Raises UnknownScheme, SchemeWithoutScopes.
        """
        ...

    def version_with(self, scheme: str, tier: str, version: int) -> "CompiledModel | None":
        """The version, if it was ever in force and has the tier."""
        ...

    def former_with(self, scheme: str, tier: str, before: int) -> "CompiledModel | None":
        """The last version that has the tier, of those in force before this instant, microseconds."""
        ...

    def due_backlog(self) -> int:
        """Users who wait to be decided now."""
        ...


class UnknownUser(Refusal):
    """No fact and no event ever named this user."""

    def __init__(self, user_id: str) -> None:
        super().__init__(
            f"No fact and no event ever named user {user_id[:200]!r}.",
            Complaint("user_id", user_id, "check the spelling, or send a first fact of this user"),
        )


class NotAbsorbed(Refusal):
    """No stream of this name was merged into the user's."""

    def __init__(self, user_id: str, stream: str) -> None:
        super().__init__(
            f"No stream {stream[:200]!r} was merged into user {user_id[:200]!r}.",
            Complaint("absorbed", stream, "give the `subject` of one of the user's user-absorbed events"),
        )


class UnknownScheme(Refusal):
    """No tier model has this scheme."""

    def __init__(self, scheme: str, known: Sequence[str] = ()) -> None:
        remedy = f"use one of {', '.join(known)}" if known else "activate a tier model first"
        super().__init__(f"There is no scheme {scheme[:200]!r}.", Complaint("scheme", scheme, remedy))


class NoPreview(Refusal):
    """Nobody has asked what this content of a version would change."""

    def __init__(self, scheme: str, version: int) -> None:
        super().__init__(
            f"There is no preview of version {version} of scheme {scheme!r} as it is.",
            Complaint("version", version, "ask for one: POST the same path, or `tierline model preview`"),
        )


class SchemeWithoutScopes(Refusal):
    """A question about a scope of a scheme that is kept for the platform as a whole."""

    def __init__(self, field: str, value: str, scheme: str) -> None:
        super().__init__(
            f"Scheme {scheme[:200]!r} is not kept per scope.",
            Complaint(field, value, "leave it out, or name a scheme whose model says `per`"),
        )


class InstantAhead(Refusal):
    """A question about an instant that has not come yet."""

    def __init__(self, field: str, instant: str, now: str) -> None:
        super().__init__(
            f"{field} {instant} lies ahead of now.", Complaint(field, instant, f"give an instant up to now, {now}")
        )


class PeriodBackwards(Refusal):
    """A period that does not end after its beginning."""

    def __init__(self, since: str, until: str) -> None:
        super().__init__(
            f"The period from {since} to {until} does not go forward.",
            Complaint("to", until, f"give an instant after {since}, or leave it out for now"),
        )


class SegmentFieldUnknown(Refusal):
    """A field to sort or count by that no scheme in force has."""

    def __init__(self, where: str, name: str, known: Sequence[str]) -> None:
        super().__init__(
            f"There is no field {name[:200]!r} to use in {where}.",
            Complaint(where, name, f"use one of {', '.join(known)}"),
        )


class CursorInvalid(Refusal):
    """A cursor that no answer gave out."""

    def __init__(self, cursor: str) -> None:
        super().__init__(
            "The cursor is not one of ours.",
            Complaint("cursor", cursor, "send next_cursor of the page before, or leave it out to start anew"),
        )
