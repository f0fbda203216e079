"""Send a version back to its makers."""

from application.tier_models.choose import chosen
from application.tier_models.ports import TierModels, TierModelView, by, views_of
from domain.tier_model.reviewing import require_words


class RejectTierModel:
    """Also one that was approved, until it is scheduled or in force. It can be submitted again."""

    def __init__(self, models: TierModels) -> None:
        self._models = models

    def __call__(
        self, scheme: str, version: int | None, actor: str, *, reason: str, command_id: str = ""
    ) -> TierModelView:
        """Raises UnknownScheme, VersionUnknown, NotSubmitted, WordsInvalid."""
        require_words("reason", reason, needed=True)
        view = chosen(self._models, scheme, version)
        with self._models.change(scheme) as change:
            model = change.model
            assert model is not None
            model.reject(view.version, reason=reason, by=by(change, actor, command_id))
            change.save(model)
            return views_of(model)[view.version - 1]
