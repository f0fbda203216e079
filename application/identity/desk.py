"""Everything that can be done with user ids, as one value of the system."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from application.identity.link_user_id import LinkUserId
from application.identity.merge_users import MergeUsers
from application.identity.split_user import SplitUser


@dataclass(frozen=True, slots=True)
class IdentityDesk:
    """user_ids: all that name the same user. Raises UnknownUser."""

    link: LinkUserId
    merge: MergeUsers
    split: SplitUser
    user_ids: Callable[[str], Sequence[str]]
