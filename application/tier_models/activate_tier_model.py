"""Put a version in force: everybody whom its migration reaches is decided anew at that instant."""

from application.tier_models.choose import chosen
from application.tier_models.coming_into_force import Approvals, require_plan_kept, require_ready, settled
from application.tier_models.ports import TierModels, TierModelView, by, views_of
from domain.tier_model.migration import Migration
from domain.tier_model.refusals import InForceChanged


class ActivateTierModel:
    """The version in force before is retired, unless a part of the users stays on it. Activating the version in force
    changes nothing; a version that was in force before comes back (roll back)."""

    def __init__(self, models: TierModels, approvals: Approvals = "admin-may-skip") -> None:
        self._models, self._approvals = models, approvals

    def __call__(
        self,
        scheme: str,
        version: int | None,
        actor: str,
        *,
        migration: Migration | None = None,
        instead_of: int | None = None,
        as_admin: bool = True,
        command_id: str = "",
    ) -> tuple[TierModelView, int]:
        """version None: the latest. migration None: everybody is reassessed; of more of a rollout only percent counts.
        instead_of: the version that came into force last, as the caller has seen it; None: whichever.
        as_admin: who may leave out approvals asks. The version and the activation's position, 0 when nothing changed.

        Raises UnknownScheme, VersionUnknown, CutsNotFitted, VersionRetired, NotApproved, AlreadyScheduled,
        InForceChanged, RolloutShrinks, ModelInvalid, MigrationInvalid.
        """
        view = chosen(self._models, scheme, version)
        others = require_ready(self._models, view)
        with self._models.change(scheme, activating=True) as change:
            model = change.model
            assert model is not None
            model.carry_out(by=by(change, actor))  # what came due first was in force first
            there = None if model.active is None else model.active.number
            if instead_of is not None and there not in (instead_of, view.version):  # a repeat finds what it did
                raise InForceChanged(scheme, instead_of, there)
            wanted = settled(change, model, view.version, migration, change.now, others)
            require_plan_kept(model, view.version, wanted)
            may_skip = as_admin and self._approvals == "admin-may-skip"
            model.activate(view.version, by=by(change, actor, command_id), migration=wanted, may_skip=may_skip)
            position = change.save(model)
            return views_of(model)[view.version - 1], position
