"""How event data becomes bytes: msgpack of plain values, nothing of Python's in it."""

from typing import Any

import msgspec
from eventsourcing.persistence import Transcoder

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class MsgpackTranscoder(Transcoder):
    """The library's transcoder over msgspec."""

    def encode(self, obj: Any) -> bytes:
        """Scalars, lists and dicts to msgpack. Raises TypeError for anything else."""
        return _encode(obj)

    def decode(self, data: bytes) -> Any:
        """Msgpack to scalars, lists and dicts. Raises msgspec.DecodeError."""
        return _decode(data)
