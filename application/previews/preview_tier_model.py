"""What a version would change: how many would move where, who, and why. Kept with the version's content."""

from collections.abc import Callable, Sequence
from typing import Any

from application.previews.ports import Candidate, Snapshots
from application.runs.ports import Part, Run, Runs, UnknownRun
from application.tier_models.choose import chosen
from application.tier_models.coming_into_force import require_ready, settled
from application.tier_models.dependents import Dependents
from application.tier_models.ports import TierModels, TierModelView
from domain.facts.instants import format_instant
from domain.issuances.cost import IssuedBenefit, cost_of_change
from domain.tier_model.migration import Migration, migration_from_json
from domain.tier_model.spec import TierModelSpec
from domain.user_tier.decide import decide
from domain.user_tier.impact import Impact

PREVIEW = "preview"


class PreviewTierModel:
    """Asks for a preview; whoever performs runs makes it."""

    def __init__(self, models: TierModels, runs: Runs) -> None:
        self._models, self._runs = models, runs

    def __call__(
        self, scheme: str, version: int | None, actor: str, *, migration: Migration | None = None
    ) -> tuple[TierModelView, str]:
        """The version, and the run's id. migration: as it would be activated with.

        Raises UnknownScheme, VersionUnknown, CutsNotFitted, ModelInvalid, MigrationInvalid, RolloutShrinks.
        """
        view = chosen(self._models, scheme, version)
        others = require_ready(self._models, view)
        with self._models.change(scheme) as change:
            assert change.model is not None
            change.model.require_fitted(view.version)
            wanted = settled(change, change.model, view.version, migration, change.now, others)
        parameters = _of(view) | {"migration": wanted.to_json()}
        return view, self._runs.add(PREVIEW, parameters, actor, parts=1)

    def latest(self, view: TierModelView) -> Run | None:
        """The last preview of just this content."""
        return self._runs.latest(PREVIEW, _of(view))

    def get(self, run_id: str, view: TierModelView | None = None) -> Run:
        """view: the version that it has to be of. Raises UnknownRun."""
        run = self._runs.get(run_id, PREVIEW)
        if view is not None and (run.parameters["scheme"], run.parameters["version"]) != (view.scheme, view.version):
            raise UnknownRun(run_id, PREVIEW)
        return run


class PreviewJob:
    """Decides everybody as if the version came into force now, and counts. Nothing is written but the answer."""

    def __init__(
        self,
        models: TierModels,
        snapshots: Snapshots,
        issued: Callable[[], Sequence[IssuedBenefit]],
        dependents: Dependents,
    ) -> None:
        """issued: benefits that are granted by themselves. dependents: what reads models."""
        self._models, self._snapshots, self._issued = models, snapshots, issued
        self._dependents = dependents

    def __call__(self, part: Part) -> None:
        """Cut off it begins again, for the moment has passed."""
        asked = part.parameters
        view = chosen(self._models, asked["scheme"], asked["version"])
        if view.content_hash != asked["content_hash"]:
            raise ValueError("the version has changed since the preview was asked for: ask for another")
        migration = migration_from_json(asked["migration"])
        issued = self._issued()
        breaks = self._dependents.broken_by(TierModelSpec.model_validate(view.spec))
        candidate = Candidate(view.scheme, view.version, view.spec, migration)
        with self._snapshots.take(candidate) as snapshot:
            impact = Impact(snapshot.now, snapshot.specs, migration.mapping, view.scheme)
            told: dict[str, Any] = {"at": snapshot.now, "position": snapshot.position}
            told["breaks"] = [one.to_json() for one in breaks]
            part.keep(0, snapshot.total, None, told)
            for subjects, table, forces in snapshot.batches():
                found = decide(subjects, table, forces, snapshot.now + 1, ahead=0).decided
                sample = impact.add(subjects, found)
                last = subjects[-1].subject_id
                part.keep(impact.subjects, snapshot.total, last, told | _with_cost(impact, view.scheme, issued), sample)


def _with_cost(impact: Impact, scheme: str, issued: Sequence[IssuedBenefit]) -> dict[str, Any]:
    """The impact, with what it does to the cost of benefits that are issued by themselves."""
    found = impact.to_json()
    here = found["schemes"].get(scheme, {"before": {}, "after": {}})
    return found | {"benefit_cost": cost_of_change(issued, scheme, here["before"], here["after"])}


def shown(run: Run) -> dict[str, Any]:
    """A preview as far as it is, as answered. Instants as text. benefit_cost: None before anybody was decided."""
    (result,) = run.results
    at = result.get("at")
    return {
        "id": run.run_id,
        **run.parameters,
        "state": run.state,
        "subjects_done": run.done,
        "subjects": run.total,
        "requested_by": run.requested_by,
        "at": None if at is None else format_instant(at),
        "position": result.get("position"),
        "schemes": {scheme: _in_order(impact) for scheme, impact in result.get("schemes", {}).items()},
        "benefit_cost": result.get("benefit_cost"),
        "breaks": result.get("breaks", []),
        "sample": [{name: value for name, value in found.items() if name != "subject"} for found in run.findings],
        "errors": list(run.errors),
    }


def _in_order(impact: dict[str, Any]) -> dict[str, Any]:
    """Tiers in their order, which what is kept does not keep; those of former versions after them."""
    places = {tier: place for place, tier in enumerate(impact["tiers"])}

    def sizes(counts: dict[str, int]) -> dict[str, int]:
        return {tier: counts[tier] for tier in sorted(counts, key=lambda tier: (places.get(tier, len(places)), tier))}

    return impact | {"before": sizes(impact["before"]), "after": sizes(impact["after"])}


def _of(view: TierModelView) -> dict[str, Any]:
    return {"scheme": view.scheme, "version": view.version, "content_hash": view.content_hash}
