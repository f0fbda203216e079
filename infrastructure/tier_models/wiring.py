"""What can be done with tier models, wired."""

from typing import Any

from application.effects.measure_model_effect import MeasureModelEffect
from application.previews.preview_tier_model import PreviewTierModel
from application.shadow.show_shadow import ShowShadow
from application.shadow.start_shadow import StartShadow
from application.shadow.stop_shadow import StopShadow
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.announce_tier_model import AnnounceTierModel
from application.tier_models.approve_tier_model import ApproveTierModel
from application.tier_models.carry_out_activations import CarryOutActivations
from application.tier_models.create_tier_model import CreateTierModel
from application.tier_models.fit_tier_model import FitTierModel
from application.tier_models.lint_tier_model import LintTierModel
from application.tier_models.reject_tier_model import RejectTierModel
from application.tier_models.retire_tier_model import RetireTierModel
from application.tier_models.schedule_tier_model import ScheduleTierModel
from application.tier_models.show_tier_model import ShowTierModel
from application.tier_models.submit_tier_model import SubmitTierModel
from application.tier_models.unschedule_tier_model import UnscheduleTierModel
from infrastructure.facts.fact_kinds import PostgresFactKinds
from infrastructure.learning import LEARNERS
from infrastructure.postgres.pool import Pool
from infrastructure.queries.shadows import PostgresShadowQueries
from infrastructure.runs.store import PostgresRuns
from infrastructure.security.keyring import Keyring
from infrastructure.settings import Settings
from infrastructure.tier_models.dependents import PostgresDependents
from infrastructure.tier_models.store import PostgresTierModels


def wired_tier_models(
    pool: Pool, keyring: Keyring, models: PostgresTierModels, runs: PostgresRuns, settings: Settings
) -> dict[str, Any]:
    """What can be done with tier models, by its name in the system."""
    kinds = PostgresFactKinds(pool)
    return {
        "create_tier_model": CreateTierModel(models, kinds),
        "fit_tier_model": FitTierModel(models, LEARNERS),
        "submit_tier_model": SubmitTierModel(models),
        "approve_tier_model": ApproveTierModel(models),
        "reject_tier_model": RejectTierModel(models),
        "schedule_tier_model": ScheduleTierModel(models, settings.approvals, settings.notice_days),
        "unschedule_tier_model": UnscheduleTierModel(models),
        "activate_tier_model": ActivateTierModel(models, settings.approvals),
        "carry_out_activations": CarryOutActivations(models),
        "retire_tier_model": RetireTierModel(models),
        "preview_tier_model": PreviewTierModel(models, runs),
        "measure_model_effect": MeasureModelEffect(models, runs, kinds),
        "show_shadow": ShowShadow(models, PostgresShadowQueries(pool, keyring)),
        "start_shadow": StartShadow(models),
        "stop_shadow": StopShadow(models),
        "show_tier_model": ShowTierModel(models),
        "announce_tier_model": AnnounceTierModel(models),
        "lint_tier_model": LintTierModel(models, PostgresDependents(pool), kinds),
    }
