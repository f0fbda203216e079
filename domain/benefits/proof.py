"""Holds what is kept of grants, and what accounts have promised and spent, against the events. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from domain.benefits.grant import EXPIRED, REDEEMED, MoveName
from domain.benefits.granting import GRANTED
from domain.benefits.kept import KeptAccount, KeptGrant, KeptMove, ToldEvent

Problem = Literal[
    "unreadable-event",
    "miscounted-event",
    "grant-without-event",
    "event-without-grant",
    "granted-twice",
    "grant-amounts-differ",
    "grant-state-differs",
    "grant-terms-differ",
    "grant-charged-otherwise",
    "move-without-event",
    "event-without-move",
    "move-differs",
    "more-than-granted",
    "redeemed-after-end",
    "released-after-end",
    "account-differs",
    "account-overspent",
    "account-allows-otherwise",
    "account-missing",
    "account-of-nothing",
]
PROBLEMS: tuple[Problem, ...] = get_args(Problem)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as the events say. recorded, expected: as far as there are any. subject: empty of an
    account, which recorded and expected name."""

    problem: Problem
    subject: str
    grant_id: str | None
    event_id: str | None
    recorded: dict[str, Any] | None
    expected: dict[str, Any] | None


_GROUPS: dict[Problem, tuple[str, ...]] = {
    "grant-amounts-differ": ("units", "redeemed", "released", "reclaimed", "times", "moves"),
    "grant-state-differs": ("status", "granted_at", "expires_at", "ended_at"),
    "grant-charged-otherwise": ("accounts",),
    "grant-terms-differ": (
        "benefit",
        "benefit_version",
        "kind",
        "unit_cost",
        "currency",
        "tiers",
        "cause",
        "campaign",
        "strategy",
        "assignment_id",
        "run_id",
        "order_key",
    ),
}


def findings_of(
    subject: str, grants: Mapping[str, KeptGrant], moves: Sequence[KeptMove], events: Sequence[ToldEvent]
) -> list[Finding]:
    """What is kept of one subject against its events, in their order."""
    folded = _Folded(subject)
    for event in events:
        folded.take(event)
    found = folded.findings
    for grant_id in sorted(grants.keys() | folded.grants.keys()):
        mine, should = grants.get(grant_id), folded.grants.get(grant_id)
        if should is None:
            assert mine is not None
            found.append(Finding("grant-without-event", subject, grant_id, None, _plain(mine), None))
        elif mine is None:
            event_id = folded.granted_by[grant_id]
            found.append(Finding("event-without-grant", subject, grant_id, event_id, None, _plain(should)))
        else:
            found += _differences(subject, mine, should)
    found += _moves(subject, moves, folded)
    return found


def account_findings(accounts: Sequence[KeptAccount]) -> Iterator[Finding]:
    """What accounts say against the sums over grants."""
    for one in accounts:
        told = {"account": one.account}
        should = told | {"reserved": one.reserved, "spent": one.spent}
        if one.state is None:
            yield Finding("account-missing", "", None, None, None, should)
            continue
        allowed, reserved, spent = one.state
        mine = told | {"allowed": allowed, "reserved": reserved, "spent": spent}
        if not one.known:
            yield Finding("account-of-nothing", "", None, None, mine, None)
        if (reserved, spent) != (one.reserved, one.spent):
            yield Finding("account-differs", "", None, None, mine, should)
        if max(reserved + spent, one.reserved + one.spent) > allowed:
            yield Finding("account-overspent", "", None, None, mine, should)
        if one.should_allow is not None and one.should_allow != allowed:
            yield Finding("account-allows-otherwise", "", None, None, mine, told | {"allowed": one.should_allow})


