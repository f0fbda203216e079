"""Fit a draft on what users' features are at an instant: cuts, learned scores, users per bin; freeze all into it."""

import json
from collections.abc import Callable, Mapping

from application.queries import InstantAhead
from application.tier_models.choose import chosen
from application.tier_models.learn import learn
from application.tier_models.observe import Observed, learned_in, observe
from application.tier_models.ports import Learner, TierModels, TierModelView, by, views_of
from domain.facts.instants import format_instant
from domain.refusal import Complaint, Refusal
from domain.tier_model.column import Column
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.fit import bin_counts, fit_cuts, fit_mean
from domain.tier_model.learned import LearnedColumn
from domain.tier_model.spec import (
    CutScore,
    LearnedModel,
    TierModelSpec,
    canonical_json,
    content_hash,
    with_cuts,
)

Progress = Callable[[int, int], None]


class NothingToFitOn(Refusal):
    """No user has a value for the score at the fitting instant."""

    def __init__(self, scheme: str, score: str, at: int) -> None:
        super().__init__(
            f"score {score!r} of scheme {scheme!r} has no values to fit on at {format_instant(at)}",
            Complaint(f"scores.{score}.cuts", "fitted", "load facts first, fit at a later instant, or write the cuts"),
        )


class LearnerNeeded(Refusal):
    """A version with a learned score was to be fitted, and nobody said by what, or by something unknown."""

    def __init__(self, scheme: str, score: str, learner: str | None, known: list[str]) -> None:
        missing = "no learner was named" if learner is None else f"there is no learner {learner!r}"
        super().__init__(
            f"score {score!r} of scheme {scheme!r} is to be learned, and {missing}",
            Complaint("learner", learner, f"fit the version with one of {', '.join(known)} as its learner"),
        )


class FitTierModel:
    """Fits all that a draft leaves open, and freezes how many users are in each bin. Fitting twice changes nothing."""

    def __init__(self, models: TierModels, learners: Mapping[str, Learner]) -> None:
        self._models, self._learners = models, learners

    def __call__(
        self,
        scheme: str,
        version: int | None,
        at: int | None,
        actor: str,
        progress: Progress = lambda done, all_: None,
        *,
        learner: str | None = None,
        only_needed: bool = False,
    ) -> TierModelView:
        """version None: the latest. at None: now; microseconds. Users with a visible fact at that instant count.

        learner: what trains learned scores. only_needed: a version that could be activated is answered as it is.
        Raises UnknownScheme, VersionUnknown, VersionPublished, InstantAhead, NothingToFitOn, LearnerNeeded,
        LearnerNotInstalled, TooLittleHistory.
        """
        view = chosen(self._models, scheme, version)
        spec = TierModelSpec.model_validate(view.spec)
        if not view.unfitted and (only_needed or not _lacks_baseline(view, spec)):
            return view
        instant, to_learn = self._instant(at), learned_in(spec)
        trainers = {name: self._trainer(spec, name, learner) for name in to_learn}
        observed = observe(self._models, CompiledModel(spec, view.version), to_learn, instant, progress)
        learned = dict(spec.fitted.learned) if spec.fitted is not None else {}
        learned |= {name: learn(name, to_learn[name], trainers[name], observed, instant) for name in to_learn}
        cuts, baseline = _cuts(spec, observed, learned, instant)
        history = f"{observed.subjects} users with facts visible at {format_instant(instant)}"
        fitted = with_cuts(spec, cuts, instant, history, baseline, learned)
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

    def _trainer(self, spec: TierModelSpec, score: str, learner: str | None) -> Learner:
        if learner is None or learner not in self._learners:
            raise LearnerNeeded(spec.scheme, score, learner, sorted(self._learners))
        return self._learners[learner]

    def _instant(self, at: int | None) -> int:
        now = self._models.now()
        if at is not None and at > now:
            raise InstantAhead("at", format_instant(at), format_instant(now))
        return now if at is None else at


def _lacks_baseline(view: TierModelView, spec: TierModelSpec) -> bool:
    """Whether it is a draft whose cuts were all written, with no users counted in their bins yet."""
    cut = any(isinstance(score, CutScore) for score in spec.scores.values())
    return cut and spec.fitted is None and view.status not in ("active", "retired")


def _cuts(
    spec: TierModelSpec, observed: Observed, learned: Mapping[str, LearnedModel], instant: int
) -> tuple[dict[str, list[int | float]], dict[str, list[int]]]:
    """The cuts that were open, and the users per bin of every score with cuts."""
    columns = dict(observed.features)
    for name, model in learned.items():
        columns[name] = LearnedColumn(model).values(observed.features, observed.subjects)
    cuts: dict[str, list[int | float]] = {}
    baseline: dict[str, list[int]] = {}
    for name, score in spec.scores.items():
        if not isinstance(score, CutScore):
            continue
        if not observed.subjects:
            raise NothingToFitOn(spec.scheme, name, instant)
        found = _cuts_of(score, columns[score.of])
        if not found:
            raise NothingToFitOn(spec.scheme, name, instant)
        if score.cuts == "fitted":
            cuts[name] = found
        baseline[name] = bin_counts(columns[score.of], found)
    return cuts, baseline


def _cuts_of(score: CutScore, column: Column) -> list[int | float]:
    if score.cuts != "fitted":
        return list(score.cuts)
    return fit_mean(*column) if score.fit == "mean" else fit_cuts(*column, score.bins or 1)
