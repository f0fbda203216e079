"""Verify the ledger of benefits as a run: in parts, by any number of processes, going on where it was broken off."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol
from uuid import UUID

from application.compliance.ports import Share
from application.runs.ports import Part, Run, Runs
from domain.benefits.kept import KeptAccount, KeptGrant, KeptMove, ToldEvent
from domain.benefits.proof import PROBLEMS, Finding, account_findings, findings_of
from domain.facts.instants import format_instant

LEDGER_VERIFICATION = "ledger-verification"
PARTS = 16  # of everybody, by the first hex digit of the subject's id
COUNTS = ("subjects", "erased", "grants", "moves", "events", "accounts")
_KEPT_A_PART = 100  # findings in full; all are counted


@dataclass(frozen=True, slots=True)
class LedgerBatch:
    """What is kept of some subjects and what their events tell, by subject, of one snapshot. through: everybody up to
    this subject is read with it."""

    grants: Mapping[UUID, Mapping[str, KeptGrant]]
    moves: Mapping[UUID, Sequence[KeptMove]]
    events: Mapping[UUID, Sequence[ToldEvent]]
    erased: int
    through: UUID


class LedgerRecords(Protocol):
    """The ledger of benefits, read for proof."""

    def count(self, share: Share) -> int:
        """Subjects with grants. Raises UnknownUser."""
        ...

    def accounts(self) -> Sequence[KeptAccount]:
        """All of them in one snapshot, with the sums over the grants that are charged to each."""
        ...

    def subjects(self, share: Share) -> Iterator[LedgerBatch]:
        """With grants or events about some, a batch at a time, by their ids. Raises UnknownUser."""
        ...


class LedgerVerifications:
    """Asks for verifications, and reads how far they are; whoever performs runs does them."""

    def __init__(self, records: LedgerRecords, runs: Runs) -> None:
        self._records, self._runs = records, runs

    def ask(self, actor: str, user_id: str | None = None) -> Run:
        """Everybody and all accounts, or one user. Raises UnknownUser."""
        self._records.count(Share(user_id))
        parts = 1 if user_id is not None else PARTS
        return self.get(self._runs.add(LEDGER_VERIFICATION, {"user_id": user_id}, actor, parts))

    def get(self, run_id: str) -> Run:
        """Raises UnknownRun."""
        return self._runs.get(run_id, LEDGER_VERIFICATION)

    def subjects(self) -> int:
        """How many have grants."""
        return self._records.count(Share())


class LedgerVerificationJob:
    """One part: its subjects in the order of their ids, kept after every batch; the first part the accounts as well."""

    def __init__(self, records: LedgerRecords) -> None:
        self._records = records

    def __call__(self, part: Part) -> None:
        """Goes on after the last subject that was kept."""
        user_id = part.parameters["user_id"]
        total = self._records.count(Share(user_id, part.number, part.parts))
        result: dict[str, Any] = dict(part.result) or self._begun(part, user_id, total)
        for batch in self._records.subjects(Share(user_id, part.number, part.parts, part.after)):
            found = _found(batch)
            room = _KEPT_A_PART - result["listed"]
            told = [(UUID(finding.subject), asdict(finding)) for finding in found[:room]]
            result = _added(result, _counts(batch), found) | {"listed": result["listed"] + len(told)}
            done = result["subjects"] + result["erased"]
            part.keep(done, max(done, total), batch.through, result, told)

    def _begun(self, part: Part, user_id: str | None, total: int) -> dict[str, Any]:
        result = dict.fromkeys(COUNTS, 0) | {"problems": {}, "listed": 0, "of_accounts": []}
        if part.number == 0 and user_id is None:
            accounts = self._records.accounts()
            found = list(account_findings(accounts))
            result = _added(result, {"accounts": len(accounts)}, found)
            result["of_accounts"] = [asdict(finding) for finding in found[:_KEPT_A_PART]]
        part.keep(0, total, None, result)
        return result


def shown(run: Run) -> dict[str, Any]:
    """A verification as far as it is, as answered. Instants as text.

    first: findings in full, those about accounts first, at most a hundred of each part.
    """
    counts = {name: sum(result.get(name, 0) for result in run.results) for name in COUNTS}
    problems: Counter[str] = Counter()
    for result in run.results:
        problems.update(result.get("problems", {}))
    of_accounts = [finding for result in run.results for finding in result.get("of_accounts", [])]
    return {
        "id": run.run_id,
        **run.parameters,
        "state": run.state,
        "clean": run.state == "done" and not problems.total(),
        "subjects_done": run.done,
        "subjects_all": run.total,
        "requested_by": run.requested_by,
        "requested_at": format_instant(run.requested_at),
        **counts,
        "problems": {name: problems[name] for name in PROBLEMS},
        "first": [*of_accounts, *run.findings],
        "errors": list(run.errors),
    }


def _found(batch: LedgerBatch) -> list[Finding]:
    found: list[Finding] = []
    for subject in batch.events:
        kept = batch.grants.get(subject, {}), batch.moves.get(subject, ())
        found += findings_of(subject.hex, *kept, batch.events[subject])
    return found


def _counts(batch: LedgerBatch) -> dict[str, int]:
    return {
        "subjects": len(batch.events),
        "erased": batch.erased,
        "grants": sum(map(len, batch.grants.values())),
        "moves": sum(map(len, batch.moves.values())),
        "events": sum(map(len, batch.events.values())),
    }


def _added(result: dict[str, Any], counts: Mapping[str, int], found: Sequence[Finding]) -> dict[str, Any]:
    problems = Counter(result["problems"]) + Counter(finding.problem for finding in found)
    more = {name: result[name] + count for name, count in counts.items()}
    return result | more | {"problems": dict(problems)}
