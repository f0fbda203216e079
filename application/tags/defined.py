"""What the definition of a tag, where there is one, says against a command on a user."""

from application.definitions.ports import DefinitionView
from domain.tags.definition import TagKeptByRule, spec_from, value_for
from domain.tier_model.column import Scalar


def value_of(tag: str, found: DefinitionView | None, value: Scalar) -> Scalar:
    """The value to give with the tag. found: its definition, if anybody defined it.

    Raises DefinitionRetired, TagValueInvalid.
    """
    spec = None if found is None else spec_from(found.spec)
    return value_for(tag, spec, found is not None and found.retired, value)


def require_by_hand(found: DefinitionView | None) -> None:
    """Raises TagKeptByRule for a tag that a rule keeps up."""
    if found is not None and not found.retired and spec_from(found.spec).by_rule:
        raise TagKeptByRule(found.name)
