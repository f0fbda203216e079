"""The last statements travel with the commit, and an error among them is the first one, said once."""

import logging

import psycopg
import pytest

from infrastructure.postgres.commit_with import commit_with


def test_it_commits_and_answers_the_last_row(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("update clock set manual = true")
        assert commit_with(connection, ("select 1 where %s", [True]), ("select 2, 'two'", [])) == (2, "two")
        with psycopg.connect(database) as other:
            assert other.execute("select manual from clock").fetchone() == (True,)


@pytest.mark.parametrize("failing", [0, 1, 40])
def test_an_error_commits_nothing_and_is_not_logged(
    database: str, failing: int, caplog: pytest.LogCaptureFixture
) -> None:
    statements = [(f"select {'1/0' if number == failing else '1'}", []) for number in range(failing + 300)]
    with caplog.at_level(logging.WARNING, "psycopg"), psycopg.connect(database) as connection:
        connection.execute("update clock set manual = true")
        with pytest.raises(psycopg.errors.DivisionByZero):
            commit_with(connection, *statements)
        connection.rollback()
        assert connection.execute("select manual from clock").fetchone() == (False,)
    assert caplog.records == []


def test_no_row_is_an_error_of_the_caller(database: str) -> None:
    with psycopg.connect(database) as connection, pytest.raises(ValueError, match="answer a row"):
        commit_with(connection, ("select 1 where false", []))
