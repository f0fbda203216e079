"""What members are told of a version (公示): its rules, and how they differ from those before, in words."""

from dataclasses import asdict, dataclass
from typing import Any

from application.tier_models.choose import chosen
from application.tier_models.ports import TierModels, TierModelView
from domain.facts.instants import format_instant
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.migration import migration_from_json
from domain.tier_model.refusals import CutsNotFitted
from domain.tier_model.spec import TierModelSpec
from domain.tier_model.words import Language, ModelWords
from domain.tier_model.words.notice import changes, transition


@dataclass(frozen=True, slots=True)
class Notice:
    """One version in one language, sentences in lists. against: the version that it is compared with, None: the first.

    from_instant: when it comes, or last came, into force, microseconds; None: nobody has said.
    """

    scheme: str
    version: int
    against: int | None
    language: Language
    from_instant: int | None
    heading: str
    dates: list[str]
    changes: list[str]
    transition: list[str]
    rules: list[str]
    meanings: list[str]
    policy: list[str]
    growth: list[str]

    @property
    def text(self) -> str:
        """All of it, a line a sentence, parts apart by an empty line."""
        parts = (self.changes, self.transition, self.rules, self.meanings, [*self.policy, *self.growth])
        head = [self.heading, *self.dates]
        return "\n\n".join("\n".join(part) for part in (head, *parts) if part)


class AnnounceTierModel:
    """Says a version; nothing is changed by that."""

    def __init__(self, models: TierModels) -> None:
        self._models = models

    def __call__(self, scheme: str, version: int | None, language: Language, *, against: int | None = None) -> Notice:
        """version None: the latest. against None: the version in force, or the one that was before it.

        Raises UnknownScheme, VersionUnknown, CutsNotFitted.
        """
        view = chosen(self._models, scheme, version)
        other = chosen(self._models, scheme, against) if against is not None else self._before(view)
        now = _words(view, language)
        words, migration = now.vocabulary, migration_from_json(view.migration)
        since = view.scheduled_at if view.scheduled_at is not None else view.activated_at
        if other is None:
            told = [words.say("notice first")]
        else:
            told = changes(_words(other, language), now, migration.mapping) or [words.say("notice same")]
        dates = [words.say("notice open") if since is None else words.say("notice from", date=words.date(since))]
        return Notice(
            scheme=view.scheme,
            version=view.version,
            against=other.version if other is not None else None,
            language=language,
            from_instant=since,
            heading=words.say("notice heading", scheme=now.scheme(), version=view.version),
            dates=dates,
            changes=told,
            transition=transition(words, migration) if other is not None and since is not None else [],
            rules=now.rules(),
            meanings=list(now.meanings().values()),
            policy=now.policy(),
            growth=now.growth(),
        )

    def _before(self, view: TierModelView) -> TierModelView | None:
        """The version in force; for that one itself, the one that was activated before it."""
        others = [
            (other.activated_at, other)
            for other in self._models.versions(view.scheme)
            if other.activated_at is not None and other.version != view.version
        ]
        if view.status == "active" and view.activated_at is not None:
            others = [(at, other) for at, other in others if at <= view.activated_at]
        return max(others, key=lambda one: (one[0], one[1].version))[1] if others else None


def notice_json(notice: Notice) -> dict[str, Any]:
    """As answered."""
    shown = asdict(notice)
    since = shown.pop("from_instant")
    return {
        "scheme": shown.pop("scheme"),
        "version": shown.pop("version"),
        "against": shown.pop("against"),
        "lang": shown.pop("language"),
        "from": None if since is None else format_instant(since),
        **shown,
        "text": notice.text,
    }


def _words(view: TierModelView, language: Language) -> ModelWords:
    if view.unfitted:
        raise CutsNotFitted(view.scheme, view.version, list(view.unfitted))
    return ModelWords(CompiledModel(TierModelSpec.model_validate(view.spec), view.version), language)
