"""What a version would change if it came into force at an instant: counted, with a sample. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from msgspec import to_builtins

from domain.tier_model.spec import TierModelSpec
from domain.user_tier.decide import Decided, Subject
from domain.user_tier.decisions import NewEvent
from domain.user_tier.observation import SchemeObservation

_CHANGED, _DEFERRED = "user-tier.tier-changed.v1", "user-tier.downgrade-deferred.v1"
_A_PAIR, _ALL = 5, 60  # moves told in full: of one tier to another, and of all

_COUNTS = ("entered", "up", "down", "renamed", "deferred", "above", "promised")

Sample = tuple[UUID, dict[str, Any]]
Specs = Mapping[str, dict[int, TierModelSpec]]
"""By scheme and version: several versions while one is rolled out, in the order in which they came into force."""


@dataclass(slots=True)
class SchemeImpact:
    """One scheme's standings. moves: [from, to] -> how many; before, after: tier -> how many stand there.

    entered: are given a first tier, as everybody is by the first version of a scheme; they stand in after alone.
    up, down: moves by the order of tiers, where there is one; renamed: by the mapping alone. deferred: falls that wait
    for a grace that begins. above: stand higher than the rules put them, and may fall later; promised: of these, whom
    a promise keeps. why: clause and rule -> how many moves.
    """

    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    entered: int = 0
    up: int = 0
    down: int = 0
    renamed: int = 0
    deferred: int = 0
    above: int = 0
    promised: int = 0
    why: Counter[tuple[str, str]] = field(default_factory=Counter)

    def to_json(self, tiers: Sequence[str]) -> dict[str, Any]:
        """As shown. tiers: in their order."""
        return {
            "tiers": list(tiers),
            "moves": [{"from": one, "to": other, "count": n} for (one, other), n in sorted(self.moves.items())],
            "before": {
                tier: self.before[tier] for tier in dict.fromkeys([*tiers, *sorted(self.before)]) if self.before[tier]
            },
            "after": {tier: self.after[tier] for tier in tiers if self.after[tier]},
            "moved": sum(self.moves.values()),
            **{name: getattr(self, name) for name in _COUNTS},
            "why": [{"clause": c, "rule": rule, "count": n} for (c, rule), n in self.why.most_common()],
        }


class Impact:
    """Folds what decide() found with the candidate among the forces."""

    def __init__(self, at: int, specs: Specs, mapping: Mapping[str, str], scheme: str) -> None:
        """at: the candidate's instant. specs: of the schemes to count, in force then. mapping, scheme: its own."""
        self._at, self._specs, self._mapping, self._scheme = at, specs, mapping, scheme
        self._candidate = next(reversed(specs[scheme]))
        self.subjects = 0
        self.schemes: dict[str, SchemeImpact] = {}
        self._told: Counter[tuple[str, str, str]] = Counter()

    def add(self, subjects: Sequence[Subject], decided: Sequence[Decided]) -> list[Sample]:
        """Count these; some of those who move, in full."""
        self.subjects += len(subjects)
        sample: list[Sample] = []
        for subject, found in zip(subjects, decided, strict=True):
            for scheme, scopes in found.observation.schemes.items():
                if scheme not in self._specs:
                    continue
                for scope, seen in scopes.items():
                    told = self._count(subject, found.events, scheme, scope, seen)
                    if told is not None:
                        sample.append((subject.subject_id, told))
        return sample

    def to_json(self) -> dict[str, Any]:
        """All counts."""
        schemes = {scheme: impact.to_json(self._tiers(scheme)) for scheme, impact in sorted(self.schemes.items())}
        return {"subjects": self.subjects, "schemes": schemes}

    def _tiers(self, scheme: str) -> list[str]:
        """The newest version's, then those of versions that some stay on."""
        return list(dict.fromkeys(tier for spec in reversed(list(self._specs[scheme].values())) for tier in spec.tiers))

    def _count(
        self, subject: Subject, events: Sequence[NewEvent], scheme: str, scope: str, seen: SchemeObservation
    ) -> dict[str, Any] | None:
        mine = [event for event in events if (event.scheme, event.scope) == (scheme, scope)]
        before = subject.observation.schemes.get(scheme, {}).get(scope)
        stood = before.standing.tier if before is not None else None
        for event in mine:
            if event.topic == _CHANGED and event.effective_at < self._at:
                stood = event.to_tier
        impact = self.schemes.setdefault(scheme, SchemeImpact())
        stands = seen.standing.tier
        impact.after[stands] += 1
        if stood is None:
            impact.entered += 1
            return None
        impact.before[stood] += 1
        now = [event for event in mine if event.effective_at == self._at]
        impact.deferred += any(event.topic == _DEFERRED for event in now)
        self._above(impact, scheme, seen)
        comes = (scheme, seen.version) == (self._scheme, self._candidate)
        named = self._mapping.get(stood, stood) if comes and (before and before.version) != seen.version else stood
        if stands == named:
            impact.renamed += stands != stood
            return None
        return self._moved(impact, (scheme, scope, stood, named), now, before, seen)

    def _moved(
        self,
        impact: SchemeImpact,
        move: tuple[str, str, str, str],
        now: Sequence[NewEvent],
        before: SchemeObservation | None,
        seen: SchemeObservation,
    ) -> dict[str, Any] | None:
        (scheme, scope, stood, named), stands = move, seen.standing.tier
        spec = self._specs[scheme][seen.version]
        impact.moves[stood, stands] += 1
        if not spec.unordered:
            rises = spec.tiers.index(stands) > spec.tiers.index(named)
            impact.up, impact.down = impact.up + rises, impact.down + (not rises)
        last = next((event for event in reversed(now) if event.topic == _CHANGED), None)
        receipt = last.data["receipt"] if last is not None else {}
        impact.why[receipt.get("clause", ""), receipt.get("rule", "")] += 1
        self._told[scheme, stood, stands] += 1
        if self._told[scheme, stood, stands] > _A_PAIR or self._told.total() > _ALL:
            return None
        return {
            "scheme": scheme,
            "scope": scope,
            "from": stood,
            "to": stands,
            "before": None if before is None else _told(before),
            "receipt": receipt,
        }

    def _above(self, impact: SchemeImpact, scheme: str, seen: SchemeObservation) -> None:
        spec = self._specs[scheme][seen.version]
        if not spec.unordered and spec.tiers.index(seen.standing.tier) > spec.tiers.index(seen.qualified):
            impact.above += 1
            impact.promised += seen.standing.protected is not None


def _told(seen: SchemeObservation) -> dict[str, Any]:
    """By the version in force, as of the last decision."""
    kept = ("version", "qualified", "features", "scores", "next_tier", "missing")
    told: dict[str, Any] = {name: to_builtins(getattr(seen, name)) for name in kept}
    return told | {"tier": seen.standing.tier}
