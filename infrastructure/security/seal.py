"""A seal: what one subject's data key does to bytes. Without the key, sealed bytes mean nothing."""

import hashlib
import os
import threading
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from application.compliance.damage import RecordDamaged

KEY_BYTES = 32
NONCE_BYTES = 12

CONTEXT_FACT = b"fact"
CONTEXT_EVENT = b"event"
CONTEXT_OBSERVATION = b"observation"
CONTEXT_FINDING = b"finding"
CONTEXT_PACKED_FACTS = b"packed-facts"
CONTEXT_PACKED_DETAILS = b"packed-details"
CONTEXT_PACKED_LINES = b"packed-lines"
CONTEXT_PACKED_IDENTS = b"packed-idents"


_NONCES_AT_ONCE = 1_024


class _Nonces(threading.local):
    """Random nonces, fetched many at a time: asking the system for each costs more than sealing does."""

    def __init__(self) -> None:
        self._random, self._next = b"", 0

    def next(self) -> bytes:
        """12 random bytes that this process hands out once."""
        if self._next >= len(self._random):
            self._random, self._next = os.urandom(NONCE_BYTES * _NONCES_AT_ONCE), 0
        nonce = self._random[self._next : self._next + NONCE_BYTES]
        self._next += NONCE_BYTES
        return nonce

    def forget(self) -> None:
        """A forked child must not hand out its parent's nonces again."""
        self._random, self._next = b"", 0


_nonces = _Nonces()
os.register_at_fork(after_in_child=_nonces.forget)


class SealBroken(RecordDamaged):
    """Sealed bytes do not open: altered, of another subject or context, or sealed with another key."""

    def __init__(self, subject_id: UUID, context: bytes) -> None:
        part = context.decode()
        super().__init__(
            subject_id,
            part,
            f"The sealed {part} of subject {subject_id} does not open; it was altered, or the key is not its own",
            "find what is damaged with `tierline verify receipts`, and restore the row or the subject's key from a "
            "backup",
        )


class Seal:
    """Seals and opens one subject's bytes (AES-256-GCM; nonce, then ciphertext) and digests them (keyed BLAKE2b)."""

    __slots__ = ("_cipher", "_data_key", "_digest", "_id_bytes", "subject_id")

    def __init__(self, subject_id: UUID, data_key: bytes) -> None:
        self.subject_id = subject_id
        self._id_bytes = subject_id.bytes
        self._cipher, self._data_key = AESGCM(data_key), data_key
        self._digest: hashlib.blake2b | None = None  # with its key: most who decide need none

    def seal(self, context: bytes, plaintext: bytes) -> bytes:
        """nonce || ciphertext, bound to the subject and the context."""
        nonce = _nonces.next()
        return nonce + self._cipher.encrypt(nonce, plaintext, self._id_bytes + context)

    def unseal(self, context: bytes, sealed: bytes) -> bytes:
        """The plaintext. Raises SealBroken."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._id_bytes + context)
        except (InvalidTag, ValueError):
            raise SealBroken(self.subject_id, context) from None

    def digest(self, content: bytes) -> bytes:
        """32 bytes that only the holder of the key can compute: tells nothing once the key is gone."""
        if self._digest is None:
            # A key of its own for digests: one key never serves two algorithms.
            digest_key = hashlib.blake2b(b"digest", key=self._data_key, digest_size=KEY_BYTES).digest()
            self._digest = hashlib.blake2b(key=digest_key, digest_size=32)
        digest = self._digest.copy()  # sooner than made anew
        digest.update(content)
        return digest.digest()
