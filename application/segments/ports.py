"""What conditions about users may name, by the models in force and the tags that are defined."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.tier_model.column import Type

TAG_VALUE = "tag_value."
"""What the value of a tag is called in a condition: tag_value.NAME."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """types: of every name; owners: the scheme that a name is of; currency: of money().

    versions: of the schemes in force; reads_tags, reads_schemes: what the rules of each scheme read besides.
    """

    types: Mapping[str, Type]
    owners: Mapping[str, str]
    currency: str
    versions: Mapping[str, int]
    reads_tags: Mapping[str, frozenset[str]]
    reads_schemes: Mapping[str, frozenset[str]]


class SegmentVocabulary(Protocol):
    """Asked anew each time: activations and definitions change it."""

    def read(self) -> Vocabulary:
        """As of now."""
        ...
