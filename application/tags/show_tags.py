"""Read the definitions of tags, and how many users have each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import asdict

from application.definitions.ports import Definitions, DefinitionView
from application.definitions.shown import shown
from application.queries import SegmentSearch
from application.tags.rule_state import RuleState
from domain.definitions.refusals import UnknownDefinition
from domain.tags.aggregate import TagDefinition
from domain.tags.definition import spec_from


@dataclass(frozen=True, slots=True)
class ShownTag:
    """A definition. users: who have the tag, as far as the search index has come; None: not asked for. rule: how far
    its rule is, of a tag that a rule keeps up."""

    view: DefinitionView
    users: int | None
    rule: RuleState | None = None


class ShowTags:
    """Definitions are as they stand; who has a tag is counted by the search index, which may be behind."""

    def __init__(
        self,
        definitions: Definitions[TagDefinition],
        search: SegmentSearch,
        state_of: Callable[[str, int], RuleState],
    ) -> None:
        """state_of: how far the rule of a tag's revision is."""
        self._definitions, self._search, self._state_of = definitions, search, state_of

    def __call__(self, name: str, *, coverage: bool = True) -> ShownTag:
        """One. Raises UnknownDefinition."""
        view = self._definitions.find(name)
        if view is None:
            raise UnknownDefinition(TagDefinition.KIND, name)
        by_rule = not view.retired and spec_from(view.spec).by_rule
        state = self._state_of(name, view.revision) if by_rule else None
        return ShownTag(view, self._count(name) if coverage else None, state)

    def all(self, *, coverage: bool = True) -> Sequence[ShownTag]:
        """All, retired ones too, by name."""
        views = self._definitions.list()
        if not coverage or not views:
            return [ShownTag(view, None) for view in views]
        # A facet tells the thousand that most users have; of any other there may be users still.
        counts = self._search(None, [], 0, None, ["tags"]).facets["tags"]
        return [ShownTag(view, counts[view.name] if view.name in counts else self._count(view.name)) for view in views]

    def _count(self, name: str) -> int:
        return self._search(f"tag('{name}')", [], 0, None, []).total


def shown_tag(tag: ShownTag) -> dict[str, Any]:
    """As it is answered: with its defaults written out."""
    spec = spec_from(tag.view.spec)
    said = {field: getattr(spec, field) for field in ("owner", "category", "meaning", "type")}
    told = said | {"options": list(spec.options), "labels": spec.labels, "lineage": asdict(spec.lineage)}
    rule = None if tag.rule is None else tag.rule.to_json()
    return {**shown(tag.view), **told, "users": tag.users, "rule": rule}
