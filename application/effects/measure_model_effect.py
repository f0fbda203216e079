"""What a scheme's versions have done, and how good they are: asked for, and measured in one snapshot of the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from application.effects.ports import Past, Populations
from application.facts.ports import FactKinds
from application.queries import InstantAhead, UnknownScheme
from application.runs.ports import Part, Run, Runs
from application.tier_models.choose import chosen
from application.tier_models.ports import TierModels, TierModelView
from domain.effects.model_effect import EffectPlan, ModelEffect
from domain.facts.instants import format_instant
from domain.refusal import Complaint, Refusal
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.expression import compile_fact_condition
from domain.tier_model.learned_training import DAY
from domain.tier_model.reads import columns_read, lines_read
from domain.tier_model.refusals import CutsNotFitted
from domain.tier_model.spec import Target, TierModelSpec

MODEL_EFFECT = "model effect"
MOST_VERSIONS = 8
_BOUNDS = {"weeks": (1, 104), "periods": (1, 12), "horizon_days": (1, 366)}


@dataclass(frozen=True, slots=True)
class Measure:
    """What to measure. at: the end of it all, microseconds, None: now. weeks: of the series; periods: how many of
    horizon_days each are foretold. version: one to look at besides those that were in force. value: what people are
    worth over a period."""

    at: int | None = None
    weeks: int = 13
    periods: int = 2
    horizon_days: int = 90
    version: int | None = None
    value: Mapping[str, str] = field(default_factory=lambda: {"sum": "order.amount", "minus": "refund.amount"})


class MeasureInvalid(Refusal):
    """A measure that cannot be taken."""

    def __init__(self, name: str, value: Any, remedy: str) -> None:
        super().__init__(f"{name} {value!r} cannot be measured by.", Complaint(name, value, remedy))


class NoModelEffect(Refusal):
    """Nobody has asked for it."""

    def __init__(self, scheme: str) -> None:
        super().__init__(
            f"The effect of scheme {scheme[:200]!r} has not been measured.",
            Complaint("scheme", scheme, "ask for it: POST the same path, or `tierline scheme effect`"),
        )


class MeasureModelEffect:
    """Asks; whoever performs runs measures."""

    def __init__(self, models: TierModels, runs: Runs, kinds: FactKinds) -> None:
        self._models, self._runs, self._kinds = models, runs, kinds

    def __call__(self, scheme: str, wanted: Measure, actor: str) -> str:
        """The run's id.

        Raises UnknownScheme, VersionUnknown, CutsNotFitted, InstantAhead, MeasureInvalid, ConditionInvalid.
        """
        now = self._models.now()
        if wanted.at is not None and wanted.at > now:
            raise InstantAhead("at", format_instant(wanted.at), format_instant(now))
        for name, (least, most) in _BOUNDS.items():
            if not least <= getattr(wanted, name) <= most:
                raise MeasureInvalid(name, getattr(wanted, name), f"give a whole number from {least} to {most}")
        if wanted.at is not None and wanted.at < 0:
            raise MeasureInvalid("at", format_instant(wanted.at), "give an instant from 1970 on")
        target = _target(wanted.value)
        self._refuse_unknown_kinds(target)
        view = chosen(self._models, scheme, wanted.version)
        if target.where is not None:
            compile_fact_condition(target.where, view.spec["currency"])
        if wanted.version is not None and view.unfitted:
            raise CutsNotFitted(scheme, view.version, list(view.unfitted))
        if wanted.version is None and all(one.activated_at is None for one in self._models.versions(scheme)):
            raise MeasureInvalid("version", None, "name a version: none of this scheme was ever in force")
        parameters = {name: getattr(wanted, name) for name in ("weeks", "periods", "horizon_days", "version")}
        parameters |= {"scheme": scheme, "at": now if wanted.at is None else wanted.at, "value": dict(wanted.value)}
        return self._runs.add(MODEL_EFFECT, parameters, actor, parts=1)

    def _refuse_unknown_kinds(self, target: Target) -> None:
        known = self._kinds.refreshed()
        for name, read in (("value.sum", target.sum), ("value.minus", target.minus)):
            if read is not None and read.kind not in known:
                raise MeasureInvalid(name, str(read), f"name a kind of facts that there is: {', '.join(sorted(known))}")

    def latest(self, scheme: str) -> Run:
        """The last that was asked of the scheme. Raises UnknownScheme, NoModelEffect."""
        if not self._models.versions(scheme):
            raise UnknownScheme(scheme)
        run = self._runs.latest(MODEL_EFFECT, {"scheme": scheme})
        if run is None:
            raise NoModelEffect(scheme)
        return run

    def get(self, run_id: str) -> Run:
        """Raises UnknownRun."""
        return self._runs.get(run_id, MODEL_EFFECT)


class ModelEffectJob:
    """Reads everybody once, in one snapshot, and counts. Nothing is written but the answer."""

    def __init__(self, models: TierModels, populations: Populations) -> None:
        self._models, self._populations = models, populations

    def __call__(self, part: Part) -> None:
        """Cut off it begins again: the snapshot has gone."""
        asked = part.parameters
        version = asked["version"]
        extra = None if version is None else chosen(self._models, asked["scheme"], version)
        with self._populations.take(asked["scheme"]) as population:
            plan, left_out = _plan(asked, population.past, extra)
            told: dict[str, Any] = {"position": population.position, "versions_left_out": left_out}
            part.keep(0, population.total, None, told)
            effect = ModelEffect(plan)
            models = list(plan.models.values())
            kinds = columns_read(models)
            kinds = None if kinds is None else kinds | plan.value_kinds
            lines = lines_read(models) or plan.value_reads_lines
            for last, table, transitions in population.batches(kinds, lines):
                effect.add(table, transitions)
                part.keep(effect.users, population.total, last, told)
            part.keep(effect.users, population.total, None, told | effect.to_json())


def shown(run: Run) -> dict[str, Any]:
    """The effect as far as it is, as answered. Instants as text."""
    (result,) = run.results
    asked, tiers = run.parameters, result.get("tiers", [])
    data = {name: _instant(name, value) for name, value in result.get("data", {}).items()}
    return {
        "id": run.run_id,
        **{name: asked[name] for name in ("scheme", "horizon_days", "version", "value")},
        "at": format_instant(asked["at"]),
        "state": run.state,
        "subjects_done": run.done,
        "subjects": run.total,
        "requested_by": run.requested_by,
        "position": result.get("position"),
        "data": data,
        "tiers": tiers,
        "versions": [_texts(one, tiers) for one in result.get("versions", [])],
        "versions_left_out": result.get("versions_left_out", []),
        "weeks": [_texts(one, tiers) for one in result.get("weeks", [])],
        "periods": [_texts(one) for one in result.get("periods", [])],
        "errors": list(run.errors),
    }


def _plan(asked: Mapping[str, Any], past: Past, extra: TierModelView | None) -> tuple[EffectPlan, list[int]]:
    """The plan, and the versions that were in force meanwhile and are too many to be looked at."""
    in_force = [force for force in past.in_force if force.since <= asked["at"]] or list(past.in_force[:1])
    models = dict(past.models)
    if extra is not None and extra.version not in models:
        models[extra.version] = CompiledModel(TierModelSpec.model_validate(extra.spec), extra.version)
    plan = EffectPlan(
        at=asked["at"],
        weeks=asked["weeks"],
        periods=asked["periods"],
        horizon=asked["horizon_days"] * DAY,
        in_force=in_force,
        models=models,
        value=_target(asked["value"]),
    )
    found = (plan.version_at(instant) for instant in (*plan.ends, *plan.beginnings))
    met = {version for version in found if version is not None}
    wanted = {*sorted(met)[-MOST_VERSIONS:], *([extra.version] if extra is not None else [])}
    return plan.of(wanted), sorted(met - wanted)


def _target(value: Mapping[str, str]) -> Target:
    try:
        return Target.model_validate(dict(value))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(["value", *(str(part) for part in first["loc"])])
        raise MeasureInvalid(
            where, first.get("input"), "give sum (KIND.amount or KIND.FIELD), and where wanted minus and where"
        ) from None


def _texts(told: Mapping[str, Any], tiers: Sequence[str] = ()) -> dict[str, Any]:
    """tiers: in their order, which what is kept does not keep."""
    shown = {name: _instant(name, value) for name, value in told.items()}
    if tiers and told["tiers"] is not None:
        shown["tiers"] = {tier: told["tiers"][tier] for tier in tiers if tier in told["tiers"]}
    return shown


def _instant(name: str, value: Any) -> Any:
    if name == "in_force_since":
        return [format_instant(one) for one in value]
    named = name in ("from", "to", "first_fact", "last_fact")
    return format_instant(value) if named and value is not None else value
