"""Fit a draft's cuts on what users' features are at an instant, and freeze them into the version."""

import json
from collections.abc import Callable

import numpy as np

from application.tier_models.choose import chosen
from application.tier_models.ports import TierModels, TierModelView, by, views_of
from domain.facts.instants import format_instant
from domain.facts.table import FactTable
from domain.refusal import Complaint, Refusal
from domain.tier_model.column import Column
from domain.tier_model.compiled import CompiledModel, ModelColumns
from domain.tier_model.fit import fit_cuts
from domain.tier_model.spans import Points
from domain.tier_model.spec import CutScore, TierModelSpec, canonical_json, content_hash, with_cuts


class NothingToFitOn(Refusal):
    """No user has a value for the score at the fitting instant."""

    def __init__(self, scheme: str, score: str, at: int) -> None:
        super().__init__(
            f"score {score!r} of scheme {scheme!r} has no values to fit on at {format_instant(at)}",
            Complaint(f"scores.{score}.cuts", "fitted", "load facts first, fit at a later instant, or write the cuts"),
        )


class FitTierModel:
    """Fits every score whose cuts are still to be fitted. A version with nothing to fit is answered as it is."""

    def __init__(self, models: TierModels) -> None:
        self._models = models

    def __call__(
        self,
        scheme: str,
        version: int | None,
        at: int | None,
        actor: str,
        progress: Callable[[int, int], None] = lambda done, all_: None,
    ) -> TierModelView:
        """version None: the latest. at None: now; microseconds. Users with a visible fact at that instant count.

        Raises UnknownScheme, VersionUnknown, VersionPublished, NothingToFitOn.
        """
        view = chosen(self._models, scheme, version)
        if not view.unfitted:
            return view
        spec = TierModelSpec.model_validate(view.spec)
        instant = self._models.now() if at is None else at
        cuts, subjects = self._cuts(spec, view.version, instant, progress)
        history = f"{subjects} users with facts visible at {format_instant(instant)}"
        fitted = with_cuts(spec, cuts, instant, history)
        with self._models.change(scheme) as change:
            model = change.model
            assert model is not None
            if model.versions[view.version].content_hash == view.content_hash:
                model.fit_cuts(
                    view.version,
                    cuts={name: list(values) for name, values in cuts.items()},
                    fitted_at=instant,
                    spec=json.loads(canonical_json(fitted)),
                    content_hash=content_hash(fitted),
                    by=by(change, actor),
                )
                change.save(model)
            return views_of(model)[view.version - 1]

    def _cuts(
        self, spec: TierModelSpec, version: int, instant: int, progress: Callable[[int, int], None]
    ) -> tuple[dict[str, list[int | float]], int]:
        compiled = CompiledModel(spec, version)
        scores = {name: score for name in spec.needs_fitting if isinstance(score := spec.scores[name], CutScore)}
        parts: dict[str, list[Column]] = {name: [] for name in scores}
        subjects = 0
        for table in self._models.facts(compiled.attribute_kinds | {"void"}, progress):
            points = _points(table, instant)
            subjects += len(points)
            features = ModelColumns(compiled, table).features(points)
            for name, score in scores.items():
                parts[name].append(features[score.of])
        cuts = {}
        for name, score in scores.items():
            values = np.concatenate([np.asarray(part.values) for part in parts[name]] or [np.zeros(0, np.int64)])
            valid = np.concatenate([part.valid for part in parts[name]] or [np.zeros(0, np.bool_)])
            cuts[name] = fit_cuts(values, valid, score.bins or 1)
            if not cuts[name]:
                raise NothingToFitOn(spec.scheme, name, instant)
        return cuts, subjects


def _points(table: FactTable, instant: int) -> Points:
    """Everybody with a visible fact, at the instant."""
    visible = (np.maximum(table.occurred_at, table.known_at) <= instant) & (table.voided_at > instant)
    subjects = np.unique(table.subject[visible])
    return Points(subjects.astype(np.int32), np.full(len(subjects), instant, dtype=np.int64))
