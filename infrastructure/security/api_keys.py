"""API keys: made, listed, revoked and recognised. Only a hash of each secret is stored."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from application.access import (
    LONGEST_KEY_NAME,
    KeyNameInvalid,
    KeyTooShort,
    KeyUnknown,
    Principal,
    Role,
    RoleUnknown,
)
from infrastructure.postgres.pool import Pool

_KEY_ID_BYTES = 6
_SECRET_BYTES = 32
_REMEMBER_SECONDS = 3.0  # a revoked key works this long at most
_REMEMBERED = 10_000
_ADMIN_KEY_MINIMUM = 16
_ADMIN = Principal("admin", "TIERLINE_ADMIN_KEY", Role.ADMIN)


@dataclass(frozen=True)
class ApiKey:
    """A key as it may be shown: everything but the secret."""

    key_id: str
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


class ApiKeys:
    """The keys of one installation. Recognised tokens are remembered for a few seconds. Safe for threads."""

    def __init__(self, pool: Pool, admin_key: str | None = None) -> None:
        """admin_key: a token of the operator's own choosing, at least 16 characters; raises KeyTooShort."""
        if admin_key is not None and len(admin_key) < _ADMIN_KEY_MINIMUM:
            raise KeyTooShort(_ADMIN_KEY_MINIMUM)
        self._pool = pool
        self._admin_digest = None if admin_key is None else _digest(admin_key)
        self._remembered: dict[bytes, tuple[float, Principal]] = {}

    def recall(self, token: str) -> Principal | None:
        """Whom the token names, from memory only: never waits. None: ask `recognise`."""
        digest = _digest(token)
        if self._admin_digest is not None and hmac.compare_digest(digest, self._admin_digest):
            return _ADMIN
        remembered = self._remembered.get(digest)
        if remembered is None or remembered[0] < time.monotonic():
            return None
        return remembered[1]

    def recognise(self, token: str) -> Principal | None:
        """Whom the token names; None for a token that is unknown, malformed or revoked."""
        remembered = self.recall(token)
        if remembered is not None:
            return remembered
        principal = self._look_up(token)
        if principal is not None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[_digest(token)] = (time.monotonic() + _REMEMBER_SECONDS, principal)
        return principal

    def create(self, name: str, role: str) -> tuple[ApiKey, str]:
        """A new key and its token, which is shown this once. Raises RoleUnknown, KeyNameInvalid."""
        if role not in set(Role):
            raise RoleUnknown(role)
        if not name.strip() or len(name) > LONGEST_KEY_NAME:
            raise KeyNameInvalid(name)
        with self._pool.connection() as connection:
            return _insert(connection, name, Role(role))

    def create_first_admin(self) -> str | None:
        """The token of a first admin key; None when there is an admin key already."""
        with self._pool.connection() as connection:
            connection.execute("lock table api_keys in share row exclusive mode")
            admins = connection.execute("select 1 from api_keys where role = %s and revoked_at is null", (Role.ADMIN,))
            if self._admin_digest is not None or admins.fetchone() is not None:
                return None
            return _insert(connection, "first admin", Role.ADMIN)[1]

    def all_keys(self) -> list[ApiKey]:
        """All keys, oldest first, revoked ones too."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "select key_id, name, role, created_at, revoked_at from api_keys order by created_at, key_id"
            ).fetchall()
        return [ApiKey(key_id, name, Role(role), created, revoked) for key_id, name, role, created, revoked in rows]

    def revoke(self, key_id: str) -> None:
        """Stop a key from working, within a few seconds everywhere. Raises KeyUnknown. Twice is once."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "update api_keys set revoked_at = coalesce(revoked_at, now()) where key_id = %s returning key_id",
                (key_id,),
            ).fetchone()
        if row is None:
            raise KeyUnknown(key_id)
        self._remembered.clear()

    def _look_up(self, token: str) -> Principal | None:
        mark, _, rest = token.partition("_")
        key_id, _, secret = rest.partition("_")
        if mark != "tl" or not key_id or not secret or "\0" in key_id:
            return None
        with self._pool.connection() as connection:
            row = connection.execute(
                "select name, role, secret_hash from api_keys where key_id = %s and revoked_at is null", (key_id,)
            ).fetchone()
        if row is None or not hmac.compare_digest(bytes(row[2]), _digest(secret)):
            return None
        return Principal(key_id, row[0], Role(row[1]))


def _insert(connection: Connection, name: str, role: Role) -> tuple[ApiKey, str]:
    key_id, secret = secrets.token_hex(_KEY_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    row = connection.execute(
        "insert into api_keys (key_id, name, role, secret_hash) values (%s, %s, %s, %s) returning created_at",
        (key_id, name, role, _digest(secret)),
    ).fetchone()
    assert row is not None
    return ApiKey(key_id, name, role, row[0], None), f"tl_{key_id}_{secret}"


def _digest(secret: str) -> bytes:
    # A plain hash is enough for 256 random bits; the operator's own admin key is never stored.
    return hashlib.sha256(secret.encode()).digest()
