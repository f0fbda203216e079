"""Grant a benefit to a user."""

from uuid import UUID, uuid4, uuid5

from application.benefits.decided import once_decided
from application.benefits.ports import GrantDesk, Recorded
from application.evaluation.evaluate_user import EvaluateUser
from domain.benefits.granting import GrantWanted, require_wanted

_NAMESPACE = UUID("0b1b4a9c-3d52-5c0e-9a67-4f7d1a1d6a31")


def grant_id_of(command_id: str) -> str:
    """The id of what a command grants: the same for the same command; a new one where the command has no name."""
    return (uuid5(_NAMESPACE, command_id) if command_id else uuid4()).hex


class GrantBenefit:
    """Decides what is due for the user first; then the grant, its cost and its stock are one transaction."""

    def __init__(self, desk: GrantDesk, evaluate_user: EvaluateUser) -> None:
        self._desk, self._evaluate_user = desk, evaluate_user

    def __call__(self, wanted: GrantWanted) -> Recorded:
        """Under one grant_id it happens once, also when the answer to the first was lost.

        Raises UnknownUser, SubjectInHistory, UserKeepsMoving and the refusals of domain.benefits.
        """
        require_wanted(wanted)
        return once_decided(lambda: self._desk.grant(wanted), self._evaluate_user)
