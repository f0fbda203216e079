"""Cards as Redis keeps them, read on the event loop: one command a read, nothing parsed."""

from collections.abc import Sequence
from typing import Protocol

from projections.catalogue import USER_CARD
from projections.user_card.view import SERVING, prefix

_POSITION = b',"position":'


class AsyncRedis(Protocol):
    """What is asked of redis.asyncio's client."""

    async def get(self, name: str) -> bytes | None:
        """One value."""

    async def mget(self, keys: Sequence[str]) -> list[bytes | None]:
        """Several values, in order."""


class CardReader:
    """The asynchronous twin of UserCardView.read: follows a rebuilt version the same way. Belongs to one event loop."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._redis = redis
        self._use(USER_CARD.version)

    async def read(self, user_id: str) -> bytes | None:
        """The user's card as JSON, or None when there is none (yet)."""
        while True:
            card, moved = await self._redis.mget([self._card_key + user_id, self._moved_key])
            if moved is not None:
                self._use(int(moved))
            elif card is not None or not await self._moved_on():
                return card

    async def read_many(self, user_ids: Sequence[str]) -> dict[str, bytes]:
        """Cards by user id; a user without one is missing from the answer."""
        while True:
            *cards, moved = await self._redis.mget(
                [self._card_key + user_id for user_id in user_ids] + [self._moved_key]
            )
            if moved is not None:
                self._use(int(moved))
            elif None not in cards or not await self._moved_on():
                return {user_id: card for user_id, card in zip(user_ids, cards, strict=True) if card is not None}

    async def _moved_on(self) -> bool:
        """Look up which version answers; whether that is another one than we thought."""
        serving = await self._redis.get(SERVING)
        version = USER_CARD.version if serving is None else int(serving)
        changed = version != self._version
        self._use(version)
        return changed

    def _use(self, version: int) -> None:
        self._version = version
        self._card_key, self._moved_key = prefix(version) + "card:", prefix(version) + "moved"


def position_of(card: bytes) -> int:
    """The log position a card stands at. No field after it can hold its name, so the last one is it."""
    return _split(card)[1]


def with_freshness(card: bytes, position: int, lag_events: int | None, lag_seconds: float | None) -> bytes:
    """The card with this position and the lags, without parsing it."""
    start, _, rest = _split(card)
    return b'%s,"position":%d%s,"lag_events":%s,"lag_seconds":%s}' % (
        start,
        position,
        rest[:-1],
        b"null" if lag_events is None else b"%d" % lag_events,
        b"null" if lag_seconds is None else repr(lag_seconds).encode(),
    )


def _split(card: bytes) -> tuple[bytes, int, bytes]:
    start, _, rest = card.rpartition(_POSITION)
    end = next(index for index, byte in enumerate(rest) if byte not in b"0123456789")
    return start, int(rest[:end]), rest[end:]
