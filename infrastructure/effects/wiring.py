"""What measures effects, by the kind of run that it does."""

from collections.abc import Mapping

from application.effects.measure_model_effect import MODEL_EFFECT, ModelEffectJob
from application.runs.ports import Job
from application.tier_models.ports import TierModels
from infrastructure.effects.populations import PostgresPopulations
from infrastructure.postgres.pool import Pool
from infrastructure.security.keyring import Keyring


def effect_jobs(models: TierModels, pool: Pool, keyring: Keyring) -> Mapping[str, Job]:
    """For PerformRuns."""
    return {MODEL_EFFECT: ModelEffectJob(models, PostgresPopulations(pool, keyring))}
