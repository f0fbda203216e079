"""Users whose grants are to change: their timelines under lock, and whether anything about them is undecided."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.facts.history import SubjectInHistory
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import Seal

_COLUMNS = """
t.subject_id, s.data_key, t.stream_version, t.last_instant, t.due_at, t.decided_at, t.history_id, t.generation
"""
# Ascending by subject, like everybody who locks timelines. The first name is no min(): that reads all names in order.
LOCK_USERS = f"""
select u.user_id, {_COLUMNS}
from user_ids u join timelines t using (subject_id) join subjects s using (subject_id)
where u.user_id = any(%b) and t.merged_into is null and u.departures = t.departures
order by t.subject_id for update of t
"""
READ_SUBJECTS = f"""
select (select (array_agg(user_id order by user_id))[1] from user_ids u where u.subject_id = t.subject_id), {_COLUMNS}
from timelines t left join subjects s using (subject_id)
where t.subject_id = any(%b) and t.merged_into is null order by t.subject_id
"""
LOCK_SUBJECTS = f"{READ_SUBJECTS} for update of t"
# Without their names, which cost a look-up each.
LOCK_MANY = f"""
select '', {_COLUMNS} from timelines t left join subjects s using (subject_id)
where t.subject_id = any(%b) and t.merged_into is null order by t.subject_id for update of t
"""
READ_MANY = LOCK_MANY.replace("for update of t", "")
LOCK_OF_GRANTS = f"""
select (select (array_agg(user_id order by user_id))[1] from user_ids u where u.subject_id = t.subject_id), {_COLUMNS}
from timelines t left join subjects s using (subject_id)
where t.subject_id in (select subject_id from grants where grant_id = any(%b)) and t.merged_into is null
order by t.subject_id for update of t
"""
LOCK_UNLOCKED_OF_GRANTS = f"{LOCK_OF_GRANTS} skip locked"
# What follows in the transaction is a few statements, always the same, each for rows that an index finds. Planned anew
# for every list of ids, as they are otherwise, they take longer to plan than to do; planned once while tables were
# small, they would read whole tables later on.
PLAN_ONCE = """
select set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)
"""
TERMS = """
select tierline_now(), (select coalesce(max(generation), 0) from activations),
       (select coalesce(max(at), 0) from scheduled_activations where at < tierline_peek())
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """now: read under the locks; generation: of the last activation; scheduled: the last that came due by itself."""

    now: int
    generation: int
    scheduled: int


@dataclass(slots=True)
class Holder:
    """One locked subject. user_id: one that names it, empty when it was erased; seal: None then.

    version: of the last event of its stream, those that are being written included.
    """

    user_id: str
    subject_id: UUID
    seal: Seal | None
    version: int
    last_instant: int
    due_at: int | None
    decided_at: int | None
    history_id: UUID | None
    generation: int

    def instant(self, terms: Terms) -> int:
        """When a command on it happens: now, after whatever happened before."""
        return max(terms.now, self.last_instant + 1)

    def is_decided(self, terms: Terms) -> bool:
        """Whether everything about it up to the command's instant is decided. Raises SubjectInHistory."""
        if self.history_id is not None:
            raise SubjectInHistory(self.user_id, self.history_id)
        return (
            self.decided_at is not None
            and self.decided_at >= terms.scheduled
            and self.generation >= terms.generation
            and (self.due_at is None or self.due_at > self.instant(terms))
        )

    def next_version(self) -> int:
        """Of one more event."""
        self.version += 1
        return self.version


def holders_of(rows: Iterable[tuple[Any, ...]], keyring: Keyring) -> dict[str, Holder]:
    """By user id; two user ids of one subject share its holder."""
    holders: dict[str, Holder] = {}
    by_subject: dict[UUID, Holder] = {}
    for user_id, subject_id, data_key, *state in rows:
        holder = by_subject.get(subject_id)
        if holder is None:
            seal = None if data_key is None else keyring.unwrap(subject_id, data_key)
            holder = by_subject[subject_id] = Holder(user_id or "", subject_id, seal, *state)
        holders[user_id or subject_id.hex] = holder
    return holders
