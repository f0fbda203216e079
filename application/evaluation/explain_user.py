"""Explain one user in words: why this tier, what is missing for the next, what would make it drop and when."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from application.evaluation.ports import EvaluationLedger, Work
from application.queries import LedgerQueries, RecordedEvent, UnknownScheme
from domain.facts.fact import Fact
from domain.facts.hypothetical import with_hypothetical
from domain.facts.instants import format_instant
from domain.facts.table import FactTable
from domain.tier_model.column import Scalar
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.names import TIER
from domain.tier_model.words import Came, Fall, Language, ModelWords, Place, reasons
from domain.user_tier.decide import Decided, decide
from domain.user_tier.decisions import NewEvent, event_id_of
from domain.user_tier.observation import SchemeObservation
from domain.user_tier.overriding import NoStanding
from domain.user_tier.scheme_walk import LOOK_AHEAD, PLATFORM

_CHANGED, _DEFERRED = "user-tier.tier-changed.v1", "user-tier.downgrade-deferred.v1"


@dataclass(frozen=True, slots=True)
class Explanation:
    """By scheme; of schemes that are kept per scope, by scheme and scope. as_of: microseconds.

    Each {tier, tier_name, since, model_version, qualified, next_tier, missing, may_drop_on, why, next, drop, text}:
    why, next and drop are lists of sentences, text is all of them.
    """

    as_of: int
    language: Language
    explanations: dict[str, dict[str, Any]]
    scopes: dict[str, dict[str, dict[str, Any]]]


class ExplainUser:
    """Decides as of now and records nothing; what lies ahead is decided likewise, as if nothing more came."""

    def __init__(self, ledger: EvaluationLedger, queries: LedgerQueries) -> None:
        self._ledger, self._queries = ledger, queries

    def __call__(
        self,
        user_id: str,
        language: Language,
        *,
        scheme: str | None = None,
        scope: str | None = None,
        hypothetical_facts: Sequence[Fact] = (),
    ) -> Explanation:
        """scheme, scope: only this one. Hypothetical facts count as known now.

        Raises UnknownUser, UnknownScheme, NoStanding, SubjectInHistory.
        """
        with self._ledger.take_user(user_id, whole=bool(hypothetical_facts)) as taken:
            work = taken.work
        if scheme is not None and scheme not in work.forces:
            raise UnknownScheme(scheme, sorted(work.forces))
        table, now = work.table, work.now
        if hypothetical_facts:
            table, now = with_hypothetical(table, hypothetical_facts, now), now + 1
        seer = _Seer(work, table, now)
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for name, place_scope, seen in seer.places():
            if scheme in (None, name) and scope in (None, place_scope):
                came = self._came(user_id, name, seen, seer.decided.events)
                explained = _explained(seer.place(name, place_scope, seen, came), language)
                found.setdefault(name, {})[place_scope] = explained
        if not found and (scheme is not None or scope is not None):
            raise NoStanding(user_id, scheme or "", scope or "")
        platform = {name: scopes.pop(PLATFORM) for name, scopes in found.items() if PLATFORM in scopes}
        return Explanation(now - 1, language, platform, {name: rest for name, rest in found.items() if rest})

    def _came(self, user_id: str, scheme: str, seen: SchemeObservation, news: Sequence[NewEvent]) -> Came | None:
        """The transition that the standing names: just now, or as it is recorded."""
        event_id = seen.standing.event_id
        for event in news:
            if event_id_of(event.subject_id, event.version) == event_id:
                return self._told(scheme, seen, event, event.data["receipt"])
        version = event_id.rpartition("-")[2]
        page = self._queries.user_history(user_id, int(version) - 1, 1).events if version else ()
        for recorded in page:
            if recorded.event_id == event_id and recorded.receipt is not None:
                return self._told(scheme, seen, recorded, recorded.receipt)
        return None

    def _told(
        self, scheme: str, seen: SchemeObservation, event: NewEvent | RecordedEvent, receipt: Mapping[str, Any]
    ) -> Came:
        """With the version that knows where the user came from, where that is another than the present one."""
        clause, version, model = receipt["clause"], receipt["version"], None
        if event.from_tier is not None and clause == "tier-mapped":
            model = self._queries.former_with(scheme, event.from_tier, event.effective_at)
        elif event.from_tier is not None and version != seen.version:
            model = self._queries.version_with(scheme, event.from_tier, version)
        return Came(clause, event.data["cause"], event.from_tier, model)


class _Seer:
    """One user as of now, and ahead. now: everything before it is decided."""

    def __init__(self, work: Work, table: FactTable, now: int) -> None:
        self._work, self._table, self._now = work, table, now
        self._ahead: dict[int, Decided] = {}
        self.decided = self._decide(now)

    def places(self) -> Iterator[tuple[str, str, SchemeObservation]]:
        """(scheme, scope, what it says)."""
        for scheme, scopes in sorted(self.decided.observation.schemes.items()):
            for scope, seen in sorted(scopes.items()):
                yield scheme, scope, seen

    def place(self, scheme: str, scope: str, seen: SchemeObservation, came: Came | None) -> Place:
        """What the words are made of."""
        model = self._model(scheme, seen.version)
        return Place(
            model=model,
            seen=seen,
            values={**seen.features, **seen.scores, **self._tiers_read(model, scope)},
            tags=frozenset(self.decided.observation.tags),
            now=self._now - 1,
            ahead=LOOK_AHEAD,
            came=came,
            fall=self._fall(scheme, scope, seen),
        )

    def _decide(self, now: int) -> Decided:
        if now not in self._ahead:
            self._ahead[now] = decide(self._work.subjects, self._table, self._work.forces, now).decided[0]
        return self._ahead[now]

    def _model(self, scheme: str, version: int) -> CompiledModel:
        return next(force.model for force in reversed(self._work.forces[scheme]) if force.model.version == version)

    def _tiers_read(self, model: CompiledModel, scope: str) -> dict[str, Scalar]:
        """Where the user stands on the schemes that the rules read: in the same scope, if those are kept so too."""
        tiers: dict[str, Scalar] = {}
        for scheme in model.reads_schemes:
            scopes = self.decided.observation.schemes.get(scheme, {})
            alike = scheme in self._work.forces and self._work.forces[scheme][-1].model.spec.per == model.spec.per
            seen = scopes.get(scope if alike else PLATFORM)
            tiers[TIER + scheme] = None if seen is None else seen.standing.tier
        return tiers

    def _fall(self, scheme: str, scope: str, seen: SchemeObservation) -> Fall | None:
        """The drop that time alone brings, decided as if it were then."""
        if seen.may_drop_on is None:
            return None
        here = [
            event
            for event in self._decide(seen.may_drop_on + 1).events
            if (event.scheme, event.scope) == (scheme, scope) and event.effective_at >= self._now
        ]
        # The last one: a pin's end may bring several at one instant.
        drop = next((event for event in reversed(here) if event.topic == _CHANGED), None)
        if drop is None:
            return None
        receipt = drop.data["receipt"]
        deferred = [event.effective_at for event in here if event.topic == _DEFERRED]
        return Fall(
            drop.effective_at,
            str(drop.to_tier),
            deferred[-1] if deferred and receipt["clause"] == "grace-ended" else None,
            {**receipt["features"], **receipt["scores"], **receipt.get("outside", {})},
        )


def _explained(place: Place, language: Language) -> dict[str, Any]:
    seen, told = place.seen, reasons(place, language)
    return {
        "tier": seen.standing.tier,
        "tier_name": ModelWords(place.model, language).tier(seen.standing.tier),
        "since": format_instant(seen.standing.since),
        "model_version": seen.version,
        "qualified": seen.qualified,
        "next_tier": seen.next_tier,
        "missing": seen.missing,
        "may_drop_on": None if seen.may_drop_on is None else format_instant(seen.may_drop_on),
        "why": list(told.why),
        "next": list(told.next),
        "drop": list(told.drop),
        "text": told.text,
    }
