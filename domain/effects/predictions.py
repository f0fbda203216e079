"""How well a model foretells what people are worth next: it, and plain spend beside it, against what came. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.effects.transitions import NOBODY, Codes, TierCodes
from domain.tier_model.column import Column
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.fit import numeric
from domain.tier_model.learned_training import quality_of
from domain.tier_model.model_columns import Evaluated

Floats = npt.NDArray[np.float64]


@dataclass(slots=True)
class Foretold:
    """What one version says of everybody at one instant. ranks: qualified tiers, a batch each; scores: by name.

    ranked False: its rules read what lies outside of the facts (tags, other schemes, the standing), so that which tier
    the facts alone qualify for cannot be said.
    """

    model: CompiledModel
    ranks: list[Codes] = field(default_factory=list)
    scores: dict[str, list[Floats]] = field(default_factory=dict)

    @property
    def ranked(self) -> bool:
        """See above."""
        model = self.model
        return not (model.reads_schemes or model.reads_tags or model.reads_standing)

    def add(self, evaluated: Evaluated, rows: npt.NDArray[np.bool_]) -> None:
        """A batch: its points at the instant."""
        if self.ranked:
            by_code = np.array([truth.enter for truth in evaluated.truths], dtype=np.int16)
            self.ranks.append(by_code[evaluated.codes[rows]] if len(by_code) else np.zeros(0, dtype=np.int16))
        for name, column in evaluated.scores.items():
            values, valid = numeric(Column(column.values[rows], column.valid[rows]))
            # Who has no value comes last.
            self.scores.setdefault(name, []).append(np.where(valid, values, -np.inf))


@dataclass(slots=True)
class Period:
    """One stretch of time to be foretold from its beginning: [since, until), microseconds.

    stood: tier codes; before, after: net spend over the stretch before it and over itself, minor units.
    """

    since: int
    until: int
    versions: Mapping[int, Foretold]
    stood: list[Codes] = field(default_factory=list)
    before: list[Floats] = field(default_factory=list)
    after: list[Floats] = field(default_factory=list)

    def to_json(self, codes: TierCodes, *, ordered: bool) -> dict[str, Any]:
        """As kept. ordered: of the scheme's tiers. Instants in microseconds."""
        stood, before, after = _joined(self.stood, np.int16), _joined(self.before), _joined(self.after)
        told: dict[str, Any] = {
            "from": self.since,
            "to": self.until,
            "users": len(after),
            "spend": int(after.sum()),
            "plain_spend": _quality(before, after),
            "standing": _quality(stood.astype(np.float64), after) if ordered else None,
            "tiers": _by_tier(stood, after, codes.names),
            "versions": {},
        }
        for version, found in self.versions.items():
            ranks = _joined(found.ranks, np.int16)
            spec = found.model.spec
            told["versions"][str(version)] = {
                "qualified": _quality(ranks.astype(np.float64), after) if found.ranked and not spec.unordered else None,
                "scores": {name: _quality(_joined(parts), after) for name, parts in found.scores.items()},
                "tiers": _by_tier(ranks, after, spec.tiers) if found.ranked else None,
            }
        return told


def _quality(foretold: Floats, actual: Floats) -> dict[str, Any]:
    return quality_of(foretold, actual).model_dump()


def _by_tier(codes: Codes, spend: Floats, names: Sequence[str]) -> list[dict[str, Any]]:
    """Who is on which tier at the beginning, and what they spend until the end. tier null: they have none."""
    whole = float(spend.sum())
    rows = []
    for code in (*range(len(names)), NOBODY):
        mine = spend[codes == code]
        if code == NOBODY and not len(mine):
            continue
        total = float(mine.sum())
        rows.append(
            {
                "tier": None if code == NOBODY else names[code],
                "users": len(mine),
                "spend": int(total),
                "mean": round(total / len(mine)) if len(mine) else None,
                "share": round(total / whole, 4) if whole else None,
                "buyers": round(float((mine > 0).mean()), 4) if len(mine) else None,
            }
        )
    return rows


def _joined(parts: Sequence[npt.NDArray[Any]], kind: Any = np.float64) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=kind)
