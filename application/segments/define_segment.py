"""Save a segment under a name: a condition that is read once, a fault with its place."""

from application.definitions.ports import Definitions, DefinitionView, by
from application.queries import ScopedTier, SegmentSearch
from domain.definitions.refusals import UnknownDefinition
from domain.segments.aggregate import Segment
from domain.segments.definition import SegmentSpec, require_sound, spec_to_json


class DefineSegment:
    """Who is in it is asked anew each time."""

    def __init__(self, definitions: Definitions[Segment], search: SegmentSearch) -> None:
        self._definitions, self._search = definitions, search

    def __call__(self, name: str, spec: SegmentSpec, actor: str, *, command_id: str = "") -> tuple[DefinitionView, int]:
        """The definition and its position.

        Raises DefinitionInvalid, ConditionInvalid, SchemeWithoutScopes, DefinitionExists.
        """
        self._check(name, spec)
        with self._definitions.change(name) as change:
            made = Segment.define(change.found, name, spec_to_json(spec), by(change, actor, command_id))
            return change.save(made)

    def revise(self, name: str, spec: SegmentSpec, actor: str, *, command_id: str = "") -> tuple[DefinitionView, int]:
        """The whole of it anew; the same again records nothing.

        Raises what the call raises, UnknownDefinition, and DefinitionRetired.
        """
        self._check(name, spec)
        with self._definitions.change(name) as change:
            if change.found is None:
                raise UnknownDefinition(Segment.KIND, name)
            change.found.revise(spec_to_json(spec), by(change, actor, command_id))
            return change.save(change.found)

    def _check(self, name: str, spec: SegmentSpec) -> None:
        require_sound(name, spec)
        self._search.require_searchable(spec.where or None, scoped_of(spec))


class RetireSegment:
    """Nobody asks for its members any more."""

    def __init__(self, definitions: Definitions[Segment]) -> None:
        self._definitions = definitions

    def __call__(self, name: str, actor: str, *, reason: str = "", command_id: str = "") -> tuple[DefinitionView, int]:
        """Raises UnknownDefinition."""
        with self._definitions.change(name) as change:
            if change.found is None:
                raise UnknownDefinition(Segment.KIND, name)
            change.found.retire(reason, by(change, actor, command_id))
            return change.save(change.found)


def scoped_of(spec: SegmentSpec) -> list[ScopedTier]:
    """As a search takes them."""
    return [ScopedTier(one.scheme, one.scope, one.tier) for one in spec.scoped]
