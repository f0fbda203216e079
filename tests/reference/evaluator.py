"""One subject's whole timeline, slowly: decided at every local midnight and at every instant at which something
happens, on every scheme and in every scope.

Deciding more often than needed changes nothing, so this also tells when the product forgets a deadline. It shares no
code with the product; where the semantics leave a choice, README.md beside this file says which one was made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property

from tests.reference import policy as rules
from tests.reference.conditions import Value, names_in
from tests.reference.features import Fact, Model, View, evaluate, in_currency, visible
from tests.reference.growth import earned, left_by_settlement
from tests.reference.zones import Zone, zone

Event = dict  # topic, scheme, scope, from, to, cause, effective_at, values (of a settlement: its numbers)
PLATFORM = ""  # the scope of a scheme without `per`


@dataclass(frozen=True)
class Version:
    """A model in force from an instant on. `mapping` renames the tiers of the version before that are gone."""

    model: Model
    activated_at: int
    mapping: dict[str, str] | None = None

    @cached_property
    def policy(self) -> rules.Policy:
        """The model's policy, read."""
        return rules.read_policy(self.model.get("policy"))

    @cached_property
    def reads(self) -> frozenset[str]:
        """The schemes whose tiers its rules read."""
        rules_of = [rule if isinstance(rule, dict) else {"enter": rule} for rule in self.model["rules"].values()]
        names = {name for rule in rules_of for condition in rule.values() for name in names_in(condition)}
        return frozenset(name.removeprefix("tier.") for name in names if name.startswith("tier."))


@dataclass(frozen=True)
class TagCommand:
    """A tag added (until: it ends then) or removed at an instant."""

    at: int
    tag: str
    present: bool
    until: int | None = None


@dataclass
class Track:
    """One scheme in one scope as it goes on. facts: those of the scope, and all voids; seen: what is visible of it.
    entered: the last tier change or requalification; before: the anchor of windows since standing at that instant."""

    scope: str
    facts: list[Fact]
    began: int
    standing: rules.Standing | None = None
    entered: int | None = None
    before: int | None = None
    carried: int = 0
    settled_at: int | None = None
    seen: list[Fact] = field(default_factory=list)
    seen_at_settlement: list[Fact] = field(default_factory=list)


def decide_timeline(
    facts: list[Fact], versions: list[Version], until: int, sealed_at: int | None = None
) -> list[Event]:
    """Every event of one scheme for one subject, in order."""
    return decide_subject(facts, {versions[0].model["scheme"]: versions}, [], until, sealed_at)


def decide_subject(
    facts: list[Fact],
    schemes: dict[str, list[Version]],
    tags: list[TagCommand],
    until: int,
    sealed_at: int | None = None,
) -> list[Event]:
    """Every event of one subject, in order of time, then as the schemes read each other; decided are the instants
    before `until`.

    schemes: the versions of each, oldest first. sealed_at: the subject's history was sealed then; instants before it
    are decided with the version in force at sealing, cause `history`.
    """
    tracks = {scheme: _tracks(facts, versions[0].model) for scheme, versions in schemes.items()}
    appearing = {fact["known_at"] for fact in facts} | {fact["occurred_at"] for fact in facts}
    events: list[Event] = []
    for at in _instants(facts, schemes, tags, until):
        in_force = {scheme: _in_force(versions, at, sealed_at) for scheme, versions in schemes.items()}
        present = tags_at(tags, at)
        if at in appearing:
            for track in (track for of_scheme in tracks.values() for track in of_scheme):
                track.seen = _seen(track, at)
        ready = {scheme: version for scheme, version in in_force.items() if version is not None}
        for scheme in _in_order(ready):
            version = ready[scheme]
            local = zone(version.model["time_zone"])
            as_history = sealed_at is not None and version.activated_at <= sealed_at
            moment = rules.Moment(at, local, None if as_history else version.activated_at)
            for track in tracks[scheme]:
                if at >= track.began:
                    found = _decide(track, version, _tiers_read(version, tracks, track.scope), present, moment)
                    cause = _cause(facts, tags, _activations(scheme, ready), moment, sealed_at) if found else ""
                    events += [event | {"cause": cause} for event in found]
    return events


