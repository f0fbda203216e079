"""Verify as a run: in parts, by any number of processes, with progress, going on where it was broken off."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from application.compliance.ports import Records, Share
from application.compliance.verify_receipts import COUNTS, LISTED, Verification, check
from application.queries import UnknownScheme, UnknownUser
from application.runs.ports import Part, Run, Runs
from application.tier_models.ports import TierModels
from domain.facts.instants import format_instant

VERIFICATION = "verification"
PARTS = 16  # of everybody, by the first hex digit of the subject's id
_KEPT_A_PART = 100  # findings in full; all are counted
_PROBLEMS = COUNTS[1:6]


class Verifications:
    """Asks for verifications, and reads how far they are; whoever performs runs does them."""

    def __init__(self, records: Records, runs: Runs, models: TierModels) -> None:
        self._records, self._runs, self._models = records, runs, models

    def ask(self, actor: str, *, user_id: str | None = None, scheme: str | None = None) -> Run:
        """Everybody, or one user; every scheme, or one. Raises UnknownUser, UnknownScheme."""
        if user_id is not None and "\0" in user_id:  # no text in the database holds one
            raise UnknownUser(user_id)
        self._records.count(Share(user_id))
        if scheme is not None and ("\0" in scheme or not self._models.versions(scheme)):
            raise UnknownScheme(scheme)
        parameters = {"user_id": user_id, "scheme": scheme}
        run_id = self._runs.add(VERIFICATION, parameters, actor, parts=1 if user_id is not None else PARTS)
        return self.get(run_id)

    def subjects(self) -> int:
        """How many there are to verify."""
        return self._records.count()

    def get(self, run_id: str) -> Run:
        """Raises UnknownRun."""
        return self._runs.get(run_id, VERIFICATION)


class VerificationJob:
    """One part: its subjects in the order of their ids, kept after every batch."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def __call__(self, part: Part) -> None:
        """Goes on after the last subject that was kept."""
        asked = part.parameters
        user_id, scheme = asked["user_id"], asked["scheme"]
        total = self._records.count(Share(user_id, part.number, part.parts))
        result: Mapping[str, Any] = part.result
        if not result:
            result = _begun()
            if part.number == 0:
                broken = [asdict(finding) for finding in self._records.broken_models()]
                result = result | {"broken_models": len(broken), "models": broken[:LISTED]}
            part.keep(0, total, None, result)
        found = Verification()
        for batch in self._records.subjects(Share(user_id, part.number, part.parts, part.after)):
            check(batch, found, scheme)
            if batch.through is None:
                continue
            result = {**result, **{name: result[name] + count for name, count in found.counts().items()}}
            room = _KEPT_A_PART - result["listed"]
            told = [(UUID(finding.subject), asdict(finding)) for finding in found.first[:room]]
            result["listed"] += len(told)
            done = result["subjects"] + result["erased"]
            part.keep(done, max(done, total), batch.through, result, told)
            found = Verification()


def _begun() -> dict[str, Any]:
    return dict.fromkeys(COUNTS, 0) | {"listed": 0, "models": []}


def shown(run: Run) -> dict[str, Any]:
    """A verification as far as it is, as answered. Instants as text.

    first: findings in full, broken models first, at most a hundred of each part.
    """
    counts = {name: sum(result.get(name, 0) for result in run.results) for name in COUNTS}
    models = [finding for result in run.results for finding in result.get("models", [])]
    return {
        "id": run.run_id,
        **run.parameters,
        "state": run.state,
        "clean": run.state == "done" and not any(counts[name] for name in _PROBLEMS),
        "subjects_done": run.done,
        "subjects_all": run.total,
        "requested_by": run.requested_by,
        "requested_at": format_instant(run.requested_at),
        **counts,
        "first": [*models, *run.findings],
        "errors": list(run.errors),
    }
