"""Let another user id, which nobody has, name a user as well."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.identity.ports import IdentityLedger
from application.tags.change import record_commands
from domain.facts.field_rules import id_errors
from domain.user_tier.merging import UserIdInvalid, linked


@dataclass(frozen=True, slots=True)
class Linked:
    """What became of it. changed: False when it named the user already. position: 0 then."""

    user_ids: Sequence[str]
    changed: bool
    position: int


class LinkUserId:
    """From then on facts, commands and questions under either id are about the one user."""

    def __init__(self, ledger: IdentityLedger) -> None:
        self._ledger = ledger

    def __call__(self, user_id: str, alias: str, actor: str, *, command_id: str = "") -> Linked:
        """command_id: the caller's own name of the command, under which it happens once; empty: none.

        Raises UserIdInvalid, UserIdTaken, UnknownUser, SubjectInHistory.
        """
        for error in id_errors("alias", alias):
            raise UserIdInvalid(alias, error.remedy)
        with self._ledger.take_link(user_id, alias) as link:
            # Met again under its name, after a crash before the answer was kept, it is answered as the first time.
            position = link.taken.position_of(command_id) or 0
            if link.fresh:
                work = link.taken.work
                subject = linked(work.subjects[0], work.now, alias, actor, command_id)
                position = record_commands(link.taken, [subject])
        return Linked(self._ledger.user_ids(user_id), position > 0, position)