def tags_at(tags: list[TagCommand], at: int) -> frozenset[str]:
    """Rule: "there is a tag x added at or before t and not removed or ended by then". The last command on it counts."""
    last = {command.tag: command for command in sorted(tags, key=lambda command: command.at) if command.at <= at}
    return frozenset(
        tag for tag, command in last.items() if command.present and (command.until is None or at < command.until)
    )


def _tracks(facts: list[Fact], model: Model) -> list[Track]:
    """Rule: with `per`, one for each text value of that attribute, from the facts that carry exactly that value; it
    comes to be when its first fact is known. Voids need no attribute."""
    facts, per = in_currency(facts, model["currency"]), model.get("per")
    if per is None:
        return [Track(PLATFORM, facts, min(fact["known_at"] for fact in facts))] if facts else []
    voids = [fact for fact in facts if fact["kind"] == "void"]
    found = []
    for value in sorted({_scope_of(fact, per) for fact in facts} - {None}):
        members = [fact for fact in facts if _scope_of(fact, per) == value]
        found.append(Track(value, [*members, *voids], min(fact["known_at"] for fact in members)))
    return found


def _scope_of(fact: Fact, per: str) -> str | None:
    """A void is of no scope: it takes its fact away wherever that is."""
    value = fact["attributes"].get(per)
    return value if isinstance(value, str) and value and fact["kind"] != "void" else None


def _seen(track: Track, at: int) -> list[Fact]:
    """What is visible in a scope: of voids only what they do."""
    seen = visible(track.facts, at)
    return seen if track.scope == PLATFORM else [fact for fact in seen if fact["kind"] != "void"]


def _instants(facts: list[Fact], schemes: dict[str, list[Version]], tags: list[TagCommand], until: int) -> list[int]:
    """Rule: "at every known_at, every occurred_at that lies after its known_at, every deadline …, every command
    instant and every activation. Only instants before now are decided." Instead of deadlines: every local midnight of
    any version's zone."""
    if not facts:
        return []
    versions = [version for of_scheme in schemes.values() for version in of_scheme]
    known = {fact["known_at"] for fact in facts}
    began = min(known)
    found = known | {fact["occurred_at"] for fact in facts if fact["occurred_at"] > fact["known_at"]}
    found |= {version.activated_at for version in versions}
    found |= {command.at for command in tags} | {command.until for command in tags if command.until is not None}
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


def _in_order(in_force: dict[str, Version]) -> Iterator[str]:
    """Rule: "if the schemes form no circle; they are decided in that order at one instant"."""
    done: set[str] = set()
    while len(done) < len(in_force):
        ready = [name for name in in_force if name not in done and not (in_force[name].reads & in_force.keys()) - done]
        assert ready, f"a circle: {sorted(in_force.keys() - done)}"
        yield from ready
        done.update(ready)


def _tiers_read(version: Version, tracks: dict[str, list[Track]], scope: str) -> dict[str, str]:
    """The tiers on the schemes that are read: the platform's, or those of the same scope."""
    return {
        scheme: track.standing.tier
        for scheme in version.reads & tracks.keys()
        for track in tracks[scheme]
        if track.standing is not None and track.scope in (PLATFORM, scope)
    }


def _decide(
    track: Track, version: Version, tiers: dict[str, str], tags: frozenset[str], moment: rules.Moment
) -> list[Event]:
    """One decision on one scheme in one scope: what is recorded, without its cause."""
    model, at = version.model, moment.at
    if track.standing is not None and track.standing.tier not in model["tiers"]:
        track.standing = replace(track.standing, tier=version.mapping[track.standing.tier])
    before = track.standing.tier if track.standing else None
    common = {"scheme": model["scheme"], "scope": track.scope, "effective_at": at}
    events = [
        {"topic": rules.SETTLED, "from": before, "to": before, "values": numbers} | common
        for numbers in _settle(track, version, moment)
    ]
    growth = _balance(track, model, at) if "growth" in model else None
    view = View(track.seen, at, before, _anchor(track, at, moment.local), growth, tiers, tags)
    values, qualified = evaluate(model, view)
    for topic in _stand(track, qualified, version, moment):
        left = before if topic == rules.CHANGED else track.standing.tier
        events.append({"topic": topic, "from": left, "to": track.standing.tier, "values": values} | common)
    return events


