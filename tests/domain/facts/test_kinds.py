"""Kinds that can be registered, and those that cannot."""

import pytest

from domain.facts.kinds import KindDefinition, KindRefused, check_definition


def test_a_new_name_with_known_requirements_is_fine() -> None:
    check_definition("review", KindDefinition(requires=("amount", "attributes.stars"), texts=("order_id",)))


@pytest.mark.parametrize(
    ("kind", "requires", "field"),
    [
        ("order", (), "kind"),
        ("Review", (), "kind"),
        ("", (), "kind"),
        ("r" * 64, (), "kind"),
        ("review", ("stars",), "requires"),
        ("review", ("attributes.",), "requires"),
        ("review", ("amount.cents",), "requires"),
    ],
)
def test_what_cannot_be_is_refused(kind: str, requires: tuple[str, ...], field: str) -> None:
    with pytest.raises(KindRefused) as refused:
        check_definition(kind, KindDefinition(requires=requires))
    assert refused.value.complaints[0].field == field
