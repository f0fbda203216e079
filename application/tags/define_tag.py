"""Say what a tag means: its owner, its type, its values, and where it comes from."""

from msgspec.structs import replace

from application.definitions.ports import Definitions, DefinitionView, by
from application.segments.ports import SegmentVocabulary, Vocabulary
from application.tags.circles import require_no_circle
from domain.definitions.refusals import UnknownDefinition
from domain.tags.aggregate import TagDefinition
from domain.tags.definition import TagSpec, require_revision, require_sound, spec_from, spec_to_json
from domain.tier_model.expression import Condition, ConditionInvalid, compile_segment
from domain.user_tier.tagging import require_tag


class DefineTag:
    """A tag may be used without; defined, its values are checked, and a rule may keep it up."""

    def __init__(self, definitions: Definitions[TagDefinition], vocabulary: SegmentVocabulary) -> None:
        self._definitions, self._vocabulary = definitions, vocabulary

    def __call__(self, name: str, spec: TagSpec, actor: str, *, command_id: str = "") -> tuple[DefinitionView, int]:
        """The definition and its position.

        Raises TagInvalid, DefinitionInvalid, ConditionInvalid, TagCircle, DefinitionExists.
        """
        require_tag(name, "")
        require_sound(name, spec)
        with self._definitions.change(name) as change:
            ready = self._ready(name, spec)
            made = TagDefinition.define(change.found, name, spec_to_json(ready), by(change, actor, command_id))
            return change.save(made)

    def revise(self, name: str, spec: TagSpec, actor: str, *, command_id: str = "") -> tuple[DefinitionView, int]:
        """The whole of what is said anew; type and kind of source stay. The same again records nothing.

        Raises what the call raises, UnknownDefinition, and DefinitionRetired.
        """
        require_sound(name, spec)
        with self._definitions.change(name) as change:
            if change.found is None:
                raise UnknownDefinition(TagDefinition.KIND, name)
            require_revision(name, spec_from(change.found.spec), spec)
            change.found.revise(spec_to_json(self._ready(name, spec)), by(change, actor, command_id))
            return change.save(change.found)

    def _ready(self, name: str, spec: TagSpec) -> TagSpec:
        """The rule in its normal form, and what it reads. Under the lock: no two rules come to read each other."""
        if not spec.by_rule:
            return spec
        words = self._vocabulary.read()
        try:
            condition = compile_segment(spec.lineage.condition, words.types, currency=words.currency)
        except ConditionInvalid as problem:
            raise problem.given_as("lineage.condition") from None
        require_no_circle(name, condition, words, self._definitions.list())
        reads = {scheme: words.versions[scheme] for scheme in sorted(_schemes(condition, words))}
        lineage = replace(spec.lineage, condition=condition.text, currency=words.currency, reads=reads)
        return replace(spec, lineage=lineage)


class RetireTag:
    """Nobody is given the tag any more; who has it keeps it, and it may be taken off by hand."""

    def __init__(self, definitions: Definitions[TagDefinition]) -> None:
        self._definitions = definitions

    def __call__(self, name: str, actor: str, *, reason: str = "", command_id: str = "") -> tuple[DefinitionView, int]:
        """Raises TagInvalid, UnknownDefinition."""
        require_tag(name, reason)
        with self._definitions.change(name) as change:
            if change.found is None:
                raise UnknownDefinition(TagDefinition.KIND, name)
            change.found.retire(reason, by(change, actor, command_id))
            return change.save(change.found)


def _schemes(condition: Condition, words: Vocabulary) -> frozenset[str]:
    return frozenset(words.owners[name] for name in condition.names if name in words.owners)