def _settle(track: Track, version: Version, moment: rules.Moment) -> list[dict[str, Value]]:
    """Rule: "Growth settles before q is computed; facts visible later count after it": the numbers of the one
    settlement, or nothing."""
    model = version.model
    if "growth" not in model or track.standing is None or model.get("unordered"):
        return []
    if not rules.growth_settles(track.standing, version.policy, moment, track.settled_at):
        return []
    carried, balance = track.carried, _balance(track, model, moment.at)
    track.carried = left_by_settlement(model["growth"], balance, track.standing.tier)
    track.settled_at, track.seen_at_settlement = moment.at, track.seen
    return [
        {
            "carried": carried,
            "earned": balance - carried,
            "deducted": balance - track.carried,
            "balance": track.carried,
        }
    ]


def _balance(track: Track, model: Model, at: int) -> int:
    """carried + E(t) - E(S), both by the rules in force."""
    growth, local, currency = model["growth"], zone(model["time_zone"]), model["currency"]
    balance = track.carried + earned(growth, track.seen, at, local, currency)
    if track.settled_at is None:
        return balance
    return balance - earned(growth, track.seen_at_settlement, track.settled_at, local, currency)


def _anchor(track: Track, at: int, local: Zone) -> int | None:
    """Rule: windows since standing restart "at the first midnight after entry or the last requalification …; until
    then the former window holds", the one that held at that entry. None: they hold all."""
    if track.entered is not None and local.midnight(local.day(track.entered) + timedelta(days=1)) <= at:
        return track.entered
    return track.before


def _stand(track: Track, qualified: str, version: Version, moment: rules.Moment) -> list[str]:
    """The new standing, and the topics of what is recorded."""
    model = version.model
    if track.standing is None:
        track.standing, topics = rules.first(qualified, moment.at), [rules.CHANGED]
    elif model.get("unordered"):
        track.standing, topics = rules.decide_unordered(track.standing, qualified, version.policy, moment)
    else:
        track.standing, topics = rules.decide(track.standing, qualified, model["tiers"], version.policy, moment)
    if rules.CHANGED in topics or rules.REQUALIFIED in topics:
        track.before, track.entered = _anchor(track, moment.at, moment.local), moment.at
    return topics


def _activations(scheme: str, ready: dict[str, Version]) -> set[int]:
    """When this scheme's version and those of the schemes that it reads, by way of others too, came into force."""
    found, waiting = set(), [scheme]
    while waiting:
        version = ready.get(waiting.pop())
        if version is not None:
            found.add(version.activated_at)
            waiting += version.reads
    return found


def _cause(
    facts: list[Fact], tags: list[TagCommand], activations: set[int], moment: rules.Moment, sealed_at: int | None
) -> str:
    """Rule: "The cause of a change is late-fact when a newly visible fact is from a local day before day(t), or is a
    void; timer when only time moved." What is sealed is `history`; what an activation decides is `model-change`. Facts
    are the subject's, of any scope; a command on a tag is no passing of time."""
    at, local = moment.at, moment.local
    if sealed_at is not None and at < sealed_at:
        return "history"
    if at in activations:
        return "model-change"
    if any(fact["kind"] == "void" and fact["known_at"] == at for fact in facts):
        return "late-fact"
    new = [
        fact
        for fact in visible(facts, at)
        if fact["kind"] != "void" and max(fact["occurred_at"], fact["known_at"]) == at
    ]
    if new:
        return "late-fact" if any(local.day(fact["occurred_at"]) < local.day(at) for fact in new) else "evaluation"
    return "evaluation" if any(command.at == at for command in tags) else "timer"
