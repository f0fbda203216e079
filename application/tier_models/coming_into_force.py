"""What has to hold before a version comes into force, now or at an instant to come."""

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec.structs import replace

from application.tags.circles import circle_faults
from application.tier_models.ports import ModelChange, TierModels, TierModelView
from application.tier_models.surroundings import other_schemes
from domain.facts.instants import format_instant
from domain.refusal import Complaint
from domain.tier_model.aggregate import TierModel
from domain.tier_model.lint import Places, lint, scheme_circle, together_faults
from domain.tier_model.migration import Migration, MigrationInvalid, require_sound, unmapped
from domain.tier_model.refusals import RolloutShrinks
from domain.tier_model.spec import ModelFault, ModelInvalid, TierModelSpec

Approvals = Literal["required", "admin-may-skip"]


Others = dict[str, TierModelSpec]


def require_ready(models: TierModels, view: TierModelView) -> Others:
    """The version has no error, beside the other schemes that there are, which it answers. Raises ModelInvalid."""
    others = other_schemes(models, view.scheme)
    _refuse_errors(lint(TierModelSpec.model_validate(view.spec), None, others, activating=True))
    return others


def settled(
    change: ModelChange, model: TierModel, number: int, migration: Migration | None, at: int, others: Others
) -> Migration:
    """The migration that the version comes into force with at an instant, held against what is in force.

    Raises ModelInvalid (a circle of schemes, also through the rule of a tag, another `per`), MigrationInvalid,
    AlreadyScheduled, RolloutShrinks.
    """
    model.require_unscheduled(number)
    spec = TierModelSpec.model_validate(model.versions[number].spec)
    # Once more, now that nothing else can come into force: two activations at a time could close a circle.
    together = others | change.specs()
    _refuse_errors(together_faults(spec, together, activating=True, places=Places()))
    versions: dict[str, Sequence[TierModelSpec]] = {scheme: (other,) for scheme, other in together.items()}
    versions |= change.versions()
    _refuse_errors(scheme_circle(spec, versions, activating=True, places=Places()))
    _refuse_errors(circle_faults(spec, versions, change.tags()))
    wanted, mine = migration or Migration(), model.versions[number]
    if mine.status == "active" and model.active is mine:
        wanted = replace(mine.migration, percent=wanted.percent)  # what was announced holds for the rest, too
        if mine.migration == wanted:
            return wanted
        if mine.migration.whole and not wanted.whole:  # nobody is left elsewhere, and nothing to hold it against
            raise RolloutShrinks(model.scheme, number, wanted.percent, mine.migration.percent)
    before = [
        TierModelSpec.model_validate(other.spec)
        for other in model.versions.values()
        if other.status == "active" and other.number != number
    ]
    for other in before:
        if other.per != spec.per:
            message = f"is not what the version in force is kept per ({other.per or 'the platform'})"
            remedy = "Standings cannot move from one to the other: keep it, or make another scheme"
            raise ModelInvalid([ModelFault("per", None, None, spec.per, message, remedy)])
    tiers = tuple(dict.fromkeys(tier for other in before for tier in other.tiers)) if before else None
    require_sound(wanted, tiers, spec.tiers, spec.unordered, at)
    return wanted


def require_plan_kept(model: TierModel, number: int, wanted: Migration) -> None:
    """What is scheduled for later can still come after the version: it knows where its tiers go.

    Raises MigrationInvalid.
    """
    plan = model.scheduled
    if plan is None or plan.status == "active" or plan.scheduled_at is None:
        return
    staying = [one for one in model.versions.values() if one.status == "active" and not wanted.whole]
    then = [model.versions[number], *staying]
    tiers = dict.fromkeys(tier for one in then for tier in one.spec["tiers"])
    lost = unmapped(plan.migration, tiers, plan.spec["tiers"])
    if lost:
        remedy = (
            f"version {plan.number} comes into force at {format_instant(plan.scheduled_at)}, and has no tier "
            f"{', '.join(lost)}: unschedule it first, and schedule it again with a mapping"
        )
        raise MigrationInvalid(Complaint("version", number, remedy))


def _refuse_errors(faults: Iterable[ModelFault]) -> None:
    errors = [fault for fault in faults if fault.severity == "error"]
    if errors:
        raise ModelInvalid(errors)
