"""Put a version in force: everybody is decided anew at that instant."""

from collections.abc import Iterable

from application.tier_models.choose import chosen
from application.tier_models.ports import TierModels, TierModelView, by, views_of
from application.tier_models.surroundings import other_schemes
from domain.refusal import Complaint, Refusal
from domain.tier_model.lint import Places, lint, together_faults
from domain.tier_model.spec import ModelFault, ModelInvalid, TierModelSpec


class TierWithoutSuccessor(Refusal):
    """Users may stand on a tier that the new version does not have."""

    def __init__(self, scheme: str, tiers: list[str]) -> None:
        super().__init__(
            f"the version of scheme {scheme!r} lacks tiers that the one in force has: {', '.join(tiers)}",
            *(Complaint("tiers", tier, "keep the tier; mapping it to another is not available yet") for tier in tiers),
        )


class ActivateTierModel:
    """The version in force before is retired. Activating the version in force changes nothing."""

    def __init__(self, models: TierModels) -> None:
        self._models = models

    def __call__(self, scheme: str, version: int | None, actor: str) -> tuple[TierModelView, int]:
        """version None: the latest. The version and the activation's position.

        Raises UnknownScheme, VersionUnknown, CutsNotFitted, VersionRetired, ModelInvalid, TierWithoutSuccessor.
        """
        view = chosen(self._models, scheme, version)
        spec = TierModelSpec.model_validate(view.spec)
        others = other_schemes(self._models, scheme)
        _refuse_errors(lint(spec, None, others, activating=True))
        with self._models.change(scheme, activating=True) as change:
            model = change.model
            assert model is not None
            in_force = change.specs()
            # Once more, now that nothing else can come into force: two activations at a time could close a circle.
            _refuse_errors(together_faults(spec, others | in_force, activating=True, places=Places()))
            before = in_force.get(scheme)
            if before is not None and before.per != spec.per:
                message = f"is not what the version in force is kept per ({before.per or 'the platform'})"
                remedy = "Standings cannot move from one to the other: keep it, or make another scheme"
                raise ModelInvalid([ModelFault("per", None, None, spec.per, message, remedy)])
            lost = [tier for tier in before.tiers if tier not in spec.tiers] if before is not None else []
            if lost:
                raise TierWithoutSuccessor(scheme, lost)
            model.activate(view.version, by=by(change, actor))
            position = change.save(model, activated=view.version)
            return views_of(model)[view.version - 1], position


def _refuse_errors(faults: Iterable[ModelFault]) -> None:
    errors = [fault for fault in faults if fault.severity == "error"]
    if errors:
        raise ModelInvalid(errors)
