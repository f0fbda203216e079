"""成长值 as a benefit: a grant of it is a fact that growth rules earn by, voided with what is taken back. Pure."""

from typing import Any

from domain.benefits.grant import Grant
from domain.facts.instants import format_instant
from domain.facts.kinds import KindDefinition

SOURCE = "tierline"
_ATTRIBUTES = ("value", "grant_id", "benefit")
_GIVEN = {"amount", "currency", "attributes", *(f"attributes.{name}" for name in _ATTRIBUTES)}


def beyond_a_grant(definition: KindDefinition) -> list[str]:
    """What facts of a kind have to carry that no grant has."""
    texts = ["attributes.value as text"] if "value" in definition.texts else []
    return [path for path in definition.requires if path not in _GIVEN] + texts


def growth_fact(grant: Grant, user_id: str, kind: str, definition: KindDefinition) -> dict[str, Any]:
    """As it is sent to the log: once for a grant, whose id is its own. Its value are the units, and so is its amount
    where the kind asks for one."""
    values = (grant.units, grant.grant_id, grant.benefit)
    fact: dict[str, Any] = {
        "fact_id": grant.grant_id,
        "source": SOURCE,
        "user_id": user_id,
        "kind": kind,
        "occurred_at": format_instant(grant.granted_at),
        "attributes": dict(zip(_ATTRIBUTES, values, strict=True)),
    }
    if {"amount", "currency"} & set(definition.requires):
        fact |= {"amount": grant.units, "currency": grant.currency}
    return fact


def growth_void(grant: Grant, user_id: str) -> dict[str, Any]:
    """What makes the grant's fact count no more. The grant is over."""
    assert grant.ended_at is not None
    return {
        "fact_id": f"{grant.grant_id}/void",
        "source": SOURCE,
        "user_id": user_id,
        "kind": "void",
        "occurred_at": format_instant(grant.ended_at),
        "attributes": {"fact_id": grant.grant_id, "source": SOURCE, "reason": f"the grant is {grant.status}"},
    }
