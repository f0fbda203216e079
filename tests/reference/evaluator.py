"""One subject's whole timeline, slowly: decided at every local midnight and at every instant at which something
happens.

Deciding more often than needed changes nothing, so this also tells when the product forgets a deadline. It shares no
code with the product; where the semantics leave a choice, README.md beside this file says which one was made.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from tests.reference import policy as rules
from tests.reference.features import Fact, Model, evaluate, visible
from tests.reference.zones import Zone, zone

Event = dict  # topic, scheme, from, to, cause, effective_at


@dataclass(frozen=True)
class Version:
    """A model in force from an instant on. `mapping` renames the tiers of the version before that are gone."""

    model: Model
    activated_at: int
    mapping: dict[str, str] | None = None


def decide_timeline(
    facts: list[Fact], versions: list[Version], until: int, sealed_at: int | None = None
) -> list[Event]:
    """Every event of one scheme for one subject, in order; decided are the instants before `until`.

    versions: oldest first. sealed_at: the subject's history was sealed then; instants before it are decided with the
    version in force at sealing, cause `history`.
    """
    standing: rules.Standing | None = None
    events: list[Event] = []
    for at in _instants(facts, versions, until):
        version = _in_force(versions, at, sealed_at)
        if version is None:
            continue
        if standing is not None and version.mapping:
            standing = replace(standing, tier=version.mapping.get(standing.tier, standing.tier))
        model = version.model
        before = standing.tier if standing else None
        _, qualified = evaluate(model, visible(facts, at), at, before)
        standing, topics = _decide(standing, qualified, version, at, sealed_at)
        cause = _cause(facts, version, at, zone(model["time_zone"]), sealed_at)
        for topic in topics:
            left = before if topic == rules.CHANGED else standing.tier
            events.append(_event(topic, model["scheme"], left, standing.tier, cause, at))
    return events


def _instants(facts: list[Fact], versions: list[Version], until: int) -> list[int]:
    """Rule: "at every known_at, every occurred_at that lies after its known_at, every deadline …, and every
    activation. Only instants before now are decided." Instead of deadlines: every local midnight of any version's
    zone."""
    if not facts:
        return []
    known = {fact["known_at"] for fact in facts}
    began = min(known)
    found = known | {fact["occurred_at"] for fact in facts if fact["occurred_at"] > fact["known_at"]}
    found |= {version.activated_at for version in versions}
    for local in {zone(version.model["time_zone"]) for version in versions}:
        day = local.day(began)
        while local.midnight(day) < until:
            found.add(local.midnight(day))
            day += timedelta(days=1)
    return sorted(at for at in found if began <= at < until)


def _in_force(versions: list[Version], at: int, sealed_at: int | None) -> Version | None:
    """Rule: "A sealed session's subjects are decided with the version in force at sealing"; else the last one
    activated by now."""
    moment = max(at, sealed_at) if sealed_at is not None else at
    return next((version for version in reversed(versions) if version.activated_at <= moment), None)


def _decide(
    standing: rules.Standing | None, qualified: str, version: Version, at: int, sealed_at: int | None
) -> tuple[rules.Standing, list[str]]:
    if standing is None:
        return rules.first(qualified, at), [rules.CHANGED]
    model, policy = version.model, rules.read_policy(version.model.get("policy"))
    as_history = sealed_at is not None and version.activated_at <= sealed_at
    moment = rules.Moment(at, zone(model["time_zone"]), None if as_history else version.activated_at)
    if model.get("unordered"):
        return rules.decide_unordered(standing, qualified, policy, moment)
    return rules.decide(standing, qualified, model["tiers"], policy, moment)


def _cause(facts: list[Fact], version: Version, at: int, local: Zone, sealed_at: int | None) -> str:
    """Rule: "The cause of a change is late-fact when a newly visible fact is from a local day before day(t), or is a
    void; timer when only time moved." What is sealed is `history`; what an activation decides is `model-change`."""
    if sealed_at is not None and at < sealed_at:
        return "history"
    if at == version.activated_at:
        return "model-change"
    if any(fact["kind"] == "void" and fact["known_at"] == at for fact in facts):
        return "late-fact"
    seen = [fact for fact in visible(facts, at) if fact["kind"] != "void"]
    new = [fact for fact in seen if max(fact["occurred_at"], fact["known_at"]) == at]
    if not new:
        return "timer"
    today = local.day(at)
    return "late-fact" if any(local.day(fact["occurred_at"]) < today for fact in new) else "evaluation"


def _event(topic: str, scheme: str, before: str | None, after: str, cause: str, at: int) -> Event:
    return {"topic": topic, "scheme": scheme, "from": before, "to": after, "cause": cause, "effective_at": at}
