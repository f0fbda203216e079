"""Receipts: why a decision fell as it did, in one canonical text whose SHA-256 is its id."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from domain.facts.instants import format_instant
from domain.tier_model.compiled import CompiledModel, Truth
from domain.tier_model.model_columns import Row
from domain.tier_model.timeline import Decision
from domain.user_tier.observation import Standing


def receipt_of(
    decision: Decision,
    row: Row,
    truth: Truth,
    facts_seen: int,
    facts_hash: str,
) -> dict[str, Any]:
    """The receipt of one decision; row: the values as of its instant."""
    model = decision.model
    next_tier, missing = missing_for_next(model, decision.after.tier, row)
    receipt = {
        "scheme": model.scheme,
        "version": model.version,
        "model_hash": model.content_hash,
        "instant": format_instant(decision.instant),
        "facts_seen": facts_seen,
        "facts_hash": facts_hash,
        "features": row.features,
        "scores": row.scores,
        "qualified": decision.qualified,
        "rule": _rule(model, truth, decision.qualified),
        "before": _standing(decision.before),
        "after": _standing(decision.after),
        "clause": decision.outcome.clause,
        "next_tier": next_tier,
        "missing": missing,
    }
    return {**receipt, "outside": row.outside} if row.outside else receipt


def missing_for_next(model: CompiledModel, tier: str, row: Row) -> tuple[str | None, list[dict[str, Any]]]:
    """The next tier up that has a rule, and the smallest parts that its `enter` still lacks. None at the top."""
    if model.spec.unordered:
        return None, []
    rule = model.rule_above[model.policy.rank[tier]]
    if rule is None:
        return None, []
    return model.tiers[rule.rank], model.missing_for(rule, row.all)


def canonical(receipt: Mapping[str, Any]) -> str:
    """Keys by code point, no spaces, shortest round-trip floats."""
    return json.dumps(dict(receipt), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def receipt_id(receipt: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(receipt).encode()).hexdigest()


def _rule(model: CompiledModel, truth: Truth, qualified: str) -> str:
    """Which rule gave the qualified tier: TIER.enter, TIER.keep, or that no rule did."""
    if model.policy.rank[qualified] != truth.enter:
        return f"{qualified}.keep"
    if truth.by_rule:
        return f"{qualified}.enter"
    return "default" if model.spec.unordered else "lowest"


def _standing(standing: Standing | None) -> dict[str, Any] | None:
    if standing is None:
        return None
    told = {
        "tier": standing.tier,
        "since": format_instant(standing.since),
        "valid_until": _instant(standing.validity_until),
        "grace_until": _instant(standing.grace_until),
    }
    if standing.pin is None and standing.frozen is None and standing.protected is None:
        return told
    return told | _holds(standing)


def _holds(standing: Standing) -> dict[str, Any]:
    """What holds it, where something does."""
    found: dict[str, Any] = {}
    pin, frozen, promise = standing.pin, standing.frozen, standing.protected
    if pin is not None:
        found["pinned"] = {"mode": pin.mode, "tier": pin.tier, "until": _instant(pin.until)}
    if frozen is not None:
        found["frozen"] = {"until": _instant(frozen.until)}
    if promise is not None:
        found["protected"] = {"tier": promise.floor, "until": _instant(promise.until), "one_rung": promise.one_rung}
    return found


def _instant(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)
