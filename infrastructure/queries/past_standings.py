"""A scheme's standings as of any instant, by what was recorded until any other: the log's transitions, folded there.

A standing at T known at K is the last transition with effective_at <= T among those with recorded_at <= K.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import Connection

from application.queries import Flow
from domain.user_tier.events import TierChanged

_KNOWN = """
scheme = %(scheme)s and topic = %(topic)s and recorded_at <= %(known_at)s
and (%(scope)s::text is null or scope = %(scope)s)
"""
# A subject that was merged into another stands nowhere by itself from then on, for who knew of it by then.
_MERGED = (
    "select subject_id from timelines where merged_into is not null and merged_at <= %(known_at)s and merged_at <="
)
_SIZES = f"""
select to_tier, count(*) from (
    select distinct on (originator_id, scope) to_tier from events
    where {_KNOWN} and effective_at <= %(as_of)s and originator_id not in ({_MERGED} %(as_of)s)
    order by originator_id, scope, effective_at desc, originator_version desc
) standing group by to_tier
"""
# One statement, so that both are of one snapshot.
_FLOWS = f"""
with known as materialized (
    select originator_id, scope, originator_version, from_tier, to_tier, effective_at from events
    where {_KNOWN} and effective_at <= %(until)s
), standing as (
    select (array_agg(to_tier order by effective_at desc, originator_version desc)
                filter (where effective_at <= %(since)s))[1] as before,
           (array_agg(to_tier order by effective_at desc, originator_version desc))[1] as after
    from known where originator_id not in ({_MERGED} %(until)s) group by originator_id, scope
)
select true, before, after, count(*) from standing group by before, after
union all
select false, from_tier, to_tier, count(*) from known where effective_at > %(since)s group by from_tier, to_tier
"""


def sizes(connection: Connection, scheme: str, scope: str | None, as_of: int, known_at: int) -> dict[str, int]:
    """Standings per tier. scope None: over all scopes."""
    return dict(connection.execute(_SIZES, _terms(scheme, scope, as_of=as_of, known_at=known_at)).fetchall())


def flows_and_moves(
    connection: Connection, scheme: str, scope: str | None, since: int, until: int, known_at: int
) -> tuple[list[Flow], list[Flow]]:
    """Where who stood at `since` stands at `until`; and every move in between."""
    terms = _terms(scheme, scope, since=since, until=until, known_at=known_at)
    found: dict[bool, list[Flow]] = {True: [], False: []}
    for is_flow, before, after, count in connection.execute(_FLOWS, terms).fetchall():
        found[is_flow].append(Flow(before, after, count))
    return found[True], found[False]


def in_order(flows: Iterable[Flow], tiers: Sequence[str]) -> list[Flow]:
    """By the order of the tiers there are, those of former versions after them by name; from nothing first."""
    rank = {tier: (0, str(number).zfill(6)) for number, tier in enumerate(tiers)}

    def place(tier: str | None) -> tuple[int, str]:
        return (-1, "") if tier is None else rank.get(tier, (1, tier))

    return sorted(flows, key=lambda flow: (place(flow.from_tier), place(flow.to_tier)))


def _terms(scheme: str, scope: str | None, **instants: int) -> dict[str, Any]:
    return {"scheme": scheme, "scope": scope, "topic": TierChanged.TOPIC, **instants}
