"""A tag for many at once: looked at first, then run, broken off, and taken back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from application.definitions.ports import Definitions
from application.evaluation.isolation import isolating
from application.queries import SegmentSearch
from application.runs.ports import Part, Run, Runs
from application.tags.bulk_ports import (
    Before,
    Bulk,
    BulkCannot,
    BulkInvalid,
    BulkLedger,
    BulkWanted,
    Change,
    Marked,
    TakenUsers,
    UserState,
)
from application.tags.change import Told, record_commands, tagged, untagged
from application.tags.defined import require_by_hand, value_of
from domain.facts.instants import format_instant
from domain.facts.table import NEVER
from domain.tags.aggregate import TagDefinition
from domain.user_tier.decide import Subject
from domain.user_tier.tagging import TagEndsInPast, held, require_tag

BULK_TAG = "bulk-tag"
_PARTS = 4
_AT_ONCE = 1_000
_TOGETHER = 200  # users in one transaction


class BulkTags:
    """What people do; whoever performs runs does the work."""

    def __init__(
        self,
        ledger: BulkLedger,
        runs: Runs,
        definitions: Definitions[TagDefinition],
        search: SegmentSearch,
    ) -> None:
        self._ledger, self._runs, self._definitions, self._search = ledger, runs, definitions, search

    def preview(self, wanted: BulkWanted, actor: str, user_ids: Iterable[str] | None = None) -> Bulk:
        """Fix whom it is about: the members of a segment now, or a list. Nothing is done to them.

        Raises TagInvalid, TagValueInvalid, TagKeptByRule, DefinitionRetired, TagEndsInPast, BulkInvalid,
        ConditionInvalid.
        """
        require_tag(wanted.tag, wanted.reason)
        if (user_ids is None) == (not wanted.condition.strip()):
            raise BulkInvalid("where", wanted.condition, "give a condition (where), or a list of users, one of them")
        found = self._definitions.find(wanted.tag)
        require_by_hand(found)
        if wanted.action == "add":
            wanted = replace(wanted, value=value_of(wanted.tag, found, wanted.value))
            now = self._ledger.now()
            if wanted.until is not None and wanted.until <= now:
                raise TagEndsInPast(wanted.until, now)
        else:
            wanted = replace(wanted, value=None, until=None)
        if user_ids is not None:
            return self._ledger.get(self._ledger.add_users(wanted, actor, user_ids))
        members = self._search.members(wanted.condition)
        return self._ledger.get(self._ledger.add(wanted, actor, (member["subject_id"] for member in members)))

    def run(self, bulk_id: str, actor: str) -> Bulk:
        """Do it; one that was cancelled goes on with those who are left. Raises UnknownBulk, BulkCannot."""
        return self._start(bulk_id, actor, revert=False)

    def revert(self, bulk_id: str, actor: str) -> Bulk:
        """Take back what it did, and nothing else: a tag that somebody has touched since stays.

        Raises UnknownBulk, BulkCannot.
        """
        return self._start(bulk_id, actor, revert=True)

    def cancel(self, bulk_id: str) -> Bulk:
        """Break it off: what is done stays done. Raises UnknownBulk, BulkCannot."""
        bulk = self._ledger.get(bulk_id)
        if self.state(bulk) != "running" or not self._ledger.cancel(bulk):
            raise BulkCannot(bulk_id, "cancelled", self.state(bulk), "only one that is running is cancelled")
        return self._ledger.get(bulk_id)

    def get(self, bulk_id: str) -> Bulk:
        """Raises UnknownBulk."""
        return self._ledger.get(bulk_id)

    def latest(self, size: int = 100) -> Sequence[Bulk]:
        """The latest first."""
        return self._ledger.latest(size)

    def run_of(self, bulk: Bulk) -> Run:
        """What was started last. Raises UnknownRun."""
        return self._runs.get(bulk.run_id or "", BULK_TAG)

    def state(self, bulk: Bulk) -> str:
        """As wanted, or done, reverted and failed when its run is."""
        if bulk.run_id is None or bulk.state not in ("running", "reverting"):
            return bulk.state
        run = self.run_of(bulk)
        if run.state == "failed":
            return "failed"
        return bulk.state if run.state != "done" else "done" if bulk.state == "running" else "reverted"

    def shown(self, bulk: Bulk) -> dict[str, Any]:
        """As it is answered."""
        wanted = bulk.wanted
        until = None if wanted.until is None else format_instant(wanted.until)
        errors = [] if bulk.run_id is None else list(self.run_of(bulk).errors)
        return {
            "id": bulk.bulk_id,
            "state": self.state(bulk),
            "tag": wanted.tag,
            "action": wanted.action,
            "value": wanted.value,
            "until": until,
            "reason": wanted.reason,
            "where": wanted.condition or None,
            "users": sum(bulk.users.values()),
            "by_outcome": dict(bulk.users),
            "sample": list(bulk.sample),
            "unknown": bulk.unknown,
            "unknown_first": list(bulk.unknown_first),
            "requested_by": bulk.requested_by,
            "requested_at": format_instant(bulk.requested_at),
            "run_id": bulk.run_id,
            "errors": errors,
        }

    def _start(self, bulk_id: str, actor: str, *, revert: bool) -> Bulk:
        bulk = self._ledger.get(bulk_id)
        state = self.state(bulk)
        what, good = (
            ("reverted", ("done", "cancelled", "failed")) if revert else ("run", ("previewed", "cancelled", "failed"))
        )
        if state not in good:
            remedy = "cancel it first" if state == "running" else f"it is for one that is {' or '.join(good)}"
            raise BulkCannot(bulk_id, what, state, remedy)
        parameters = {"bulk_id": bulk_id, "revert": revert, "actor": actor}
        if not self._ledger.start(bulk, "reverting" if revert else "running", BULK_TAG, parameters, _PARTS):
            raise BulkCannot(bulk_id, what, self.state(self._ledger.get(bulk_id)), "somebody else was quicker")
        return self._ledger.get(bulk_id)


class BulkTagJob:
    """One share of a bulk. What became of a user is kept in the transaction of the command: cut off, it goes on."""

    def __init__(self, ledger: BulkLedger) -> None:
        self._ledger = ledger

    def __call__(self, part: Part) -> None:
        """Ends early when the bulk is cancelled, or another run has taken it over."""
        bulk_id, revert = part.parameters["bulk_id"], part.parameters["revert"]
        work = _Work(self._ledger, part.parameters["actor"], revert)
        state: UserState = "changed" if revert else "waiting"
        done = part.result.get("done", 0)
        total = done + self._ledger.count(bulk_id, state, part.number, part.parts)
        while True:
            bulk = self._ledger.get(bulk_id)
            if bulk.state not in ("running", "reverting") or bulk.run_id != part.run_id:
                return
            ids = self._ledger.left(bulk_id, state, part.number, part.parts, _AT_ONCE)
            if not ids:
                return
            for start in range(0, len(ids), _TOGETHER):
                some = ids[start : start + _TOGETHER]
                _, undecided = isolating(some, _TOGETHER, lambda them: work.do(bulk, them))  # noqa: B023
                self._ledger.refuse(bulk_id, undecided)
                done += len(some)
                part.keep(done, max(done, total), some[-1], {"done": done})
                if self._ledger.get(bulk_id).state != bulk.state:
                    return


@dataclass(frozen=True, slots=True)
class _Work:
    ledger: BulkLedger
    actor: str
    reverting: bool

    def do(self, bulk: Bulk, ids: Sequence[UUID]) -> int:
        """One transaction's worth."""
        with self.ledger.take(bulk, ids) as users:
            if users.taken is None:
                users.mark([Marked(subject_id, "refused") for subject_id in ids])
                return 0
            return self._commanded(bulk, ids, users)

    def _commanded(self, bulk: Bulk, ids: Sequence[UUID], users: TakenUsers) -> int:
        assert users.taken is not None
        now = users.taken.work.now
        changes = users.changes() if self.reverting else {}
        subjects, marked = [], []
        for subject in users.taken.work.subjects:
            if self.reverting:
                commanded = self._reverted(bulk, subject, changes[subject.subject_id], now)
                marked.append(Marked(subject.subject_id, "reverted" if commanded else "kept"))
            else:
                commanded = self._changed(bulk.wanted, bulk.bulk_id, subject, now)
                state: UserState = "changed" if commanded else "unchanged"
                marked.append(Marked(subject.subject_id, state, _before(subject, bulk.wanted.tag, now)))
            subjects.append(commanded or subject)
        there = {subject.subject_id for subject in subjects}
        marked += [Marked(subject_id, "refused") for subject_id in ids if subject_id not in there]
        users.mark(marked)
        if any(subject.commands for subject in subjects):
            record_commands(users.taken, subjects)
        return len(subjects)

    def _changed(self, wanted: BulkWanted, bulk_id: str, subject: Subject, now: int) -> Subject | None:
        told = Told(self.actor, wanted.reason, f"{BULK_TAG}:{bulk_id}")
        if wanted.action == "remove":
            return untagged(subject, now, wanted.tag, told)
        if wanted.until is not None and wanted.until <= now:
            return None  # it would be over before it began
        return tagged(subject, now, wanted.tag, wanted.until, wanted.value, told)

    def _reverted(self, bulk: Bulk, subject: Subject, change: Change, now: int) -> Subject | None:
        told = Told(self.actor, "", f"{BULK_TAG}:{bulk.bulk_id}:revert")
        before = change.before
        if change.touched:
            return None
        if before is None or (before.until is not None and before.until <= now):
            return untagged(subject, now, bulk.wanted.tag, told)
        return tagged(subject, now, bulk.wanted.tag, before.until, before.value, told)


def _before(subject: Subject, tag: str, now: int) -> Before | None:
    there = held(subject.tags, tag, now)
    return None if there is None else Before(None if there.end == NEVER else there.end, there.value)
