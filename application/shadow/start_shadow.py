"""Decide a candidate beside the version in force, on every fact, without effect (影子运行)."""

from application.tier_models.choose import chosen
from application.tier_models.coming_into_force import require_ready, settled
from application.tier_models.ports import TierModels, TierModelView, by, views_of
from domain.refusal import Complaint
from domain.tier_model.migration import Migration, MigrationInvalid


class StartShadow:
    """From this instant on whoever is decided is decided by the candidate too, as if it had come into force now. The
    candidate before it ends, and what was found of that is forgotten."""

    def __init__(self, models: TierModels) -> None:
        self._models = models

    def __call__(
        self,
        scheme: str,
        version: int | None,
        actor: str,
        *,
        migration: Migration | None = None,
        command_id: str = "",
    ) -> TierModelView:
        """migration: as it would be activated with, but for everybody.

        Raises UnknownScheme, VersionUnknown, CutsNotFitted, ShadowNeedsLive, ModelInvalid, MigrationInvalid.
        """
        view = chosen(self._models, scheme, version)
        others = require_ready(self._models, view)
        if migration is not None and not migration.whole:
            remedy = "leave it out: a candidate without effect is decided for everybody"
            raise MigrationInvalid(Complaint("migration.percent", migration.percent, remedy))
        with self._models.change(scheme, activating=True) as change:
            model = change.model
            assert model is not None
            wanted = settled(change, model, view.version, migration, change.now, others)
            model.shadow(view.version, migration=wanted, by=by(change, actor, command_id))
            change.save(model)
            return views_of(model)[view.version - 1]
