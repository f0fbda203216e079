"""Let a version come into force by itself, at an instant that can be announced (公示)."""

from application.tier_models.choose import chosen
from application.tier_models.coming_into_force import Approvals, require_ready, settled
from application.tier_models.ports import TierModels, TierModelView, by, views_of
from domain.tier_model.migration import Migration


class ScheduleTierModel:
    """From its instant on every decision takes the version as in force, whoever is late with anything."""

    def __init__(self, models: TierModels, approvals: Approvals = "admin-may-skip", notice_days: int = 0) -> None:
        self._models, self._approvals, self._notice_days = models, approvals, notice_days

    def __call__(
        self,
        scheme: str,
        version: int | None,
        actor: str,
        *,
        at: int,
        notice_days: int | None = None,
        migration: Migration | None = None,
        as_admin: bool = True,
        command_id: str = "",
    ) -> TierModelView:
        """at: microseconds. notice_days: at least so many days from now to then, and as many as the installation asks.

        Raises UnknownScheme, VersionUnknown, CutsNotFitted, VersionRetired, NotApproved, ScheduledInPast,
        AlreadyScheduled, AlreadyInForce, RolloutShrinks, ModelInvalid, MigrationInvalid.
        """
        view = chosen(self._models, scheme, version)
        others = require_ready(self._models, view)
        with self._models.change(scheme, activating=True) as change:
            model = change.model
            assert model is not None
            model.carry_out(by=by(change, actor))
            wanted = settled(change, model, view.version, migration, at, others)
            model.schedule(
                view.version,
                at=at,
                migration=wanted,
                notice_days=max(self._notice_days, notice_days or 0),
                may_skip=as_admin and self._approvals == "admin-may-skip",
                by=by(change, actor, command_id),
            )
            change.save(model)
            return views_of(model)[view.version - 1]
