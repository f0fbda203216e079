"""Merging two subjects: what is refused, and what of the other goes over to the one that stays. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from domain.facts.table import NEVER
from domain.refusal import Complaint, Refusal
from domain.user_tier.decide import Command, Subject
from domain.user_tier.tagging import held
from domain.user_tier.tags import ADDED, TagSpan, with_tag

LINKED = "user-tier.user-id-linked.v1"
ABSORBED = "user-tier.user-absorbed.v1"
MERGED = "user-tier.user-merged.v1"
IDENTITY = (LINKED, ABSORBED, MERGED)

_SHOWN = 20


class SameUser(Refusal):
    """Both user ids name one subject: there is nothing to merge."""

    def __init__(self, user_id: str, other: str) -> None:
        what = "itself" if user_id == other else f"{other[:200]!r}, which names the same user already"
        super().__init__(
            f"User {user_id[:200]!r} cannot be merged with {what}.",
            Complaint("other_user_id", other, "give the id of another user"),
        )


class FactConflict(NamedTuple):
    """A fact of the same name on both sides, with other content."""

    source: str
    fact_id: str


class FactsConflict(Refusal):
    """Facts of the same name on both sides, with other content: which one holds is not ours to say."""

    def __init__(self, conflicts: Sequence[FactConflict]) -> None:
        remedy = "void the wrong one if it is the other user's, or merge the other way round"
        more = f", and {len(conflicts) - _SHOWN} more" if len(conflicts) > _SHOWN else ""
        super().__init__(
            f"{len(conflicts)} facts are on both sides with other content{more}; nothing was merged.",
            *(Complaint("fact_id", f"{one.source}/{one.fact_id}", remedy) for one in conflicts[:_SHOWN]),
        )


class FactsSplitOff(Refusal):
    """Facts of the other had been split off from the survivor, whose log holds them as void for good."""

    def __init__(self, user_id: str, other: str, facts: Sequence[FactConflict]) -> None:
        remedy = f"merge the other way round: {user_id[:200]!r} into {other[:200]!r}"
        super().__init__(
            f"{len(facts)} facts of user {other[:200]!r} were split off from user {user_id[:200]!r} and are void there"
            " for good; nothing was merged.",
            *(Complaint("fact_id", f"{one.source}/{one.fact_id}", remedy) for one in facts[:_SHOWN]),
        )


class UserIdTaken(Refusal):
    """The user id to link names another subject."""

    def __init__(self, alias: str) -> None:
        super().__init__(
            f"User id {alias[:200]!r} names another user already.",
            Complaint("alias", alias, "merge the two users, if they are one"),
        )


class UserIdInvalid(Refusal):
    """A user id that no fact could bring."""

    def __init__(self, alias: str, remedy: str) -> None:
        super().__init__("The user id cannot be kept.", Complaint("alias", alias[:200], remedy))


@dataclass(frozen=True, slots=True)
class MergeTerms:
    """now: the command's instant, microseconds. user_ids: those of the other, which go over.

    facts: how many of its facts are copied, known at facts_known_at; known_already: how many are there as they are.
    """

    now: int
    user_ids: Sequence[str]
    facts: int
    known_already: int
    facts_known_at: int
    actor: str
    reason: str
    command_id: str


def merged(
    survivor: Subject, other: Subject, terms: MergeTerms, moved: Sequence[Command] = ()
) -> tuple[Subject, Subject]:
    """Both with their commands. moved: what goes over besides, told on the survivor's stream.

    Tags are united: one that both have ends with the later of its ends and keeps the survivor's value. Pins and freezes
    are the survivor's. Tiers and growth value follow from the facts.
    """
    data: dict[str, Any] = {
        "subject": other.subject_id.hex,
        "user_ids": list(terms.user_ids),
        "facts": terms.facts,
        "known_already": terms.known_already,
        "facts_known_at": terms.facts_known_at,
        "reason": terms.reason,
    }
    commands = [_command(terms, ABSORBED, data)]
    tags = survivor.tags
    for span in _united(survivor, other, terms.now):
        until = None if span.end == NEVER else span.end
        told = {"tag": span.tag, "until": until, "reason": terms.reason}
        commands.append(_command(terms, ADDED, told | ({} if span.value is None else {"value": span.value})))
        tags = with_tag(tags, span.tag, terms.now, until, span.value)
    ending: dict[str, Any] = {"into": survivor.subject_id.hex, "user_ids": list(terms.user_ids), "reason": terms.reason}
    return (
        replace(survivor, tags=tags, commands=(*commands, *moved)),
        replace(other, commands=(_command(terms, MERGED, ending),)),
    )


def linked(subject: Subject, now: int, user_id: str, actor: str, command_id: str) -> Subject:
    """The subject with another user id."""
    return replace(subject, commands=(Command(now, LINKED, {"user_id": user_id}, actor, command_id),))


def _united(survivor: Subject, other: Subject, now: int) -> Iterator[TagSpan]:
    """The tags that the survivor is to have from now on, where that is not as it has them."""
    for tag in sorted({span.tag for span in other.tags}):
        theirs, mine = held(other.tags, tag, now), held(survivor.tags, tag, now)
        if theirs is not None and mine is None:
            yield theirs
        elif theirs is not None and mine is not None and theirs.end > mine.end:
            yield mine._replace(end=theirs.end)


def _command(terms: MergeTerms, topic: str, data: dict[str, Any]) -> Command:
    return Command(terms.now, topic, data, terms.actor, terms.command_id)
