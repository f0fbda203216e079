"""Do the read models equal the fold of the log? Every record is folded again and held against what is stored.

The log goes on meanwhile: what differs is looked at again, from the log, once the read models have caught up.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from projections.catalogue import PARTITIONS, TRANSITIONS, USER_CARD, USER_SEARCH, ReadModel
from projections.records import BrokenRecord, Record, Tail
from projections.target import Projector
from projections.transitions.projector import project as transition_of
from projections.transitions.view import TransitionsView
from projections.user_card.projector import project as card_of
from projections.user_card.view import UserCardView, card_to_redis
from projections.user_search.projector import project as document_of
from projections.user_search.view import UserSearchView

_BATCH = 1_000
_LOOKS = 5  # how often what differs is looked at; somebody may be decided again and again
_ROUNDS = 3
_FIRST = 10

Contents = dict[str, Any]
"""What a store holds, or should: id -> value."""


class Findings(msgspec.Struct):
    """Ids in the log that the store lacks, holds with another value, or holds without the log. first: some of them."""

    checked: int = 0
    missing: int = 0
    different: int = 0
    extra: int = 0
    first: list[str] = []

    @property
    def equal(self) -> bool:
        """Whether nothing was found."""
        return not (self.missing or self.different or self.extra)


@dataclass(frozen=True)
class Mirror:
    """A read model as seen from the log. ids: of everything in the store; subject_of: whose a stored value is."""

    model: ReadModel
    expected: Callable[[Record], Contents]
    read: Callable[[Sequence[str]], Mapping[str, Any]]
    ids: Callable[[], Iterable[str]]
    subject_of: Callable[[Any], UUID]


@dataclass
class _Pass:
    """What one pass over the log has seen of one mirror."""

    seen: set[str] = field(default_factory=set)
    suspects: set[UUID] = field(default_factory=set)


def reconcile(tail: Tail, mirror: Mirror, to_head: Callable[[], bool]) -> Findings:
    """Compare everything. to_head: brings the read model to the head of the log; False when it could not.

    Holds the ids of the log in memory: some 100 bytes each.
    """
    to_head()
    looked = _look_at_all(tail, mirror)
    strangers = [one for one in mirror.ids() if one not in looked.seen]
    suspects = set(looked.suspects)
    findings = Findings()
    for _ in range(_LOOKS):
        if not suspects and not strangers:
            break
        to_head()
        findings, suspects, strangers = _look_again(tail, mirror, suspects, strangers)
    findings.checked = len(looked.seen)
    return findings


def _look_at_all(tail: Tail, mirror: Mirror) -> _Pass:
    found, after = _Pass(), 0
    # Whoever is decided meanwhile moves on to a later position: after the log as it stood, what has come since.
    for _ in range(_ROUNDS):
        after = _look_on(tail, mirror, found, after, tail.head())
    return found


def _look_on(tail: Tail, mirror: Mirror, found: _Pass, after: int, head: int) -> int:
    model = mirror.model
    while after < head:
        batch = tail.read(range(PARTITIONS), after, _BATCH, events=bool(model.topics), observations=model.observations)
        expected: Contents = {}
        owners: dict[str, UUID] = {}
        for record in batch.records:
            if isinstance(record, BrokenRecord):
                found.suspects.add(record.subject_id)
            elif model.wants(record):
                contents = mirror.expected(record)
                expected |= contents
                owners |= dict.fromkeys(contents, record.subject_id)
        stored = mirror.read(list(expected))
        found.suspects |= {owners[one] for one, value in expected.items() if stored.get(one) != value}
        found.seen |= expected.keys()
        after = batch.position
    return after


def _look_again(
    tail: Tail, mirror: Mirror, suspects: set[UUID], strangers: list[str]
) -> tuple[Findings, set[UUID], list[str]]:
    """What of the suspects still differs, subject by subject, and which strangers the log still does not know."""
    findings, still = Findings(), set()
    for subject_id in sorted(suspects):
        expected = _expected_of(tail, mirror, subject_id)
        stored = mirror.read(list(expected))
        for one, value in sorted(expected.items()):
            if stored.get(one) != value:
                still.add(subject_id)
                _note(findings, one)
                findings.missing += one not in stored
                findings.different += one in stored
    unknown = []
    for one in strangers:
        value = mirror.read([one]).get(one)
        if value is not None and one not in _expected_of(tail, mirror, mirror.subject_of(value)):
            unknown.append(one)
            _note(findings, one)
    findings.extra = len(unknown)
    return findings, still, unknown


def _expected_of(tail: Tail, mirror: Mirror, subject_id: UUID) -> Contents:
    expected: Contents = {}
    for record in tail.read_subject(subject_id, 0):
        if mirror.model.wants(record):
            expected |= _unreadable(record) if isinstance(record, BrokenRecord) else mirror.expected(record)
    return expected


def _unreadable(record: BrokenRecord) -> Contents:
    # No store holds such an id, so that it is told as missing.
    return {f"{record.subject_id.hex} at {record.position}: {record.error}": record.error}


def _note(findings: Findings, one: str) -> None:
    if len(findings.first) < _FIRST:
        findings.first = [*findings.first, one]


def card_mirror(view: UserCardView) -> Mirror:
    """User cards, by user id."""

    def expected(record: Record) -> Contents:
        operation = card_of(record)
        return {} if operation is None else dict(card_to_redis(operation))

    return Mirror(
        USER_CARD, expected, view.read_many, view.user_ids, lambda card: UUID(msgspec.json.decode(card)["subject_id"])
    )


def search_mirror(view: UserSearchView) -> Mirror:
    """Search documents, by subject id."""
    return Mirror(USER_SEARCH, _documents(document_of), view.documents, view.subject_ids, _subject_of_document)


def transitions_mirror(view: TransitionsView) -> Mirror:
    """Transitions, by event id."""
    return Mirror(TRANSITIONS, _documents(transition_of), view.documents, view.event_ids, _subject_of_document)


def _documents(projector: Projector) -> Callable[[Record], Contents]:
    def expected(record: Record) -> Contents:
        document = projector(record)
        # As the store gives it back: through JSON.
        return (
            {}
            if document is None
            else {document.document_id: msgspec.json.decode(msgspec.json.encode(document.source))}
        )

    return expected


def _subject_of_document(source: Mapping[str, Any]) -> UUID:
    return UUID(source["subject_id"])
