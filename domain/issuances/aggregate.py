"""One recurring issue of a benefit."""

from typing import Any

from domain.definitions.aggregate import Definition
from domain.definitions.events import DefinitionEvent
from domain.issuances.events import AGGREGATE_TOPIC, IssuanceDefined, IssuanceRetired, IssuanceRevised


class Issuance(Definition):
    """The stream of one issuance."""

    TOPIC = AGGREGATE_TOPIC

    # Named for the library, which then defines no event classes of its own.
    Event = DefinitionEvent
    Created = IssuanceDefined

    KIND = "issuance"
    DEFINED, REVISED, RETIRED = IssuanceDefined, IssuanceRevised, IssuanceRetired

    def __init__(self, name: str, spec: dict[str, Any]) -> None:
        super().__init__(name, spec)  # written out, or the library would make one of its own
