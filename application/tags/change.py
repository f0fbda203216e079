"""What adding and removing a tag have in common: a command on one subject, decided at its instant."""

from dataclasses import dataclass, replace
from typing import Any

from application.evaluation.ports import TakenWork
from domain.user_tier.decide import Command, decide
from domain.user_tier.tags import TagSpan


@dataclass(frozen=True, slots=True)
class TagChange:
    """What became of a command. changed: False when it was so already, and nothing was recorded.

    until: when the tag ends by itself, microseconds. position: of what was written, 0 when nothing was.
    """

    tag: str
    until: int | None
    changed: bool
    position: int


def record_command(
    taken: TakenWork, topic: str, data: dict[str, Any], actor: str, command_id: str, tags: tuple[TagSpan, ...]
) -> int:
    """Decide what is due, then the command, then what follows from it at its instant; the position of it all."""
    work = taken.work
    command = Command(work.now, topic, data, actor, command_id)
    subject = replace(work.subjects[0], tags=tags, commands=(command,))
    result = decide([subject], work.table, work.forces, work.now + 1)
    return taken.record(result, subjects=[subject], commanded=True)
