"""What a bulk grant would do now: counted exactly while it is small, else on members taken at random."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.bulk_grants.terms import BulkTerms
from domain.facts.instants import format_instant
from domain.refusal import Refusal
from infrastructure.benefits.bulk_members import AnotherVersion, Members, read_members
from infrastructure.security.keyring import Keyring

EXACT_UP_TO = 20_000
_AT_ONCE = 1_000
_SAMPLE, _OF_SKIPPED = 20, 10
# Subject ids are random: the first of them are a random choice.
_FIRST = "select subject_id from bulk_grant_members where run_id = %s order by subject_id limit %s"
_ACCOUNTS = "select account, allowed - reserved - spent from accounts where account = any(%s)"


@dataclass(slots=True)
class _Seen:
    """What was counted. getting, skipped: the first of each, as shown."""

    looked_at: int = 0
    gets: int = 0
    undecided: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    getting: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    last: Members | None = None


def previewed(
    connection: Connection, keyring: Keyring, run_id: UUID, terms: BulkTerms, people: int
) -> tuple[dict[str, Any], str]:
    """The preview, and why it could not be started now ('' if it could)."""
    ids = [row[0] for row in connection.execute(_FIRST, (run_id, EXACT_UP_TO)).fetchall()]
    seen = _Seen()
    try:
        for first in range(0, len(ids), _AT_ONCE):
            chunk = ids[first : first + _AT_ONCE]
            _count(seen, read_members(connection, keyring, terms, chunk, lock=False), len(chunk))
    except (Refusal, AnotherVersion) as refusal:
        return {"people": people, "most_cost": terms.cost_of(people), "currency": terms.currency}, str(refusal)
    return _told(connection, terms, people, seen), ""


def _count(seen: _Seen, members: Members, looked_at: int) -> None:
    seen.last = members
    seen.looked_at += looked_at
    seen.gets += len(members.getting)
    seen.undecided += len(members.undecided)
    seen.reasons.update(reason for _, reason, _ in members.skips)
    seen.getting += [
        {"subject": holder.subject_id.hex, "gets": True, "reason": "", "about": "", "tiers": tiers}
        for holder, tiers in members.getting[: _SAMPLE - len(seen.getting)]
    ]
    seen.skipped += [
        {"subject": subject_id.hex, "gets": False, "reason": reason, "about": about, "tiers": {}}
        for subject_id, reason, about in members.skips[: _SAMPLE - len(seen.skipped)]
    ]


def _told(connection: Connection, terms: BulkTerms, people: int, seen: _Seen) -> dict[str, Any]:
    def of_all(found: int) -> int:
        return round(found * people / seen.looked_at) if seen.looked_at else 0

    assert seen.last is not None
    gets, undecided = of_all(seen.gets), of_all(seen.undecided)
    accounts = _accounts(connection, seen.last, gets + undecided)
    skipped = seen.skipped[: max(_OF_SKIPPED, _SAMPLE - len(seen.getting))]
    return {
        "people": people,
        "counted": "exact" if seen.looked_at == people else "sampled",
        "looked_at": seen.looked_at,
        "gets": gets,
        "undecided": undecided,
        "skipped": {reason: of_all(count) for reason, count in seen.reasons.most_common()},
        "cost": terms.cost_of(gets + undecided),
        "most_cost": terms.cost_of(people),
        "currency": terms.currency,
        "accounts": accounts,
        "suffices": all(account["suffices"] for account in accounts),
        "sample": [*skipped, *seen.getting[: _SAMPLE - len(skipped)]],
        "as_of": format_instant(seen.last.at.now),
    }


def _accounts(connection: Connection, members: Members, gets: int) -> list[dict[str, Any]]:
    """Of each account what is left and what would be needed: minor units of a budget, units of a stock."""
    names: Sequence[str] = [name for name, _ in members.shared.charges]
    left: dict[str, int] = dict(connection.execute(_ACCOUNTS, (list(names),)).fetchall())
    found = []
    for name, amount in members.shared.charges:
        there = left.get(name, members.shared.periods.get(name, 0))
        found.append({"account": name, "left": there, "needed": amount * gets, "suffices": there >= amount * gets})
    return found
