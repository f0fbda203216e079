"""Everything that can be done with saved segments, as one value of the system."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from application.definitions.ports import Definitions, DefinitionView
from application.definitions.shown import shown
from application.queries import SchemeWithoutScopes, SegmentSearch
from application.segments.define_segment import DefineSegment, RetireSegment, scoped_of
from domain.definitions.refusals import DefinitionRetired, UnknownDefinition
from domain.segments.aggregate import Segment
from domain.segments.definition import SegmentSpec, spec_from
from domain.tier_model.expression import ConditionInvalid


@dataclass(frozen=True, slots=True)
class SegmentDesk:
    """What people do with saved segments."""

    definitions: Definitions[Segment]
    define: DefineSegment
    retire: RetireSegment
    search: SegmentSearch

    def find(self, name: str) -> DefinitionView:
        """Raises UnknownDefinition."""
        view = self.definitions.find(name)
        if view is None:
            raise UnknownDefinition(Segment.KIND, name)
        return view

    def list(self) -> Sequence[DefinitionView]:
        """All, retired ones too, by name."""
        return self.definitions.list()

    def live(self, name: str) -> SegmentSpec:
        """What one says. Raises UnknownDefinition, DefinitionRetired."""
        view = self.find(name)
        if view.retired:
            raise DefinitionRetired(Segment.KIND, name)
        return spec_from(view.spec)

    def members(self, name: str) -> Iterator[dict[str, Any]]:
        """Everybody in it as of one point in time.

        Raises UnknownDefinition, DefinitionRetired, and ConditionInvalid for one that reads what is there no more.
        """
        spec = self.live(name)
        return self.search.members(spec.where or None, scoped_of(spec))

    def shown(self, view: DefinitionView, *, coverage: bool = False) -> dict[str, Any]:
        """As it is answered. users: how many are in it, as far as the search index has come, when asked for.

        With a fault instead for one that reads what is there no more.
        """
        spec = spec_from(view.spec)
        scoped = [{"scheme": one.scheme, "scope": one.scope, "tier": one.tier} for one in spec.scoped]
        told = shown(view) | {"where": spec.where or None, "scoped": scoped, "labels": spec.labels, "users": None}
        if not coverage:
            return told
        try:
            return told | {"users": self.search(spec.where or None, [], 0, None, [], scoped_of(spec)).total}
        except (ConditionInvalid, SchemeWithoutScopes) as fault:
            return told | {"fault": str(fault)}
