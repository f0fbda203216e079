"""What pinning, freezing and their ends have in common: a command on one standing, decided at its instant."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from application.evaluation.ports import TakenWork
from application.queries import UnknownScheme
from domain.tier_model.spec import TierModelSpec
from domain.user_tier.decide import Command, decide
from domain.user_tier.holds import HoldChange
from domain.user_tier.observation import Standing
from domain.user_tier.overriding import NoStanding, require_place
from domain.user_tier.rollout import groups_of


@dataclass(frozen=True, slots=True)
class Held:
    """What became of a command. changed: False when it was so already, and nothing was recorded. again: the command had
    been carried out before under its id, and this is its answer.

    until: when it ends by itself, microseconds. position: of what was written, 0 when nothing was. request_id: of a
    request that waits for approval.
    """

    changed: bool
    position: int
    until: int | None = None
    request_id: str | None = None
    again: bool = False


class Place:
    """One standing of a user under lock, with all decided that was due before the command."""

    def __init__(self, taken: TakenWork, user_id: str, scheme: str, scope: str) -> None:
        """Raises UnknownScheme, HoldInvalid, NoStanding."""
        self._taken, self._work = taken, taken.work
        self._scheme, self._scope = scheme, scope
        self._subject = self._work.subjects[0]
        ((_, forces),) = groups_of([self._subject.subject_id], self._work.forces)
        if scheme not in forces:
            raise UnknownScheme(scheme, sorted(forces))
        self.spec: TierModelSpec = forces[scheme][-1].model.spec
        """Of the version in force for the user."""
        require_place(self.spec, scope)
        reached = decide([self._subject], self._work.table, self._work.forces, self.now + 1).decided[0]
        seen = reached.observation.schemes.get(scheme, {}).get(scope)
        if seen is None:
            raise NoStanding(user_id, scheme, scope)
        self.standing: Standing = seen.standing

    @property
    def now(self) -> int:
        """The instant of the command, microseconds."""
        return self._work.now

    def record(
        self,
        what: Literal["pinned", "unpinned", "frozen", "unfrozen"],
        data: dict[str, Any],
        actor: str,
        command_id: str,
        **change: Any,
    ) -> int:
        """Decide what is due, then the command, then what follows from it at its instant; the position of it all.

        change: the pin or the freeze.
        """
        tier = change["pin"].tier if "pin" in change else self.standing.tier
        held = HoldChange(self.now, self._scheme, self._scope, what, **change)
        topic = f"user-tier.tier-{what}.v1"
        command = Command(self.now, topic, data, actor, command_id, self._scheme, self._scope, tier)
        subject = replace(self._subject, changes=(*self._subject.changes, held), commands=(command,))
        result = decide([subject], self._work.table, self._work.forces, self.now + 1)
        return self._taken.record(result, subjects=[subject], commanded=True)
