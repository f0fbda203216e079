"""Idempotency keys in Postgres: the request is noted before the write, the answer after it.

While a write runs, its key is held by an advisory lock of one shared session: if this process dies, the session and
its locks die with it, and whoever repeats the request runs it anew at once.
"""

import hashlib
import time
from collections.abc import Callable
from threading import Lock

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb

from application.idempotency import Answer, IdempotencyKeyInvalid, IdempotencyKeyReused, StillRunning
from domain.refusal import Refusal

_LONGEST_KEY = 255
_WAIT_SECONDS = 5.0
_POLL_SECONDS = 0.02

_TAKE = """
with taken as (select pg_try_advisory_lock(%(lock)s) as held), noted as (
    insert into idempotency_keys (key_id, idempotency_key, request_hash)
    select %(caller)s, %(key)s, %(hash)s from taken where held
    on conflict do nothing
)
select held from taken
"""
_READ = "select request_hash, response from idempotency_keys where key_id = %(caller)s and idempotency_key = %(key)s"
_KEEP = """
update idempotency_keys set response = %(response)s where key_id = %(caller)s and idempotency_key = %(key)s
"""
_FORGET = """
delete from idempotency_keys where key_id = %(caller)s and idempotency_key = %(key)s and response is null
"""


class StoredAnswers:
    """Fulfils application.idempotency.OneAnswer. Safe for threads; `close` it."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._session: Connection | None = None
        self._session_lock = Lock()
        self._running: set[int] = set()  # advisory locks let their own session in again: this set does not

    def __call__(self, caller: str, key: str, request_hash: bytes, write: Callable[[], Answer]) -> tuple[Answer, bool]:
        """See OneAnswer."""
        if not 0 < len(key) <= _LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise IdempotencyKeyInvalid(key, _LONGEST_KEY)
        terms = {"caller": caller, "key": key, "hash": request_hash, "lock": _lock_of(caller, key)}
        self._enter(terms)
        try:
            return self._answer_once(terms, write)
        finally:
            self._leave(terms)

    def close(self) -> None:
        """Let the session go, and every lock with it."""
        with self._session_lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def _answer_once(self, terms: dict, write: Callable[[], Answer]) -> tuple[Answer, bool]:
        row = self._execute(_READ, terms)
        if row is None or bytes(row[0]) != terms["hash"]:
            raise IdempotencyKeyReused(terms["key"])
        if row[1] is not None:
            return Answer(row[1]["status"], row[1]["body"].encode()), True
        try:
            answer = write()
        except Refusal:
            self._execute(_FORGET, terms)
            raise
        response = Jsonb({"status": answer.status, "body": answer.body.decode()})
        self._execute(_KEEP, terms | {"response": response})
        return answer, False

    def _enter(self, terms: dict) -> None:
        deadline = time.monotonic() + _WAIT_SECONDS
        while not self._try_enter(terms):
            if time.monotonic() > deadline:
                raise StillRunning(terms["key"])
            time.sleep(_POLL_SECONDS)

    def _try_enter(self, terms: dict) -> bool:
        with self._session_lock:
            if terms["lock"] in self._running:
                return False
            held = bool(self._on_session(_TAKE, terms)[0])  # type: ignore[index]
            if held:
                self._running.add(terms["lock"])
            return held

    def _leave(self, terms: dict) -> None:
        with self._session_lock:
            self._running.discard(terms["lock"])
            try:
                self._on_session("select pg_advisory_unlock(%(lock)s)", terms)
            except psycopg.OperationalError:
                self._session = None  # the server is gone, and the lock with it

    def _execute(self, statement: str, terms: dict) -> tuple | None:
        with self._session_lock:
            return self._on_session(statement, terms)

    def _on_session(self, statement: str, terms: dict) -> tuple | None:
        if self._session is None or self._session.closed:
            self._session = psycopg.connect(self._dsn, autocommit=True, application_name="tierline-answers")
        cursor = self._session.execute(statement, terms)
        return None if cursor.description is None else cursor.fetchone()


def _lock_of(caller: str, key: str) -> int:
    digest = hashlib.blake2b(f"{caller}\0{key}".encode(), digest_size=8, person=b"tierline-answer").digest()
    return int.from_bytes(digest, "big", signed=True)
