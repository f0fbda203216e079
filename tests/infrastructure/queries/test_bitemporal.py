"""Standings, sizes and flows as of any instant, as known at any other: held against a plain fold over the events."""

from collections import Counter
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from application.queries import Flow, InstantAhead, PeriodBackwards, SchemeWithoutScopes, UnknownScheme
from domain.user_tier.decisions import NewEvent
from domain.user_tier.events import TierChanged
from infrastructure.event_store.append import AppendBatch, append
from infrastructure.event_store.rows import seal_event
from infrastructure.postgres.pool import open_pool, transaction
from infrastructure.queries.ledger import PostgresLedgerQueries
from tests.infrastructure.event_store.world import World

TIERS = ("low", "mid", "high")
INSTANTS = st.integers(1, 9)  # few, so that they often coincide
SCOPES = ("", "m-1")
_NUMBERS = count()


@pytest.fixture
def world(database: str) -> Any:
    with open_pool(database, 1, 4, name="test") as pool:
        yield World(database, pool)


@dataclass(frozen=True)
class Moved:
    """A transition of one user's, in the order of their stream."""

    user: int
    scope: str
    to_tier: str
    effective_at: int
    recorded_at: int


HISTORIES = st.lists(
    st.builds(Moved, st.integers(0, 2), st.sampled_from(SCOPES), st.sampled_from(TIERS), INSTANTS, INSTANTS),
    max_size=14,
)


def fold(events: list[Moved], as_of: int, known_at: int) -> dict[tuple[int, str], Moved]:
    """The last transition of everybody, by instant and then by its place in the stream."""
    standing: dict[tuple[int, str], Moved] = {}
    for event in events:
        place = (event.user, event.scope)
        before = standing.get(place)
        seen = event.effective_at <= as_of and event.recorded_at <= known_at
        if seen and (before is None or event.effective_at >= before.effective_at):
            standing[place] = event
    return standing


def written(world: World, events: list[Moved]) -> tuple[str, list[str]]:
    """A scheme of its own with these in the log; its name, and the users'."""
    number = next(_NUMBERS)
    scheme, users = f"s{number}", [f"u{number}-{user}" for user in range(3)]
    refs = world.enrol(*users)
    told: Counter[int] = Counter()
    stood: dict[tuple[int, str], str] = {}
    rows = []
    for event in events:
        ref = refs[event.user]
        told[event.user] += 1
        place = (event.user, event.scope)
        new = NewEvent(
            ref.subject_id, told[event.user], TierChanged.TOPIC, scheme, event.scope, stood.get(place), event.to_tier,
            event.effective_at, "evaluator", "", "", {"cause": "evaluation", "receipt": {}},
        )  # fmt: skip
        stood[place] = event.to_tier
        rows.append(seal_event(new, ref.seal, recorded_at=event.recorded_at))
    with transaction(world.pool) as connection:
        connection.execute(
            "insert into tier_models (scheme, version, status, spec, content_hash, created_at, created_by)"
            " values (%s, 1, 'active', %s, '', 0, 'test')",
            (scheme, Jsonb({"tiers": TIERS, "per": "merchant_id"})),
        )
        append(connection, AppendBatch(rows))
    return scheme, users


@given(HISTORIES, INSTANTS, INSTANTS, INSTANTS, st.sampled_from((None, *SCOPES[1:])))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_answer_is_the_plain_fold(
    world: World, events: list[Moved], one: int, other: int, known_at: int, scope: str | None
) -> None:
    scheme, users = written(world, events)
    queries = PostgresLedgerQueries(world.pool, world.keyring)
    asked = [event for event in events if scope in (None, event.scope)]
    since, until = sorted((one, other))
    before, after = fold(asked, since, known_at), fold(asked, until, known_at)

    found = queries.distribution(scheme, until, scope, known_at)
    sizes = Counter(event.to_tier for event in after.values())
    assert dict(found.tiers) == {tier: sizes[tier] for tier in TIERS}
    assert (found.as_of, found.known_at) == (until, known_at)

    for user, user_id in enumerate(users):
        past = queries.user_tiers(user_id, until, known_at)
        told = {("", scheme, at.tier, at.since) for scheme, at in past.standings.items()}
        told |= {(name, on, at.tier, at.since) for on, named in past.scopes.items() for name, at in named.items()}
        everywhere = fold(events, until, known_at)
        mine = {place: event for place, event in everywhere.items() if place[0] == user}
        assert told == {(place[1], scheme, event.to_tier, event.effective_at) for place, event in mine.items()}

    if since == until:
        with pytest.raises(PeriodBackwards):
            queries.flows(scheme, since, until, scope, known_at)
        return
    flows = queries.flows(scheme, since, until, scope, known_at)
    went: Counter[tuple[str | None, str]] = Counter()
    for place, event in after.items():
        went[before[place].to_tier if place in before else None, event.to_tier] += 1
    assert {(flow.from_tier, flow.to_tier): flow.count for flow in flows.flows} == went
    moved = [e for e in asked if since < e.effective_at <= until and e.recorded_at <= known_at]
    assert sum(move.count for move in flows.moves) == len(moved)
    assert Counter(move.to_tier for move in flows.moves for _ in range(move.count)) == Counter(e.to_tier for e in moved)


def test_flows_stand_in_the_order_of_the_tiers(world: World) -> None:
    events = [
        Moved(0, "", "high", 1, 1),
        Moved(1, "", "old", 1, 1),
        Moved(0, "", "low", 5, 5),
        Moved(1, "", "mid", 5, 5),
        Moved(2, "", "low", 5, 6),
    ]
    scheme, _ = written(world, events)
    queries = PostgresLedgerQueries(world.pool, world.keyring)
    found = queries.flows(scheme, 1, 9)
    assert found.flows == [Flow(None, "low", 1), Flow("high", "low", 1), Flow("old", "mid", 1)]
    assert found.moves == found.flows
    assert queries.flows(scheme, 1, 9, known_at=5).flows == found.flows[1:], "the third was not known yet"
    assert queries.flows(scheme, 5, 9).flows == [Flow("low", "low", 2), Flow("mid", "mid", 1)]
    assert queries.flows(scheme, 5, 9).moves == []


def test_what_cannot_be_asked(world: World) -> None:
    scheme, _ = written(world, [Moved(0, "", "low", 1, 1)])
    queries = PostgresLedgerQueries(world.pool, world.keyring)
    ahead = 10**16  # in the year 2286
    with pytest.raises(UnknownScheme):
        queries.flows("nope", 1, 2)
    for instants, field in (((ahead, None, None), "from"), ((1, ahead, None), "to"), ((1, 2, ahead), "known_at")):
        with pytest.raises(InstantAhead) as refused:
            queries.flows(scheme, instants[0], instants[1], None, instants[2])
        assert refused.value.complaints[0].field == field
    with pytest.raises(InstantAhead):
        queries.distribution(scheme, 1, None, ahead)
    with transaction(world.pool) as connection:
        connection.execute("update tier_models set spec = spec - 'per' where scheme = %s", (scheme,))
    with pytest.raises(SchemeWithoutScopes):
        queries.flows(scheme, 1, 2, "m-1")
