"""Stored names are looked up, never imported; older ones are upcast, newer ones refused."""

from typing import Any

import pytest

from domain.user_tier.events import CLEAR_FIELDS, SubjectEvent
from infrastructure.event_store.catalogue import (
    CATALOGUE,
    Catalogue,
    DataInvalid,
    EventType,
    SchemaNewerThanCode,
    TopicUnknown,
)

CHANGED = "user-tier.tier-changed.v1"


class Greeted(SubjectEvent):
    """In version 0 it had one name, in version 1 it has a list of them."""

    TOPIC = "test-tier.greeted.v1"

    names: list[str]
    loudly: bool = False


def from_v0(data: dict[str, Any]) -> dict[str, Any]:
    return {"names": [data["name"]]}


GREETINGS = Catalogue([EventType(Greeted, CLEAR_FIELDS, sealed=True, upcasts={0: from_v0})])


def test_every_event_of_the_domain_is_in_it() -> None:
    names = {
        *(f"user-tier.{n}.v1" for n in ("user-enrolled", "tier-changed", "tier-requalified")),
        *(f"user-tier.{n}.v1" for n in ("downgrade-deferred", "tier-at-risk")),
        *(f"tier-model.{n}.v1" for n in ("drafted", "revised", "cuts-fitted", "activated", "retired")),
    }
    assert {name for name in names if CATALOGUE.require(name).topic == name} == names
    assert all(CATALOGUE.require(name).sealed == name.startswith("user-tier.") for name in names)


@pytest.mark.parametrize(
    "name", ["os:system", "", "user-tier.tier-changed", "user-tier.nothing.v1", "v1", CHANGED + "\n"]
)
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(TopicUnknown, match="not in the catalogue"):
        CATALOGUE.require(name)


def test_a_newer_schema_is_refused() -> None:
    with pytest.raises(SchemaNewerThanCode, match=r"v2' is newer than this code, which knows up to v1"):
        CATALOGUE.read("user-tier.tier-changed.v2", {})


def test_an_older_schema_is_upcast() -> None:
    event_type, data = GREETINGS.read("test-tier.greeted.v0", {"name": "ann"})
    assert (event_type.topic, data) == ("test-tier.greeted.v1", {"names": ["ann"]})
    assert GREETINGS.read("test-tier.greeted.v1", {"names": ["ann", "bob"]})[1] == {"names": ["ann", "bob"]}


def test_an_older_schema_without_a_way_up_is_refused() -> None:
    with pytest.raises(TopicUnknown):
        CATALOGUE.read("user-tier.tier-changed.v0", {})


def test_what_is_written_has_todays_name_and_shape() -> None:
    GREETINGS.check("test-tier.greeted.v1", {"names": []})
    with pytest.raises(TopicUnknown):
        GREETINGS.check("test-tier.greeted.v0", {"name": "ann"})
    with pytest.raises(DataInvalid, match=r"Expected `array`, got `str` - at `\$.names`; give the fields"):
        GREETINGS.check("test-tier.greeted.v1", {"names": "ann"})
    with pytest.raises(DataInvalid, match="missing required field `receipt`"):
        CATALOGUE.check(CHANGED, {"cause": "evaluation"})


def test_what_is_read_has_the_shape_that_its_name_promises() -> None:
    with pytest.raises(DataInvalid):
        CATALOGUE.read(CHANGED, {"cause": 7, "receipt": {}})


def test_a_name_stands_in_it_once_and_is_well_formed() -> None:
    once = EventType(Greeted, CLEAR_FIELDS, sealed=True)
    with pytest.raises(ValueError, match="twice"):
        Catalogue([once, once])

    class Odd(SubjectEvent):
        TOPIC = "tests:Odd"

    with pytest.raises(ValueError, match=r"write aggregate\.event-name\.v1"):
        Catalogue([EventType(Odd, CLEAR_FIELDS, sealed=True)])
