"""What putting tags on and taking them off have in common: commands on subjects, decided at their instant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from application.evaluation.ports import TakenWork
from domain.tier_model.column import Scalar
from domain.user_tier.decide import Command, Subject, decide
from domain.user_tier.tagging import ends_at, held
from domain.user_tier.tags import ADDED, REMOVED, with_tag, without_tag


@dataclass(frozen=True, slots=True)
class TagChange:
    """What became of a command. changed: False when it was so already, and nothing was recorded.

    until: when the tag ends by itself, microseconds. position: of what was written, 0 when nothing was.
    """

    tag: str
    until: int | None
    changed: bool
    position: int
    value: Scalar = None


@dataclass(frozen=True, slots=True)
class Told:
    """Who asks for a change, why, and under which name (empty: none)."""

    actor: str
    reason: str = ""
    command_id: str = ""


def tagged(subject: Subject, now: int, tag: str, until: int | None, value: Scalar, told: Told) -> Subject | None:
    """The subject with a command that puts the tag on it; None when it is there so already."""
    there = held(subject.tags, tag, now)
    if there is not None and there.end == ends_at(until) and there.value == value:
        return None
    data: dict[str, Any] = {
        "tag": tag,
        "until": until,
        "reason": told.reason,
        **({} if value is None else {"value": value}),
    }
    return _commanded(subject, now, ADDED, data, told, tags=with_tag(subject.tags, tag, now, until, value))


def untagged(subject: Subject, now: int, tag: str, told: Told) -> Subject | None:
    """The subject with a command that takes the tag off; None when it is not there."""
    if held(subject.tags, tag, now) is None:
        return None
    data = {"tag": tag, "reason": told.reason}
    return _commanded(subject, now, REMOVED, data, told, tags=without_tag(subject.tags, tag, now))


def record_commands(taken: TakenWork, subjects: Sequence[Subject]) -> int:
    """Decide what is due, then the commands, then what follows from them at their instant; the position of it all.

    subjects: of all that were taken, in their order.
    """
    work = taken.work
    result = decide(subjects, work.table, work.forces, work.now + 1)
    return taken.record(result, subjects=subjects, commanded=True)


def _commanded(subject: Subject, now: int, topic: str, data: dict[str, Any], told: Told, **changes: object) -> Subject:
    command = Command(now, topic, data, told.actor, told.command_id)
    return replace(subject, commands=(*subject.commands, command), **changes)  # type: ignore[arg-type]
