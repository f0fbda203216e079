"""The schema comes about once, whoever asks and however many at a time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from infrastructure.postgres.faults import DatabaseNewerThanCode, MigrationChanged
from infrastructure.postgres.migrate import migrate, read_migrations


def test_all_files_are_applied_in_order_and_then_nothing(empty_database: str) -> None:
    numbers = [migration.version for migration in read_migrations()]
    assert migrate(empty_database) == numbers == sorted(numbers)
    assert migrate(empty_database) == []


def test_sixteen_at_once(empty_database: str) -> None:
    with ThreadPoolExecutor(16) as threads:
        applied = list(threads.map(migrate, [empty_database] * 16))
    numbers = [migration.version for migration in read_migrations()]
    assert sorted(version for versions in applied for version in versions) == numbers
    assert [] in applied


def test_a_newer_database_is_refused(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("insert into schema_migrations (version, name, checksum) values (9999, '9999_future', 'x')")
    with pytest.raises(DatabaseNewerThanCode, match=r"9999 \(9999_future\) is newer.*deploy the release"):
        migrate(database)


def test_an_edited_file_is_refused(empty_database: str, tmp_path: Path) -> None:
    file = tmp_path / "0001_first.sql"
    file.write_text("create table one (id integer)")
    assert migrate(empty_database, tmp_path) == [1]
    file.write_text("create table one (id bigint)")
    with pytest.raises(MigrationChanged, match="put the change into a new migration"):
        migrate(empty_database, tmp_path)


def test_a_failing_file_leaves_nothing_and_those_before_it_stay(empty_database: str, tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text("create table one (id integer)")
    (tmp_path / "0002_second.sql").write_text("create table two (id integer); select 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty_database, tmp_path)
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("select to_regclass('one'), to_regclass('two')").fetchone() == ("one", None)
    (tmp_path / "0002_second.sql").write_text("create table two (id integer)")
    assert migrate(empty_database, tmp_path) == [2]


@pytest.mark.parametrize("names", [["first.sql"], ["0001_a.sql", "0001_b.sql"]])
def test_misnamed_files_are_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("select 1")
    with pytest.raises(ValueError, match=r"0002_append\.sql|share a number"):
        read_migrations(tmp_path)
