"""Brings a database to the schema of this code: numbered SQL files, each applied once, in its own transaction."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import psycopg

from infrastructure.postgres.faults import DatabaseNewerThanCode, MigrationChanged

_FOLDER = Path(__file__).parent / "migrations"
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK = (7305, 0)  # the ledger has further ones: (7305, 1) is the order lock
_LOCK_TIMEOUT_MS = 120_000  # others wait for whoever migrates

_CREATE = """
create table if not exists schema_migrations (
    version integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
)
"""


@dataclass(frozen=True)
class Migration:
    """One SQL file. checksum: SHA-256 of its bytes, hex."""

    version: int
    name: str
    sql: str
    checksum: str


def migrate(dsn: str, folder: Path = _FOLDER) -> list[int]:
    """Apply what is missing and answer the versions applied. Any number of processes may call it at once.

    Raises DatabaseNewerThanCode when the database has a migration this code does not know, MigrationChanged when
    an applied file was edited since.
    """
    migrations = read_migrations(folder)
    with psycopg.connect(dsn, autocommit=True, application_name="tierline-migrate") as connection:
        connection.execute(f"set lock_timeout = {_LOCK_TIMEOUT_MS}")
        connection.execute("select pg_advisory_lock(%s, %s)", _LOCK)  # let go when the connection closes
        connection.execute(_CREATE)
        missing = _missing(connection, migrations)
        for migration in missing:
            _apply(connection, migration)
    return [migration.version for migration in missing]


def read_migrations(folder: Path = _FOLDER) -> list[Migration]:
    """All files of the folder, by number. Raises ValueError for a misnamed file or a number used twice."""
    migrations = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path.name}: name migrations like 0002_append.sql")
        content = path.read_bytes()
        checksum = hashlib.sha256(content).hexdigest()
        migrations.append(Migration(int(match[1]), path.stem, content.decode(), checksum))
    versions = [migration.version for migration in migrations]
    if len(set(versions)) != len(versions):
        raise ValueError(f"two migrations share a number: {versions}")
    return migrations


def _missing(connection: psycopg.Connection, migrations: list[Migration]) -> list[Migration]:
    rows = connection.execute("select version, name, checksum from schema_migrations").fetchall()
    known = {migration.version: migration for migration in migrations}
    for version, name, checksum in rows:
        if version not in known:
            raise DatabaseNewerThanCode(version, name, newest_known=max(known, default=0))
        if known[version].checksum != checksum:
            raise MigrationChanged(version, known[version].name)
    applied = {row[0] for row in rows}
    return [migration for migration in migrations if migration.version not in applied]


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.sql.encode())
        connection.execute(
            "insert into schema_migrations (version, name, checksum) values (%s, %s, %s)",
            (migration.version, migration.name, migration.checksum),
        )