class _Folded:
    """The grants and moves that events lead to, and what is wrong with the events themselves."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.grants: dict[str, KeptGrant] = {}
        self.granted_by: dict[str, str] = {}
        self.moves: dict[tuple[str, int], tuple[KeptMove, str]] = {}
        self.findings: list[Finding] = []

    def take(self, event: ToldEvent) -> None:
        if event.data is None:
            self._note("unreadable-event", None, event, {"topic": event.topic, "at": event.at})
        elif event.topic == GRANTED:
            self._grant(event, event.data)
        else:
            self._move(event, event.data)

    def _grant(self, event: ToldEvent, data: dict[str, Any]) -> None:
        grant_id, units = data["grant_id"], data["units"]
        if grant_id in self.grants:
            self._note("granted-twice", grant_id, event, data)
            return
        unit_cost, rest = divmod(data["cost"], units)
        if rest:
            self._note("miscounted-event", grant_id, event, data)
        self.granted_by[grant_id] = event.event_id
        self.grants[grant_id] = KeptGrant(
            grant_id=grant_id,
            unit_cost=unit_cost,
            accounts=event.accounts,
            order_key=event.order_key,
            granted_at=event.at,
            **{name: data[name] for name in _TOLD},
        )

    def _move(self, event: ToldEvent, data: dict[str, Any]) -> None:
        grant = self.grants.get(data["grant_id"])
        if grant is None:
            self._note("event-without-grant", data["grant_id"], event, data)
            return
        self._hold_to_rules(grant, event, data)
        units, reclaimed, clawback = data["units"], data.get("reclaimed", 0), data.get("clawback", False)
        name: MoveName
        if event.topic == REDEEMED:
            name, changed = "redeemed", {"redeemed": grant.redeemed + units, "times": grant.times + 1}
        else:
            name = "expired" if event.topic == EXPIRED else "clawed-back" if clawback else "revoked"
            changed = {"released": grant.released + units, "reclaimed": grant.reclaimed + reclaimed}
        after = msgspec.structs.replace(grant, **changed)
        if units and grant.status == "open" and (name != "redeemed" or after.left <= 0):
            after = msgspec.structs.replace(after, status=name, ended_at=event.at)
        parts: tuple[tuple[MoveName, int], ...] = ((name, units), ("reclaimed", reclaimed))
        for part, amount in parts:
            if amount:
                number = after.moves + 1
                key = event.order_key if part == "redeemed" else None
                row = KeptMove(grant.grant_id, number, part, amount, amount * grant.unit_cost, event.at, key)
                self.moves[grant.grant_id, number] = row, event.event_id
                after = msgspec.structs.replace(after, moves=number)
        self.grants[grant.grant_id] = after

    def _hold_to_rules(self, grant: KeptGrant, event: ToldEvent, data: dict[str, Any]) -> None:
        if data["cost"] != data["units"] * grant.unit_cost:
            self._note("miscounted-event", grant.grant_id, event, data)
        if data["units"] > grant.left or data.get("reclaimed", 0) > grant.redeemed - grant.reclaimed:
            self._note("more-than-granted", grant.grant_id, event, data)
        if not data["units"]:
            return
        over = grant.expires_at is not None and event.at >= grant.expires_at
        if event.topic == REDEEMED and (over or grant.status != "open"):
            self._note("redeemed-after-end", grant.grant_id, event, data)
        elif event.topic != REDEEMED and grant.status != "open":
            self._note("released-after-end", grant.grant_id, event, data)

    def _note(self, problem: Problem, grant_id: str | None, event: ToldEvent, recorded: dict[str, Any]) -> None:
        self.findings.append(Finding(problem, self.subject, grant_id, event.event_id, recorded, None))


_TOLD = (
    "benefit",
    "kind",
    "units",
    "currency",
    "expires_at",
    "tiers",
    "cause",
    "campaign",
    "strategy",
    "assignment_id",
    "run_id",
    "benefit_version",
)


def _differences(subject: str, mine: KeptGrant, should: KeptGrant) -> Iterator[Finding]:
    if mine == should:
        return
    recorded, expected = _plain(mine), _plain(should)
    for problem, fields in _GROUPS.items():
        wrong = [name for name in fields if recorded[name] != expected[name]]
        if wrong:
            says = [{name: side[name] for name in wrong} for side in (recorded, expected)]
            yield Finding(problem, subject, mine.grant_id, None, *says)


def _moves(subject: str, moves: Sequence[KeptMove], folded: _Folded) -> Iterator[Finding]:
    there = {(move.grant_id, move.number): move for move in moves}
    for place in sorted(there.keys() | folded.moves.keys()):
        mine, (should, event_id) = there.get(place), folded.moves.get(place, (None, None))
        if mine is not None and should is None:
            yield Finding("move-without-event", subject, place[0], None, _plain(mine), None)
        elif mine is None and should is not None:
            yield Finding("event-without-move", subject, place[0], event_id, None, _plain(should))
        elif mine is not None and should is not None and not _alike(mine, should):
            yield Finding("move-differs", subject, place[0], event_id, _plain(mine), _plain(should))


def _alike(mine: KeptMove, should: KeptMove) -> bool:
    """An order stands beside redemptions alone."""
    if should.move != "redeemed":
        mine = msgspec.structs.replace(mine, order_key=None)
    return mine == should


def _plain(row: KeptGrant | KeptMove) -> dict[str, Any]:
    """For a finding: what is JSON and msgpack alike."""
    told = msgspec.structs.asdict(row)
    told["order_key"] = None if row.order_key is None else row.order_key.hex()
    if isinstance(row, KeptGrant):
        told["accounts"] = sorted(row.accounts)
    return told
