"""What is recorded of a user's ids: linked, merged and split."""

from domain.user_tier.events import SubjectEvent


class UserIdLinked(SubjectEvent):
    """Another user id names the subject from now on."""

    TOPIC = "user-tier.user-id-linked.v1"

    user_id: str


class UserAbsorbed(SubjectEvent):
    """Another subject was merged into this one: its user ids name this one from now on.

    subject: the other's stream, in hex. facts: how many of its facts were copied, known at facts_known_at
    (microseconds); known_already: how many were here with the same content.
    """

    TOPIC = "user-tier.user-absorbed.v1"

    subject: str
    user_ids: list[str]
    facts: int
    known_already: int
    facts_known_at: int
    reason: str


class UserMerged(SubjectEvent):
    """The subject was merged into another one, and ends here. into: the other's stream, in hex."""

    TOPIC = "user-tier.user-merged.v1"

    into: str
    user_ids: list[str]
    reason: str


class UserSplit(SubjectEvent):
    """User ids have left the subject, with the facts that they had brought, and name another one from now on.

    subject: the other's stream, in hex. facts: how many of the facts were copied to it, known at facts_known_at
    (microseconds); voided: how many of them count no more here from that instant on.
    """

    TOPIC = "user-tier.user-split.v1"

    subject: str
    user_ids: list[str]
    facts: int
    voided: int
    facts_known_at: int
    reason: str


class UserSplitOff(SubjectEvent):
    """The subject begins here: its user ids were those of another one. subject: that one's stream, in hex."""

    TOPIC = "user-tier.user-split-off.v1"

    subject: str
    user_ids: list[str]
    facts: int
    facts_known_at: int
    reason: str


EVENTS: tuple[type[SubjectEvent], ...] = (UserIdLinked, UserAbsorbed, UserMerged, UserSplit, UserSplitOff)
