"""The keyring: data keys of subjects, wrapped by one master key, opened on demand."""

import base64
import binascii
import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Connection, Cursor

from application.compliance.damage import RecordDamaged
from infrastructure.security.seal import KEY_BYTES, NONCE_BYTES, Seal

_CACHED_SEALS = 20_000  # some 3 kB each: whoever works through millions of subjects meets each of them once
_SELECT = "select subject_id, data_key from subjects where subject_id = any(%b)"


class MasterKeyInvalid(Exception):
    """The master key is not 32 bytes in base64."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"TIERLINE_MASTER_KEY {found}: give 32 random bytes in base64, for instance from `openssl rand -base64 32`"
        )


class DataKeyUnreadable(RecordDamaged):
    """A wrapped data key does not open with this master key."""

    def __init__(self, subject_id: UUID, master_key_id: str) -> None:
        super().__init__(
            subject_id,
            "data key",
            f"The data key of subject {subject_id} does not open with master key {master_key_id}",
            "start with the master key that subjects.master_key_id names, or restore subjects.data_key from a backup",
        )


class Keyring:
    """Wraps and unwraps data keys; keeps the seals of the subjects seen last. Safe for threads.

    A cached seal is used only for the very wrapped key it came from, read anew each time: an erased subject's seal
    stops working at once, in every process.
    """

    def __init__(self, master_key: bytes, cached_seals: int = _CACHED_SEALS) -> None:
        if len(master_key) != KEY_BYTES:
            raise MasterKeyInvalid(f"has {len(master_key)} bytes")
        self._master = AESGCM(master_key)
        self.master_key_id = hashlib.blake2b(master_key, digest_size=8, person=b"tierline-master").hexdigest()
        self._seals: OrderedDict[UUID, tuple[bytes, Seal]] = OrderedDict()
        self._capacity = cached_seals
        self._lock = Lock()

    def wrap(self, subject_id: UUID, data_key: bytes) -> bytes:
        """nonce || encrypted key, bound to the subject: 60 bytes."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, data_key, subject_id.bytes)

    def new_keys(self, subject_ids: Iterable[UUID]) -> list[bytes]:
        """A fresh random data key for each, wrapped, in order."""
        return [self.wrap(subject_id, os.urandom(KEY_BYTES)) for subject_id in subject_ids]

    def unwrap(self, subject_id: UUID, wrapped: bytes) -> Seal:
        """The seal of one wrapped key. Raises DataKeyUnreadable."""
        with self._lock:
            cached = self._seals.get(subject_id)
            if cached is not None and cached[0] == wrapped:
                self._seals.move_to_end(subject_id)
                return cached[1]
        seal = self._open(subject_id, wrapped)
        with self._lock:
            self._seals[subject_id] = (wrapped, seal)
            while len(self._seals) > self._capacity:
                self._seals.popitem(last=False)
        return seal

    def unwrap_many(self, rows: Iterable[tuple[UUID, bytes]]) -> dict[UUID, Seal]:
        """Of (subject id, wrapped key) rows."""
        return {subject_id: self.unwrap(subject_id, wrapped) for subject_id, wrapped in rows}

    def seals(self, connection: Connection, subject_ids: Sequence[UUID]) -> dict[UUID, Seal]:
        """The seals of these subjects, in one read; an erased or unknown subject is missing from the answer."""
        return self.unwrap_many(self.ask(connection, subject_ids).fetchall())

    def ask(self, connection: Connection, subject_ids: Sequence[UUID]) -> Cursor:
        """The question alone, whose rows are for unwrap_many: in a pipeline nobody waits for the answer."""
        return connection.execute(_SELECT, (list(subject_ids),), binary=True)

    def _open(self, subject_id: UUID, wrapped: bytes) -> Seal:
        try:
            data_key = self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], subject_id.bytes)
        except (InvalidTag, ValueError):
            raise DataKeyUnreadable(subject_id, self.master_key_id) from None
        return Seal(subject_id, data_key)


def parse_master_key(text: str) -> bytes:
    """Base64 text of 32 bytes. Raises MasterKeyInvalid, which never shows the text."""
    try:
        master_key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MasterKeyInvalid("is not base64") from None
    if len(master_key) != KEY_BYTES:
        raise MasterKeyInvalid(f"has {len(master_key)} bytes")
    return master_key
