"""Agree to a version that others have made."""

from application.tier_models.choose import chosen
from application.tier_models.ports import TierModels, TierModelView, by, views_of
from domain.tier_model.reviewing import require_words


class ApproveTierModel:
    """Who drafted, changed, fitted or submitted the version cannot. Approving what is approved changes nothing."""

    def __init__(self, models: TierModels) -> None:
        self._models = models

    def __call__(
        self,
        scheme: str,
        version: int | None,
        actor: str,
        *,
        content_hash: str | None,
        note: str = "",
        command_id: str = "",
    ) -> TierModelView:
        """content_hash: of what was looked at; None: whatever it is now (where a person has it before them).

        Raises UnknownScheme, VersionUnknown, StaleDraft, OwnDraft, NotSubmitted, WordsInvalid.
        """
        require_words("note", note)
        view = chosen(self._models, scheme, version)
        with self._models.change(scheme) as change:
            model = change.model
            assert model is not None
            seen = content_hash or view.content_hash
            model.approve(view.version, content_hash=seen, note=note, by=by(change, actor, command_id))
            change.save(model)
            return views_of(model)[view.version - 1]
