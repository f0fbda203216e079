"""Data keys open with the master key that wrapped them, for the subject they were wrapped for."""

import base64
import os
from uuid import uuid4

import pytest

from infrastructure.event_store.subjects import Subjects
from infrastructure.postgres.pool import open_pool, transaction
from infrastructure.security.keyring import DataKeyUnreadable, Keyring, MasterKeyInvalid, parse_master_key


def test_a_wrapped_key_gives_the_same_seal_again() -> None:
    keyring, subject_id, data_key = Keyring(bytes(32)), uuid4(), os.urandom(32)
    wrapped = keyring.wrap(subject_id, data_key)
    assert data_key not in wrapped
    sealed = keyring.unwrap(subject_id, wrapped).seal(b"event", b"plain")
    assert Keyring(bytes(32)).unwrap(subject_id, wrapped).unseal(b"event", sealed) == b"plain"
    assert keyring.unwrap(subject_id, wrapped) is keyring.unwrap(subject_id, wrapped)


def test_another_master_key_or_subject_does_not_open_it() -> None:
    keyring, subject_id = Keyring(bytes(32)), uuid4()
    wrapped = keyring.wrap(subject_id, os.urandom(32))
    with pytest.raises(DataKeyUnreadable, match=r"subjects\.master_key_id names"):
        Keyring(bytes([1] * 32)).unwrap(subject_id, wrapped)
    with pytest.raises(DataKeyUnreadable):
        keyring.unwrap(uuid4(), wrapped)


def test_a_cached_seal_is_not_used_for_another_wrapped_key() -> None:
    keyring, subject_id = Keyring(bytes(32)), uuid4()
    first = keyring.unwrap(subject_id, keyring.wrap(subject_id, os.urandom(32)))
    second = keyring.unwrap(subject_id, keyring.wrap(subject_id, os.urandom(32)))
    assert first.digest(b"x") != second.digest(b"x")


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    keyring = Keyring(bytes(32), cached_seals=2)
    wrapped = {subject_id: keyring.wrap(subject_id, os.urandom(32)) for subject_id in (uuid4(), uuid4(), uuid4())}
    a, b, c = wrapped
    seals = {subject_id: keyring.unwrap(subject_id, wrapped[subject_id]) for subject_id in (a, b, a, c)}
    assert keyring.unwrap(a, wrapped[a]) is seals[a]
    assert keyring.unwrap(b, wrapped[b]) is not seals[b]


def test_the_key_id_tells_master_keys_apart_and_not_what_they_are() -> None:
    assert Keyring(bytes(32)).master_key_id == Keyring(bytes(32)).master_key_id
    assert Keyring(bytes(32)).master_key_id != Keyring(bytes([1] * 32)).master_key_id
    assert len(Keyring(bytes(32)).master_key_id) == 16


@pytest.mark.parametrize("text", ["", "not base64!", base64.b64encode(bytes(31)).decode(), "c2VjcmV0"])
def test_a_wrong_master_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(MasterKeyInvalid, match="openssl rand -base64 32") as caught:
        parse_master_key(text)
    assert not text or text not in str(caught.value)


def test_a_right_master_key_is_read() -> None:
    assert parse_master_key(base64.b64encode(bytes(range(32))).decode()) == bytes(range(32))


def test_an_erased_subject_is_missing_also_when_its_seal_is_cached(database: str) -> None:
    keyring = Keyring(bytes(32))
    with open_pool(database) as pool:
        with transaction(pool) as connection:
            refs = Subjects(keyring).resolve_or_create(connection, ["kept", "erased"], now=1)
            ids = {name: ref.subject_id for name, ref in refs.items()}
            assert keyring.seals(connection, list(ids.values())).keys() == set(ids.values())
            connection.execute("delete from subjects where subject_id = %s", (ids["erased"],))
        with transaction(pool) as connection:
            assert keyring.seals(connection, list(ids.values())).keys() == {ids["kept"]}
