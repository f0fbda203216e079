"""Write down the scheduled activations whose instants have come. They hold from these on in any case."""

from application.tier_models.ports import TierModels, TierModelView, by, views_of

TIMER = "timer"


class CarryOutActivations:
    """For a sweeper. Any number may run at once, and be killed: each activation is written once."""

    def __init__(self, models: TierModels) -> None:
        self._models = models

    def __call__(self) -> list[TierModelView]:
        """The versions that came into force by this call."""
        carried = []
        for scheme in self._models.due_schemes():
            with self._models.change(scheme, activating=True) as change:
                model = change.model
                assert model is not None
                version = model.carry_out(by=by(change, TIMER))
                change.save(model)
                if version is not None:
                    carried.append(views_of(model)[version.number - 1])
        return carried
