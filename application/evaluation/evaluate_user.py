"""Evaluate one user now: decide what is due, and say what holds, or what would."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from application.evaluation.ports import EvaluationLedger
from domain.facts.fact import Fact
from domain.facts.hypothetical import with_hypothetical
from domain.facts.instants import format_instant
from domain.user_tier.decide import Decided, decide
from domain.user_tier.decisions import NewEvent
from domain.user_tier.observation import SchemeObservation
from domain.user_tier.scheme_walk import PLATFORM


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found, by scheme. as_of: microseconds; position: of what was written, 0 when nothing was.

    scopes: by scheme and scope, of schemes that are kept per scope.
    """

    as_of: int
    evaluations: dict[str, dict[str, Any]]
    scopes: dict[str, dict[str, dict[str, Any]]]
    position: int


class EvaluateUser:
    """Decides what is due for the user and answers features, scores, qualified tier and decision per scheme."""

    def __init__(self, ledger: EvaluationLedger) -> None:
        self._ledger = ledger

    def __call__(self, user_id: str, *, dry_run: bool = False, hypothetical_facts: Sequence[Fact] = ()) -> Evaluation:
        """With dry_run nothing is written; hypothetical facts (dry runs only) count as known now.

        Raises UnknownUser, SubjectInHistory.
        """
        with self._ledger.take_user(user_id, whole=bool(hypothetical_facts)) as taken:
            work = taken.work
            table, now = work.table, work.now
            if hypothetical_facts:
                table, now = with_hypothetical(table, hypothetical_facts, now), now + 1
            result = decide(work.subjects, table, work.forces, now)
            position = 0 if dry_run else taken.record(result)
            found = _evaluations(result.decided[0])
            platform = {scheme: scopes.pop(PLATFORM) for scheme, scopes in found.items() if PLATFORM in scopes}
            return Evaluation(now - 1, platform, {scheme: in_it for scheme, in_it in found.items() if in_it}, position)


def _evaluations(decided: Decided) -> dict[str, dict[str, dict[str, Any]]]:
    """By scheme and scope."""
    return {
        scheme: {scope: _evaluation(seen, decided.events, scheme, scope) for scope, seen in scopes.items()}
        for scheme, scopes in decided.observation.schemes.items()
    }


def _evaluation(seen: SchemeObservation, events: list[NewEvent], scheme: str, scope: str) -> dict[str, Any]:
    return {
        "model_version": seen.version,
        "features": seen.features,
        "scores": seen.scores,
        "qualified": seen.qualified,
        "tier": seen.standing.tier,
        "decision": _decision(events, scheme, scope),
        "next_tier": seen.next_tier,
        "missing": seen.missing,
    }


def _decision(events: list[NewEvent], scheme: str, scope: str) -> dict[str, Any] | None:
    """The last decision of this evaluation that changed something there."""
    event = next((event for event in reversed(events) if (event.scheme, event.scope) == (scheme, scope)), None)
    if event is None:
        return None
    return {
        "topic": event.topic,
        "from": event.from_tier,
        "to": event.to_tier,
        "cause": event.data["cause"],
        "effective_at": format_instant(event.effective_at),
        "receipt": event.data["receipt"],
    }
