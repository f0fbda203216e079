"""Ledger rows as bytes of Postgres' binary COPY format, made before the order lock is taken."""

import struct
from collections.abc import Iterable
from functools import lru_cache

from infrastructure.event_store.rows import EventRow, ObservationRow

HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
TRAILER = b"\xff\xff"

COPY_EVENTS = f"copy events ({', '.join(EventRow._fields)}) from stdin (format binary)"
COPY_OBSERVATIONS = f"copy observations ({', '.join(ObservationRow._fields)}) from stdin (format binary)"

_NULL = b"\xff\xff\xff\xff"
_event_start = struct.Struct("!hi16sii").pack  # fields, then id and version with their lengths
_two_instants = struct.Struct("!iqiq").pack
_length = struct.Struct("!i").pack
_observation_start = struct.Struct("!hi16siqiq").pack
_instant = struct.Struct("!iq").pack


def framed(rows: bytes) -> bytes:
    """Encoded rows as one COPY."""
    return HEADER + rows + TRAILER


def encode_events(rows: Iterable[EventRow]) -> bytes:
    """Rows of events, without header and trailer. Each has its recorded_at: COPY fills in nothing but positions."""
    text, bare = _text, _bare_text
    parts: list[bytes] = []
    for row in rows:
        (
            stream,
            version,
            topic,
            scheme,
            scope,
            from_tier,
            to_tier,
            effective,
            recorded,
            actor,
            command,
            cause,
            state,
        ) = row
        parts += (
            _event_start(13, 16, stream.bytes, 4, version),
            text(topic),
            text(scheme),
            text(scope),
            text(from_tier),
            text(to_tier),
            _two_instants(8, effective, 8, recorded),
            text(actor),
            bare(command),
            bare(cause),
            _length(len(state)),
            state,
        )
    return b"".join(parts)


def encode_observations(rows: Iterable[ObservationRow]) -> bytes:
    """Rows of observations, without header and trailer."""
    parts: list[bytes] = []
    for row in rows:
        parts += (
            _observation_start(5, 16, row.subject_id.bytes, 8, row.through, 8, row.decided_at),
            _NULL if row.due_at is None else _instant(8, row.due_at),
            _length(len(row.body)),
            row.body,
        )
    return b"".join(parts)


def _bare_text(value: str) -> bytes:
    encoded = value.encode()
    return _length(len(encoded)) + encoded


@lru_cache(maxsize=10_000)
def _text(value: str | None) -> bytes:
    """Names that repeat: topics, schemes, scopes, tiers, actors."""
    return _NULL if value is None else _bare_text(value)
