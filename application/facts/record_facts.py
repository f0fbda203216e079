"""Record facts: check each, store what is right, say what is wrong with the rest."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from application.facts.ports import FactKinds, FactLog, Outcome, References, Stored
from domain.facts.check import UNREADABLE, check_fact
from domain.facts.fact import Fact
from domain.facts.field_errors import FieldError, shown
from domain.refusal import Complaint, Refusal

MAX_FACTS = 1_000  # of one request
LINES_AT_ONCE = 8_000  # of a stream
BYTES_AT_ONCE = 4_000_000
MAX_LISTED = 10_000  # rejected facts that a stream's answer lists

Sent = bytes | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """One request: facts as sent, JSON texts or objects. history_id: into that open session."""

    facts: Sequence[Sent]
    history_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RecordFactStream:
    """Facts of any number, one a line. A line that is empty is skipped, but counts in the index."""

    lines: Iterable[Sent]
    history_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RejectedFact:
    """One fact that was not recorded. index: of the fact in its request, or of the line in its stream, from 0."""

    index: int
    fact_id: str | None
    errors: Sequence[FieldError]

    def to_json(self) -> dict[str, object]:
        """error is the first; errors are all, when there are more."""
        listed: dict[str, object] = {"index": self.index, "fact_id": self.fact_id, "error": self.errors[0].to_json()}
        if len(self.errors) > 1:
            listed["errors"] = [error.to_json() for error in self.errors]
        return listed


@dataclass(slots=True)
class FactsRecorded:
    """The answer. position: the highest among the facts accepted and their duplicates, 0 without any. doubtful: facts
    that are recorded, and say nothing of the assignment or grant that they name."""

    accepted: int = 0
    duplicates: int = 0
    rejected_count: int = 0
    rejected: list[RejectedFact] = field(default_factory=list)
    position: int = 0
    doubtful: list[RejectedFact] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """As answered over HTTP. rejected_count says more than the list only when a stream had very many."""
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "rejected": [rejected.to_json() for rejected in self.rejected],
            "rejected_count": self.rejected_count,
            "doubtful": [one.to_json() for one in self.doubtful],
            "position": self.position,
        }


class TooManyFacts(Refusal):
    """More facts than one request may carry."""

    def __init__(self, count: int) -> None:
        remedy = f"send up to {MAX_FACTS} facts a request, or a stream of NDJSON lines"
        super().__init__(f"{count} facts in one request are too many.", Complaint("facts", count, remedy))


class MalformedRequest(Refusal):
    """A body that is not an object with a list of facts."""

    def __init__(self, found: str) -> None:
        remedy = 'send {"facts": [...]} as application/json, or one fact a line as application/x-ndjson'
        super().__init__(f"The body is not a list of facts: {found}.", Complaint("facts", None, remedy))


class _Request(msgspec.Struct):
    facts: list[msgspec.Raw]


_REQUEST = msgspec.json.Decoder(_Request)


def facts_in_body(body: bytes) -> list[bytes]:
    """The facts of a JSON request body {"facts": [...]}, each still as text. Raises MalformedRequest."""
    try:
        return [bytes(fact) for fact in _REQUEST.decode(body).facts]
    except UNREADABLE as error:
        raise MalformedRequest(str(error)) from None


class RecordFactsHandler:
    """Facts in, an answer out. One bad fact costs only itself."""

    def __init__(self, log: FactLog, kinds: FactKinds, references: References | None = None) -> None:
        """references None: nobody asks what facts name."""
        self._log = log
        self._kinds = kinds
        self._references = references

    def __call__(self, command: RecordFacts) -> FactsRecorded:
        """One request. Raises TooManyFacts, UnknownHistory, HistorySealed."""
        if len(command.facts) > MAX_FACTS:
            raise TooManyFacts(len(command.facts))
        answer = FactsRecorded()
        indexes, facts = self._check(list(enumerate(command.facts)), answer)
        self._count(answer, indexes, facts, self._log.record(facts, command.history_id))
        return answer

    def rehearse(self, facts: Sequence[Fact]) -> Sequence[Outcome]:
        """What would become of facts of known users, one by one; nothing is recorded. Raises UnknownUser."""
        return self._log.rehearse(facts)

    def stream(self, command: RecordFactStream) -> FactsRecorded:
        """A stream, in stretches: each is durable before the next is read."""
        *_, answer = self.progress(command)
        return answer

    def progress(self, command: RecordFactStream) -> Iterator[FactsRecorded]:
        """As `stream`, with the answer so far after every stretch. At least one."""
        answer = FactsRecorded()
        checked: deque[tuple[list[int], list[Fact]]] = deque()
        empty = True

        def stretches() -> Iterator[list[Fact]]:
            for stretch in _stretches(command.lines):
                indexes, facts = self._check(stretch, answer)
                checked.append((indexes, facts))
                yield facts

        for outcomes in self._log.record_stream(stretches(), command.history_id):
            self._count(answer, *checked.popleft(), outcomes)
            yield answer
            empty = False
        if empty:
            yield answer

    def _check(self, sent: list[tuple[int, Sent]], answer: FactsRecorded) -> tuple[list[int], list[Fact]]:
        """The well-formed ones with their indexes; the others into the answer."""
        kinds, refreshed = self._kinds.definitions(), False
        indexes, facts = [], []
        for index, item in sent:
            if not item or (isinstance(item, bytes) and item.isspace()):
                continue
            fact = check_fact(item, kinds)
            if not isinstance(fact, Fact) and not refreshed and any(error.field == "kind" for error in fact):
                kinds, refreshed = self._kinds.refreshed(), True
                fact = check_fact(item, kinds)
            if isinstance(fact, Fact):
                indexes.append(index)
                facts.append(fact)
            else:
                _reject(answer, RejectedFact(index, _fact_id(item), fact))
        return indexes, facts

    def _count(self, answer: FactsRecorded, indexes: list[int], facts: list[Fact], outcomes: Sequence[Outcome]) -> None:
        _count(answer, indexes, facts, outcomes)
        doubts = self._references.doubts(facts) if self._references is not None else ()
        for index, fact, outcome, doubt in zip(indexes, facts, outcomes, doubts, strict=False):
            if doubt is not None and isinstance(outcome, Stored) and len(answer.doubtful) < MAX_LISTED:
                answer.doubtful.append(RejectedFact(index, fact.fact_id, [doubt]))


def _stretches(lines: Iterable[Sent]) -> Iterator[list[tuple[int, Sent]]]:
    """Numbered lines, cut so that a stretch is neither long nor large."""
    stretch: list[tuple[int, Sent]] = []
    size = 0
    for numbered in enumerate(lines):
        stretch.append(numbered)
        size += len(numbered[1])
        if len(stretch) == LINES_AT_ONCE or size > BYTES_AT_ONCE:
            yield stretch
            stretch, size = [], 0
    if stretch:
        yield stretch


def _count(answer: FactsRecorded, indexes: list[int], facts: list[Fact], outcomes: Sequence[Outcome]) -> None:
    for index, fact, outcome in zip(indexes, facts, outcomes, strict=True):
        if not isinstance(outcome, Stored):
            _reject(answer, RejectedFact(index, fact.fact_id, [outcome]))
            continue
        if outcome.duplicate:
            answer.duplicates += 1
        else:
            answer.accepted += 1
        answer.position = max(answer.position, outcome.position)
    answer.rejected.sort(key=lambda rejected: rejected.index)


def _reject(answer: FactsRecorded, rejected: RejectedFact) -> None:
    answer.rejected_count += 1
    if len(answer.rejected) < MAX_LISTED:
        answer.rejected.append(rejected)


def _fact_id(sent: Sent) -> str | None:
    """The fact_id of a fact that is wrong, as far as it can be told."""
    try:
        value = msgspec.json.decode(sent) if isinstance(sent, bytes) else sent
    except UNREADABLE:
        return None
    found = value.get("fact_id") if isinstance(value, Mapping) else None
    return str(shown(found)) if isinstance(found, str) else None
