"""Instants: integers, microseconds since the Unix epoch, UTC. Text only at the edges."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def parse_instant(text: str) -> int:
    """RFC 3339 text with an offset to microseconds. Raises ValueError that says what is wrong."""
    if "T" not in text and "t" not in text and " " not in text:
        raise ValueError("not an RFC 3339 instant such as 2026-03-01T08:00:00Z")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("not an RFC 3339 instant such as 2026-03-01T08:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("has no offset: end it with Z or, say, +08:00")
    return from_datetime(moment)


@lru_cache(maxsize=10_000)  # a standing's instants are told in every receipt until it moves
def format_instant(instant: int) -> str:
    """Microseconds to RFC 3339 UTC text, with as many decimals as it needs."""
    text = to_datetime(instant).isoformat()[:19]
    fraction = instant % SECOND
    return f"{text}.{fraction:06d}".rstrip("0") + "Z" if fraction else f"{text}Z"


def from_datetime(moment: datetime) -> int:
    """An aware datetime to microseconds."""
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(instant: int) -> datetime:
    """Microseconds to an aware datetime in UTC."""
    return _EPOCH + instant * _MICROSECOND
