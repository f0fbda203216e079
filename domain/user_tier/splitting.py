"""Splitting user ids off a subject: what is refused, and what becomes of every fact. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from domain.benefits.growth import SOURCE
from domain.facts.fact import Fact
from domain.facts.table import VOID
from domain.refusal import Complaint, Refusal
from domain.strategies.consent import restrictions
from domain.user_tier.decide import Command, Subject

SPLIT = "user-tier.user-split.v1"
SPLIT_OFF = "user-tier.user-split-off.v1"
PARTING = (SPLIT, SPLIT_OFF)

_OURS = "split/"  # how fact_ids begin that a split records
Name = tuple[str, str]


class SplitInvalid(Refusal):
    """What is named to split off cannot be taken as it stands."""

    def __init__(self, detail: str, value: object, remedy: str) -> None:
        super().__init__(detail, Complaint("user_ids", value, remedy))


class NobodyStays(Refusal):
    """All ids of the user would leave."""

    def __init__(self, user_id: str, leaving: Sequence[str]) -> None:
        remedy = "leave out the ids that stay; a user with one id cannot be split"
        super().__init__(
            f"All ids of user {user_id[:200]!r} would leave: nobody would stay.",
            Complaint("user_ids", ", ".join(leaving)[:200], remedy),
        )


class UserIdOfAnother(Refusal):
    """A user id to split off does not name the user."""

    def __init__(self, user_id: str, strangers: Sequence[str]) -> None:
        remedy = "name ids of this user; `aliases` tells them"
        named, does = [name[:200] for name in strangers[:20]], "do" if len(strangers) > 1 else "does"
        super().__init__(
            f"{', '.join(map(repr, named))} {does} not name user {user_id[:200]!r}; nothing was split.",
            *(Complaint("user_ids", name, remedy) for name in named),
        )


class Brought(NamedTuple):
    """A fact of the subject. by: numbers of the user ids that brought it and have not left; nobody: it counts no more,
    for all who brought it have left."""

    fact: Fact
    by: frozenset[int]


@dataclass(frozen=True, slots=True)
class Parting:
    """What becomes of the facts. copied: to the new subject. voided: count no more for the one who stays. kept: stay in
    force there, though none who brought them stays.

    restricting, restricting_new: what the one who stays, and the new one, keep of the other's profile facts.
    """

    copied: list[Brought] = field(default_factory=list)
    voided: list[Fact] = field(default_factory=list)
    kept: list[Fact] = field(default_factory=list)
    restricting: list[Fact] = field(default_factory=list)
    restricting_new: list[Fact] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SplitTerms:
    """now: the command's instant, microseconds. user_ids: those that leave.

    facts: how many are copied, known at facts_known_at; voided: how many count no more for the one who stays.
    """

    now: int
    user_ids: Sequence[str]
    facts: int
    voided: int
    facts_known_at: int
    actor: str
    reason: str
    command_id: str


def require_some_to_leave(leaving: Sequence[str]) -> None:
    """Raises SplitInvalid."""
    if not leaving:
        raise SplitInvalid("No user id is named to split off.", "", "name at least one id of the user")
    twice = sorted({name for name in leaving if leaving.count(name) > 1})
    if twice:
        raise SplitInvalid(f"User id {twice[0][:200]!r} is named twice.", twice[0][:200], "name each id once")


def require_some_to_stay(user_id: str, leaving: Sequence[str], user_ids: Sequence[str]) -> None:
    """user_id: as the user is addressed; user_ids: all of the user's.

    Raises UserIdOfAnother, NobodyStays, SplitInvalid.
    """
    strangers = [name for name in leaving if name not in user_ids]
    if strangers:
        raise UserIdOfAnother(user_id, strangers)
    if set(leaving) == set(user_ids):
        raise NobodyStays(user_id, leaving)
    if user_id in leaving:
        remedy = "address the user by an id that stays"
        raise SplitInvalid(f"User {user_id[:200]!r} is addressed by an id that is to leave.", user_id[:200], remedy)


def split(subject: Subject, new: Subject, terms: SplitTerms) -> tuple[Subject, Subject]:
    """Both with their commands. Tags, pins, freezes and what was carried stay; all else follows from the facts."""
    data: dict[str, Any] = {
        "user_ids": list(terms.user_ids),
        "facts": terms.facts,
        "facts_known_at": terms.facts_known_at,
        "reason": terms.reason,
    }
    return (
        _told(subject, terms, SPLIT, {**data, "subject": new.subject_id.hex, "voided": terms.voided}),
        _told(new, terms, SPLIT_OFF, {**data, "subject": subject.subject_id.hex}),
    )


def part(facts: Sequence[Brought], leaving: frozenset[int]) -> Parting:
    """facts: all of the subject, in the order in which they were recorded. leaving: numbers of user ids.

    What ids of both sides have brought counts for both. A void goes with the fact that it voids, and with the id that
    brought it. What Tierline itself recorded for grants stays with them.
    """
    voided = {name for one in facts if (name := voided_by(one.fact)) is not None}
    goes = [bool(one.by & leaving) and one.fact.source != SOURCE for one in facts]
    gone = {(one.fact.source, one.fact.fact_id) for one, does in zip(facts, goes, strict=True) if does}
    parting = Parting()
    for one, does in zip(facts, goes, strict=True):
        fact = one.fact
        stays = not does or bool(one.by - leaving)
        if does or (voided_by(fact) in gone and one.by):
            parting.copied.append(Brought(fact, one.by & leaving))
        if one.by and one.by <= leaving and (not does or (fact.kind == VOID and voided_by(fact) not in gone)):
            parting.kept.append(fact)
        if fact.kind == VOID or (fact.source, fact.fact_id) in voided or not one.by:
            continue
        if not stays:
            parting.voided.append(fact)
        restricting = restrictions(fact.attributes) if fact.kind == "profile" else {}
        if restricting and stays != does:
            kept = parting.restricting_new if stays else parting.restricting
            kept.append(_reduced(fact, restricting))
    return parting


def voided_by(fact: Fact) -> Name | None:
    """What a void removes: a fact of the source that it names, or of its own."""
    if fact.kind != VOID:
        return None
    return str(fact.attributes.get("source", fact.source)), str(fact.attributes.get("fact_id"))


def is_of_a_split(fact: Fact) -> bool:
    """Whether a split recorded it to let a fact count no more: that is about this subject alone."""
    return fact.kind == VOID and fact.source == SOURCE and fact.fact_id.startswith(_OURS)


def recorded_by_split(new: Subject, parting: Parting, known_at: int, reason: str) -> tuple[list[Fact], list[Fact]]:
    """What is recorded for the one who stays, beside the copies that the new one has, and for the new one."""
    names = (f"{_OURS}{new.subject_id.hex}/{number}" for number in range(10**9))
    voids = [
        Fact(
            next(names),
            "",
            VOID,
            known_at,
            SOURCE,
            attributes={"fact_id": fact.fact_id, "source": fact.source, "reason": reason},
        )
        for fact in parting.voided
    ]

    def named(facts: Sequence[Fact]) -> list[Fact]:
        return [
            Fact(next(names), "", fact.kind, fact.occurred_at, SOURCE, attributes=fact.attributes) for fact in facts
        ]

    return voids + named(parting.restricting), named(parting.restricting_new)


def _reduced(fact: Fact, attributes: Mapping[str, Any]) -> Fact:
    """The fact with these alone."""
    return Fact(fact.fact_id, fact.user_id, fact.kind, fact.occurred_at, fact.source, attributes=dict(attributes))


def _told(subject: Subject, terms: SplitTerms, topic: str, data: dict[str, Any]) -> Subject:
    return replace(subject, commands=(Command(terms.now, topic, data, terms.actor, terms.command_id),))
