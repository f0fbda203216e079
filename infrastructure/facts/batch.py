"""One transaction's worth of facts: who is locked, what is there already, and the rows that follow from it. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import msgspec

from application.facts.ports import Outcome, Stored
from domain.facts.check import currency_error, future_error, history_error
from domain.facts.fact import Fact, content_and_details, next_chain
from domain.facts.field_errors import FieldError
from domain.facts.history import HistorySession
from infrastructure.security.seal import CONTEXT_FACT, Seal


class Item(msgspec.Struct, frozen=True, gc=False):
    """A fact to record. group: facts of one subject and group share a known_at."""

    group: int
    fact: Fact


class Existing(msgspec.Struct, frozen=True, gc=False):
    """A row that is in the log under an item's name."""

    content_hash: bytes
    known_at: int
    position: int
    brought_by: int = 0


class FactRow(msgspec.Struct, frozen=True, gc=False):
    """A row of facts without its position, in the order of `record_facts`.

    brought_by: the number of the user id that brought it; None: 0, the id by which the subject was first known.
    """

    subject_id: UUID
    source: str
    fact_id: str
    kind: str
    occurred_at: int
    known_at: int
    amount: int | None
    currency: str | None
    sealed: bytes | None
    content_hash: bytes
    chain: bytes
    history_id: UUID | None
    brought_by: int | None = None


class SealedFact(msgspec.Struct, frozen=True, gc=False):
    """What a fact becomes by its subject's key."""

    seal: Seal
    content_hash: bytes
    details: bytes | None


@dataclass(slots=True)
class LockedSubject:
    """A locked timeline, and how far this batch has moved it. Instants in microseconds; offset from 1."""

    subject_id: UUID
    seal: Seal
    last_instant: int
    facts: int
    chain: bytes
    history_id: UUID | None
    untouched: bool  # no fact, no command, no decision so far
    due_at: int | None = None
    offset: int = 0
    recorded: int = 0
    group: int = -1
    known_at: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What the database says before anything is recorded."""

    now: int
    currencies: Collection[str]
    session: HistorySession | None = None


@dataclass(slots=True)
class Conflict:
    """An item whose name is taken by other content, still to be explained."""

    item: int
    subject: LockedSubject
    existing: Existing | None  # None: taken by `first`, an earlier item of the same batch
    first: int = -1


class Claim(NamedTuple):
    """An item that is in the log already, brought by another user id of the subject. Numbers of user ids."""

    item: int
    subject_id: UUID
    source: str
    fact_id: str
    number: int
    brought_by: int


@dataclass(slots=True)
class Plan:
    """What recording comes to. offsets: per item, of the new row that it is or repeats, from 1; 0: none."""

    outcomes: list[Outcome | None]
    rows: list[FactRow] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    repeats: set[int] = field(default_factory=set)
    touched: list[LockedSubject] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)

    def settle(self, before: int) -> list[Outcome]:
        """The outcomes, once the rows have the positions after `before`."""
        settled: list[Outcome] = []
        for item, outcome in enumerate(self.outcomes):
            if outcome is None:
                outcome = Stored(before + self.offsets[item], item in self.repeats)
            settled.append(outcome)
        return settled


def refuse(items: Iterable[Item], terms: Terms) -> list[FieldError | None]:
    """What the terms say against each item."""
    return [_against(item.fact, terms) for item in items]


def seal_fact(fact: Fact, seal: Seal) -> SealedFact:
    """Hash and seal: most of the work, and it needs no lock."""
    content, details = content_and_details(fact)
    sealed = None if details is None else seal.seal(CONTEXT_FACT, details)
    return SealedFact(seal, seal.digest(content), sealed)


def plan(
    items: Sequence[Item],
    refused: Sequence[FieldError | None],
    subjects: Mapping[str, LockedSubject],
    existing: Mapping[int, Existing],
    terms: Terms,
    sealed: Mapping[int, SealedFact],
    numbers: Mapping[str, int],
) -> Plan:
    """Rows and outcomes. subjects: by user id, of every item not refused. existing, sealed: as far as any, by item.

    numbers: of user ids that have one but 0.
    """
    made = Plan(outcomes=list(refused), offsets=[0] * len(items))
    firsts: dict[tuple[int, str, str], int] = {}
    for index, item in enumerate(items):
        if refused[index] is not None:
            continue
        fact = item.fact
        subject = subjects[fact.user_id]
        ready = sealed.get(index)
        if ready is None or ready.seal is not subject.seal:
            ready = seal_fact(fact, subject.seal)
        content_hash = ready.content_hash
        found = existing.get(index)
        if found is not None:
            if found.content_hash == content_hash:
                made.outcomes[index] = Stored(found.position, True)
                _claim(made, index, subject, fact, numbers, found.brought_by)
            else:
                made.conflicts.append(Conflict(index, subject, found))
            continue
        name = (id(subject), fact.source, fact.fact_id)  # a UUID is slow to hash
        first = firsts.get(name)
        if first is None:
            brought_by = numbers.get(fact.user_id)
            _add(made, subject, fact, ready, _known_at(subject, fact, item.group, terms), terms, brought_by)
            made.offsets[index] = len(made.rows)
            firsts[name] = index
        elif made.rows[made.offsets[first] - 1].content_hash == content_hash:
            made.offsets[index] = made.offsets[first]
            made.repeats.add(index)
            _claim(made, index, subject, fact, numbers, made.rows[made.offsets[first] - 1].brought_by or 0)
        else:
            made.conflicts.append(Conflict(index, subject, None, first))
    return made


def _against(fact: Fact, terms: Terms) -> FieldError | None:
    error = future_error(fact, terms.now) or currency_error(fact, terms.currencies)
    if error is None and terms.session is not None:
        error = history_error(fact, terms.session.opened_at)
    return error


def _known_at(subject: LockedSubject, fact: Fact, group: int, terms: Terms) -> int:
    session = terms.session
    if session is not None:
        if subject.untouched and subject.facts == 0 and subject.recorded == 0:
            subject.history_id = session.history_id
        if subject.history_id == session.history_id:
            return fact.occurred_at
    if subject.group != group:
        subject.group = group
        subject.known_at = max(terms.now, subject.last_instant + 1)
    return subject.known_at


def _claim(
    made: Plan, item: int, subject: LockedSubject, fact: Fact, numbers: Mapping[str, int], brought_by: int
) -> None:
    number = numbers.get(fact.user_id, 0)
    if number != brought_by:
        made.claims.append(Claim(item, subject.subject_id, fact.source, fact.fact_id, number, brought_by))


def _add(
    made: Plan,
    subject: LockedSubject,
    fact: Fact,
    ready: SealedFact,
    known_at: int,
    terms: Terms,
    brought_by: int | None,
) -> None:
    subject.chain = next_chain(subject.chain, ready.content_hash, known_at)
    historic = terms.session is not None and subject.history_id == terms.session.history_id
    made.rows.append(
        FactRow(
            subject.subject_id,
            fact.source,
            fact.fact_id,
            fact.kind,
            fact.occurred_at,
            known_at,
            fact.amount,
            fact.currency,
            ready.details,
            ready.content_hash,
            subject.chain,
            subject.history_id if historic else None,
            brought_by,
        )
    )
    if not subject.recorded:
        made.touched.append(subject)
    subject.offset = len(made.rows)
    subject.recorded += 1
    subject.last_instant = max(subject.last_instant, known_at)
    subject.due_at = known_at if subject.due_at is None else min(subject.due_at, known_at)
