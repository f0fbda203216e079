"""Every wait is finite, and a transaction is whole or not at all."""

import psycopg
import pytest

from infrastructure.postgres.pool import Limits, Pool, open_pool, transaction


def test_every_wait_is_finite_and_the_session_is_named(database: str) -> None:
    limits = Limits(1_000, 2_000, 3_000)
    names = ("lock_timeout", "transaction_timeout", "idle_in_transaction_session_timeout", "application_name")
    with open_pool(database, 1, 1, name="tierline-api", limits=limits) as pool, transaction(pool) as connection:
        shown = [connection.execute(f"show {name}".encode()).fetchone() for name in names]
    assert shown == [("1s",), ("2s",), ("3s",), ("tierline-api",)]


def test_an_exception_rolls_back(database: str) -> None:
    def fail(pool: Pool) -> None:
        with transaction(pool) as connection:
            connection.execute("update clock set manual = true")
            raise ZeroDivisionError

    with open_pool(database) as pool:
        with pytest.raises(ZeroDivisionError):
            fail(pool)
        with transaction(pool) as connection:
            assert connection.execute("select manual from clock").fetchone() == (False,)


def test_a_block_may_commit_before_its_end(database: str) -> None:
    with open_pool(database) as pool:
        with transaction(pool) as connection:
            connection.execute("update clock set manual = true")
            connection.commit()
        with transaction(pool) as connection:
            assert connection.execute("select manual from clock").fetchone() == (True,)


def test_a_dead_connection_is_replaced_when_handed_out(database: str) -> None:
    with open_pool(database, 1, 1) as pool:
        with transaction(pool) as connection:
            pid = connection.info.backend_pid
        with psycopg.connect(database, autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s, 5000)", (pid,))
        with transaction(pool) as connection:
            assert connection.info.backend_pid != pid


def test_a_transaction_that_hangs_is_ended_by_the_server(database: str) -> None:
    with (
        open_pool(database, 1, 1, limits=Limits(transaction_ms=50)) as pool,
        pytest.raises(psycopg.errors.TransactionTimeout),
        transaction(pool) as connection,
    ):
        connection.execute("select pg_sleep(30)")
