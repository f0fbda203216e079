"""How candidates compare, out of Postgres."""

import base64
import binascii
import struct
from uuid import UUID

from psycopg import Connection

from application.queries import CursorInvalid
from application.shadow.ports import Difference, Differences, ShadowStatus
from infrastructure.evaluation.shadow import COLUMNS, standing_of
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring

_STATUS = "select version, running, fault, started_at, migration from shadows where scheme = %s"
_TIERS = """
select live_tier, shadow_tier, count(*), sum(live_moves)::bigint, sum(shadow_moves)::bigint from shadow_standings
where scheme = %s group by 1, 2 order by 1, 2
"""
_APART = f"""
select {COLUMNS} from shadow_standings
where scheme = %(scheme)s and apart_since is not null
  and (%(live)s::text is null or live_tier = %(live)s) and (%(shadow)s::text is null or shadow_tier = %(shadow)s)
  and (%(apart)s::bigint is null or apart_since < %(apart)s
       or (apart_since = %(apart)s and (subject_id, scope) > (%(subject)s::uuid, %(scope)s::text)))
order by apart_since desc, subject_id, scope limit %(size)s
"""
_NAMES = "select subject_id, min(user_id) from user_ids where subject_id = any(%s) group by 1"
_MARK = struct.Struct(">q16s")


class PostgresShadowQueries:
    """Fulfils ShadowQueries."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring

    def status(self, scheme: str) -> ShadowStatus | None:
        """See ShadowQueries."""
        with transaction(self._pool) as connection:
            row = connection.execute(_STATUS, (scheme,)).fetchone()
            if row is None:
                return None
            tiers = connection.execute(_TIERS, (scheme,)).fetchall()
        version, running, fault, started_at, migration = row
        named = migration.get("mapping", {})
        return ShadowStatus(
            scheme=scheme,
            version=version,
            running=running,
            fault=fault,
            started_at=started_at,
            migration=migration,
            standings=sum(count for _, _, count, _, _ in tiers),
            apart=sum(count for live, shadow, count, _, _ in tiers if named.get(live, live) != shadow),
            tiers={(live, shadow): count for live, shadow, count, _, _ in tiers},
            live_moves=sum(moves for _, _, _, moves, _ in tiers),
            shadow_moves=sum(moves for _, _, _, _, moves in tiers),
        )

    def differences(
        self, scheme: str, live_tier: str | None, shadow_tier: str | None, size: int, cursor: str | None
    ) -> Differences:
        """See ShadowQueries."""
        apart, subject, scope = _open(cursor)
        named = {"scheme": scheme, "live": live_tier, "shadow": shadow_tier, "size": size}
        place = {"apart": apart, "subject": subject, "scope": scope}
        with transaction(self._pool) as connection:
            rows = connection.execute(_APART, named | place, binary=True).fetchall()
            found = self._differences(connection, rows)
        last = rows[-1] if len(rows) == size else None
        return Differences(found, None if last is None else _seal(last[5], last[0], last[1]))

    def _differences(self, connection: Connection, rows: list[tuple[object, ...]]) -> list[Difference]:
        ids = [UUID(str(row[0])) for row in rows]
        seals = self._keyring.seals(connection, ids)
        names: dict[UUID, str] = dict(connection.execute(_NAMES, (ids,)).fetchall())
        found = []
        for row, subject_id in zip(rows, ids, strict=True):
            if subject_id not in seals or subject_id not in names:
                continue
            one = standing_of(row, seals[subject_id])
            told = (one.scope, one.live_tier, one.shadow_tier, one.apart_since or 0)
            body = one.body
            found.append(Difference(names[subject_id], *told, body.observation.features, body.live, body.shadow))
        return found


def _seal(apart: int, subject_id: UUID, scope: str) -> str:
    return base64.urlsafe_b64encode(_MARK.pack(apart, subject_id.bytes) + scope.encode()).decode().rstrip("=")


def _open(cursor: str | None) -> tuple[int | None, UUID | None, str]:
    if cursor is None:
        return None, None, ""
    try:
        mark = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        apart, subject = _MARK.unpack(mark[: _MARK.size])
        return apart, UUID(bytes=subject), mark[_MARK.size :].decode()
    except (binascii.Error, struct.error, ValueError):
        raise CursorInvalid(cursor) from None
