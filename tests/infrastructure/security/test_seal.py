"""Sealed bytes open only for their subject and context, and only unaltered."""

import os
from uuid import UUID, uuid4

import pytest

from infrastructure.security.seal import CONTEXT_FACT, NONCE_BYTES, Seal, SealBroken

KEY = bytes(range(32))


def test_what_is_sealed_opens_again_and_never_looks_the_same() -> None:
    seal = Seal(uuid4(), KEY)
    first, second = seal.seal(b"event", b"plain"), seal.seal(b"event", b"plain")
    assert first != second
    assert seal.unseal(b"event", first) == seal.unseal(b"event", second) == b"plain"
    assert b"plain" not in first


def test_another_context_subject_key_or_byte_does_not_open() -> None:
    subject_id = uuid4()
    seal = Seal(subject_id, KEY)
    sealed = seal.seal(b"event", b"plain")
    with pytest.raises(SealBroken):
        seal.unseal(b"fact", sealed)
    with pytest.raises(SealBroken):
        Seal(uuid4(), KEY).unseal(b"event", sealed)
    with pytest.raises(SealBroken):
        Seal(subject_id, KEY[::-1]).unseal(b"event", sealed)
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(SealBroken, match="restore the row"):
            seal.unseal(b"event", bytes(altered))
    with pytest.raises(SealBroken):
        seal.unseal(b"event", b"")


def test_a_digest_is_stable_and_needs_the_key() -> None:
    subject_id = uuid4()
    digest = Seal(subject_id, KEY).digest(b"content")
    assert digest == Seal(subject_id, KEY).digest(b"content")
    assert len(digest) == 32
    assert digest != Seal(subject_id, KEY[::-1]).digest(b"content")
    assert digest != Seal(subject_id, KEY).digest(b"content.")


def test_a_forked_child_uses_nonces_of_its_own() -> None:
    """One nonce used twice under one key would give both texts away."""
    seal = Seal(UUID(int=1), bytes(range(32)))
    seal.seal(CONTEXT_FACT, b"fills the buffer")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, seal.seal(CONTEXT_FACT, b"child")[:NONCE_BYTES])
        os._exit(0)
    os.waitpid(child, 0)
    mine = {seal.seal(CONTEXT_FACT, b"parent")[:NONCE_BYTES] for _ in range(3_000)}
    assert len(mine) == 3_000
    assert os.read(reading, NONCE_BYTES) not in mine
