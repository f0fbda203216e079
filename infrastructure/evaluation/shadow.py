"""Shadow runs: after a live decision is committed, what the candidates make of it. They never hold it up or undo it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog
from psycopg import Connection

from domain.user_tier.shadow import LiveDecisions, ShadowBody, ShadowStanding, follow
from infrastructure.postgres.arrays import bigints, byteas, columns_of, integers, texts, uuids
from infrastructure.security.seal import Seal
from infrastructure.tier_models.in_force import Activation

_log = structlog.get_logger(__name__)

COLUMNS = "subject_id, scope, decided_at, live_tier, shadow_tier, apart_since, live_moves, shadow_moves, body"
# Held until the standings are written: another candidate of the scheme begins with nobody once they are.
_RUNNING = "select from shadows where scheme = %b and version = %b and started_at = %b and running for share"
_KEPT = f"select {COLUMNS} from shadow_standings where scheme = %b and subject_id = any(%b::uuid[])"
# Of two who decided the subject one after the other, who comes last to this is not always who decided last.
_WRITE = """
insert into shadow_standings as s (scheme, subject_id, scope, decided_at, live_tier, shadow_tier, apart_since,
                                   live_moves, shadow_moves, body)
select %b::text, v.* from unnest(%b::uuid[], %b::text[], %b::bigint[], %b::text[], %b::text[], %b::bigint[],
                                 %b::integer[], %b::integer[], %b::bytea[]) v (subject_id)
join subjects using (subject_id) join timelines t using (subject_id) where t.merged_into is null
on conflict (scheme, subject_id, scope) do update set decided_at = excluded.decided_at,
    live_tier = excluded.live_tier, shadow_tier = excluded.shadow_tier, apart_since = excluded.apart_since,
    live_moves = excluded.live_moves, shadow_moves = excluded.shadow_moves, body = excluded.body
where s.decided_at < excluded.decided_at
"""
_FAULT = """
update shadows set running = false, fault = %s, change = nextval('generations')
where scheme = %s and version = %s and running
"""
_ROW = (uuids, texts, bigints, texts, texts, bigints, integers, integers, byteas)
CONTEXT_SHADOW = b"shadow"
_ENCODER, _DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(ShadowBody)


def follow_shadows(
    connection: Connection, shadows: Sequence[Activation], live: LiveDecisions, seals: dict[UUID, Seal]
) -> None:
    """Decide the same subjects by every candidate that still runs and keep where they stand, in a transaction of its
    own. A candidate that cannot be decided is ended, and says why."""
    for shadow in shadows:
        try:
            _follow(connection, shadow, live, seals)
            connection.commit()
        except Exception as error:
            connection.rollback()
            scheme, version, why = shadow.model.scheme, shadow.model.version, f"{type(error).__name__}: {error}"
            _log.error("shadow_ended", scheme=scheme, version=version, error=why)
            connection.execute(_FAULT, (why[:2_000], scheme, version))
            connection.commit()


def _follow(connection: Connection, shadow: Activation, live: LiveDecisions, seals: dict[UUID, Seal]) -> None:
    scheme = shadow.model.scheme
    running = connection.execute(_RUNNING, (scheme, shadow.model.version, shadow.activated_at), binary=True)
    if running.fetchone() is None:
        return
    ids = [subject.subject_id for subject in live.subjects if subject.subject_id in seals]
    kept: dict[UUID, dict[str, ShadowStanding]] = {}
    for row in connection.execute(_KEPT, (scheme, uuids(ids)), binary=True):
        standing = standing_of(row, seals[row[0]])
        kept.setdefault(standing.subject_id, {})[standing.scope] = standing
    standings = [one for one in follow(live, shadow.force, kept) if one.subject_id in seals]
    if standings:
        connection.execute(_WRITE, (scheme, *_columns(standings, seals)), binary=True)


def standing_of(row: tuple[Any, ...], seal: Seal) -> ShadowStanding:
    """Of a row of COLUMNS."""
    body = _DECODER.decode(seal.unseal(CONTEXT_SHADOW, row[-1]))
    subject_id, scope, decided_at, live, shadow, apart, live_moves, shadow_moves = row[:-1]
    return ShadowStanding(subject_id, scope, decided_at, live, shadow, apart, live_moves, shadow_moves, body)


def _columns(standings: Sequence[ShadowStanding], seals: dict[UUID, Seal]) -> list[Any]:
    rows = [
        (
            one.subject_id,
            one.scope,
            one.decided_at,
            one.live_tier,
            one.shadow_tier,
            one.apart_since,
            one.live_moves,
            one.shadow_moves,
            seals[one.subject_id].seal(CONTEXT_SHADOW, _ENCODER.encode(one.body)),
        )
        for one in standings
    ]
    return columns_of(rows, _ROW)
