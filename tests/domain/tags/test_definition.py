"""What a tag's definition may say, and the values it lets through."""

from typing import Any

import pytest
from msgspec.structs import replace

from domain.definitions.refusals import DefinitionExists, DefinitionInvalid, DefinitionRetired
from domain.tags.aggregate import TagDefinition
from domain.tags.definition import (
    Lineage,
    TagSpec,
    TagValueInvalid,
    require_revision,
    require_sound,
    spec_from,
    spec_to_json,
    value_for,
)
from domain.tier_model.version import By

FLAG = TagSpec("crm", "knows us")
CHOICE = TagSpec("crm", "how well", type="choice", options=("gold", "black"), labels={"zh-CN": "等级"})


def at(instant: int) -> By:
    return By(instant, "key:op")


def test_defined_revised_retired() -> None:
    tag = TagDefinition.define(None, "vip", spec_to_json(FLAG), at(1))
    tag.revise(spec_to_json(FLAG), at(2))
    tag.revise(spec_to_json(CHOICE), at(3))
    tag.retire("over", at(4))
    tag.retire("once more", at(5))
    assert (tag.revision, tag.retired, spec_from(tag.spec)) == (2, True, CHOICE)
    topics = [type(event).TOPIC for event in tag.collect_events()]  # type: ignore[attr-defined]
    assert topics == ["tag-definition.defined.v1", "tag-definition.revised.v1", "tag-definition.retired.v1"]
    with pytest.raises(DefinitionRetired):
        tag.revise(spec_to_json(FLAG), at(6))
    with pytest.raises(DefinitionExists):
        TagDefinition.define(tag, "vip", {}, at(7))


@pytest.mark.parametrize(
    ("name", "spec", "field"),
    [
        ("vip", replace(FLAG, owner=" "), "owner"),
        ("vip", replace(FLAG, meaning=""), "meaning"),
        ("vip", replace(FLAG, meaning="a\nb"), "meaning"),
        ("vip", replace(FLAG, labels={"fr": "x"}), "labels"),
        ("vip", replace(FLAG, labels={"en": ""}), "labels.en"),
        ("vip", replace(FLAG, type="date"), "type"),  # type: ignore[arg-type]
        ("vip", replace(FLAG, options=("a",)), "options"),
        ("vip", replace(CHOICE, options=()), "options"),
        ("vip", replace(CHOICE, options=("a", "a")), "options.1"),
        ("a b", CHOICE, "name"),
        ("a.b", CHOICE, "name"),
        ("vip", replace(FLAG, lineage=Lineage("rule")), "lineage.condition"),
        ("vip", replace(FLAG, lineage=Lineage(condition="tag('x')")), "lineage.condition"),
        ("vip", replace(FLAG, lineage=Lineage("imported")), "lineage.origin"),
        ("vip", replace(CHOICE, lineage=Lineage("rule", condition="tag('x')")), "type"),
    ],
)
def test_what_a_definition_cannot_say(name: str, spec: TagSpec, field: str) -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        require_sound(name, spec)
    assert refused.value.complaints[0].field == field and refused.value.complaints[0].remedy


def test_what_users_have_still_means_something_after_a_revision() -> None:
    require_revision("vip", CHOICE, replace(CHOICE, options=("gold",)))
    with pytest.raises(DefinitionInvalid):
        require_revision("vip", CHOICE, FLAG)
    with pytest.raises(DefinitionInvalid):
        require_revision("vip", FLAG, replace(FLAG, lineage=Lineage("rule", condition="tag('x')")))


@pytest.mark.parametrize(
    ("spec", "value", "good"),
    [
        (None, None, True),
        (None, 1, False),
        (FLAG, None, True),
        (FLAG, True, False),
        (CHOICE, "gold", True),
        (CHOICE, "silver", False),
        (CHOICE, None, False),
        (replace(FLAG, type="number"), 2**53 - 1, True),
        (replace(FLAG, type="number"), -0.5, True),
        (replace(FLAG, type="number"), 2**53, False),
        (replace(FLAG, type="number"), float("nan"), False),
        (replace(FLAG, type="number"), True, False),
        (replace(FLAG, type="number"), "1", False),
        (replace(FLAG, type="text"), "XL", True),
        (replace(FLAG, type="text"), " ", False),
        (replace(FLAG, type="text"), "x" * 201, False),
        (replace(FLAG, type="text"), 7, False),
    ],
)
def test_values(spec: TagSpec | None, value: Any, good: bool) -> None:
    if good:
        assert value_for("vip", spec, False, value) == value
        return
    with pytest.raises(TagValueInvalid) as refused:
        value_for("vip", spec, False, value)
    assert refused.value.complaints[0].field == "value"


@pytest.mark.parametrize("value", [None, 7, "silver"])
def test_a_choice_tells_what_may_be_chosen(value: Any) -> None:
    with pytest.raises(TagValueInvalid) as refused:
        value_for("level", replace(FLAG, type="choice", options=("gold", "black")), False, value)
    assert refused.value.complaints[0].remedy == "give one of gold, black"


def test_nobody_is_given_a_retired_tag() -> None:
    with pytest.raises(DefinitionRetired):
        value_for("vip", FLAG, True, None)
