"""A candidate decided beside the version in force, without effect: where each subject would stand, and why. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec

from domain.facts.table import FactTable
from domain.tier_model.spans import ALWAYS
from domain.tier_model.timeline import Force
from domain.user_tier.decide import Decided, Subject, decide
from domain.user_tier.decisions import NewEvent
from domain.user_tier.observation import Observation, SchemeObservation

_CHANGED = "user-tier.tier-changed.v1"
Forces = Mapping[str, tuple[Force, ...]]
Receipt = dict[str, Any]


class ShadowBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of one standing by the candidate: the standing, and the last receipts of both."""

    observation: SchemeObservation
    live: Receipt | None = None
    shadow: Receipt | None = None


@dataclass(frozen=True, slots=True)
class ShadowStanding:
    """Where a subject stands by the candidate and by the version in force. apart_since: microseconds, None while both
    are one, maybe by the candidate's name. live_moves, shadow_moves: tier changes since the subject first came by,
    renames apart."""

    subject_id: UUID
    scope: str
    decided_at: int
    live_tier: str
    shadow_tier: str
    apart_since: int | None
    live_moves: int
    shadow_moves: int
    body: ShadowBody


Kept = Mapping[UUID, Mapping[str, ShadowStanding]]
"""Of each subject that came by before, by scope."""


@dataclass(frozen=True, slots=True)
class LiveDecisions:
    """What was decided by the versions in force, of which subjects, from what."""

    subjects: Sequence[Subject]
    table: FactTable
    forces: Forces
    now: int
    decided: Sequence[Decided]


def follow(live: LiveDecisions, candidate: Force, kept: Kept) -> list[ShadowStanding]:
    """Decide the same subjects by the candidate, from where it left them; or from where the version in force had them
    before, as if the candidate came into force then."""
    scheme = candidate.model.scheme
    read = {name: live.forces[name] for name in _read(candidate, live.forces)}
    groups: dict[int | None, list[int]] = {}
    for number, subject in enumerate(live.subjects):
        known = subject.subject_id in kept
        after = ALWAYS if subject.decided_at is None else subject.decided_at + 1
        groups.setdefault(None if known else max(candidate.since, after), []).append(number)
    found: list[ShadowStanding] = []
    for since, numbers in groups.items():
        # What comes into force later is of no account to the candidate.
        before = () if since is None else [force for force in live.forces.get(scheme, ()) if force.since < since]
        mine = candidate if since is None else replace(candidate, since=since)
        subjects = [_by_candidate(live.subjects[number], scheme, kept) for number in numbers]
        table = live.table if len(groups) == 1 else live.table.of_subjects(numbers)
        # Nothing is looked for ahead: a candidate is decided when the version in force is, and warns nobody.
        result = decide(subjects, table, {**read, scheme: (*before, mine)}, live.now, ahead=0)
        for number, decided in zip(numbers, result.decided, strict=True):
            subject_id = live.subjects[number].subject_id
            found += _compared(subject_id, candidate, live.decided[number], decided, live.now, kept.get(subject_id, {}))
    return found


def _read(candidate: Force, forces: Forces) -> set[str]:
    """Other schemes that deciding the candidate's needs, and what was in force before it."""
    found: set[str] = set()
    own = (candidate, *forces.get(candidate.model.scheme, ()))
    ahead = {name for force in own for name in force.model.reads_schemes}
    while ahead:
        scheme = ahead.pop()
        if scheme in forces and scheme not in found:
            found.add(scheme)
            ahead |= {name for force in forces[scheme] for name in force.model.reads_schemes}
    return found - {candidate.model.scheme}


def _by_candidate(subject: Subject, scheme: str, kept: Kept) -> Subject:
    """The subject as the candidate left it. Events are not wanted: they would never be recorded."""
    mine = kept.get(subject.subject_id)
    if mine is None:
        return replace(subject, commands=())
    schemes = {**subject.observation.schemes, scheme: {scope: one.body.observation for scope, one in mine.items()}}
    observation: Observation = msgspec.structs.replace(subject.observation, schemes=schemes)
    decided_at = min(one.decided_at for one in mine.values())
    return replace(subject, commands=(), observation=observation, decided_at=decided_at)


def _compared(
    subject_id: UUID, candidate: Force, live: Decided, shadow: Decided, now: int, kept: Mapping[str, ShadowStanding]
) -> list[ShadowStanding]:
    """A tier that the candidate's mapping calls otherwise is the same one, and moves nobody."""
    found = []
    scheme, mapping = candidate.model.scheme, candidate.migration.mapping
    standing = live.observation.schemes.get(scheme, {})
    for scope, seen in shadow.observation.schemes.get(scheme, {}).items():
        if scope not in standing:
            continue
        before = kept.get(scope)
        mine, theirs = _of(live.events, scheme, scope), _of(shadow.events, scheme, scope)
        live_tier, shadow_tier = standing[scope].standing.tier, seen.standing.tier
        moves, shadow_moves = _moves(mine), _moves(theirs)
        apart = None
        if mapping.get(live_tier, live_tier) != shadow_tier:
            since = max((event.effective_at for event in (*moves, *shadow_moves)), default=now - 1)
            apart = before.apart_since if before is not None and before.apart_since is not None else since
        found.append(
            ShadowStanding(
                subject_id,
                scope,
                now - 1,
                live_tier,
                shadow_tier,
                apart,
                (before.live_moves if before else 0) + len(moves),
                (before.shadow_moves if before else 0) + len(shadow_moves),
                ShadowBody(
                    seen,
                    _last_receipt(mine) or (before.body.live if before else None),
                    _last_receipt(theirs) or (before.body.shadow if before else None),
                ),
            )
        )
    return found


def _of(events: Sequence[NewEvent], scheme: str, scope: str) -> list[NewEvent]:
    return [event for event in events if (event.scheme, event.scope) == (scheme, scope) and "receipt" in event.data]


def _moves(events: Sequence[NewEvent]) -> list[NewEvent]:
    return [event for event in events if event.topic == _CHANGED and not event.data.get("keeps_since")]


def _last_receipt(events: Sequence[NewEvent]) -> Receipt | None:
    return events[-1].data["receipt"] if events else None
