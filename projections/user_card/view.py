"""User cards in Redis: one key a user id, counts per scheme and tier, and the checkpoints, all written in one call.

Keys, with V the version: `tierline:{user_card.vV}:card:USER_ID` (JSON), `…:subjects:LANE` (subject -> position and
tiers, which makes writing idempotent and counts each standing once), `…:counts`, `…:scope_counts`, `…:checkpoints`,
`…:owners` (card key -> position, of user ids that are or were one of several of a subject: two lanes may write such a
card, and the later position stays), `…:moved` (the version that took over). `tierline:user_card:serving` names the
version that answers.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, cast

import msgspec
from redis import Redis
from redis.exceptions import NoScriptError

from projections.catalogue import USER_CARD
from projections.target import LaneBatch, LaneLost, Refused
from projections.user_card.projector import CardOperation

SERVING = "tierline:user_card:serving"
_CARDS_A_CALL = 250
_KEYS_A_CALL = 3_000  # Lua unpacks at most some 8,000 values at once; a card is a key and a value
_MOVED_SECONDS = 86_400
_FIELD, _PAIR = "\x1e", "\x1f"

_encode = msgspec.json.encode

# KEYS: checkpoints, subjects, counts, scope counts, owners, card keys. ARGV: lane, fence, after, position, number of
# subjects, then the subjects, their states ("POSITION RS scheme US tier RS scheme US tier US scope ..."), the number of
# keys of each (below 0: shared), and the cards. All is read before anything is written, in as few calls as there are
# kinds of data.
_WRITE = """
local lane, fence, after, position, n = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[5])
local held = redis.call('HMGET', KEYS[1], 'fence:' .. lane, 'position:' .. lane)
if held[1] and tonumber(held[1]) > fence then return {'fence', held[1]} end
if after ~= '' and (held[2] or '0') ~= after then return {'position', held[2] or '0'} end
local written, counts, scoped = 0, {}, {}
local function count(state, by)
  for standing in string.gmatch(state, '\\30([^\\30]+)') do
    local overall = string.match(standing, '^([^\\31]+\\31[^\\31]+)\\31')
    if overall then scoped[standing] = (scoped[standing] or 0) + by end
    overall = overall or standing
    counts[overall] = (counts[overall] or 0) + by
  end
end
if n > 0 then
  local before = redis.call('HMGET', KEYS[2], unpack(ARGV, 6, 5 + n))
  local states, cards, owners, key, value = {}, {}, {}, 5, 5 + 3 * n
  local owned = {}
  if #KEYS > 5 and redis.call('EXISTS', KEYS[5]) == 1 then owned = redis.call('HMGET', KEYS[5], unpack(KEYS, 6)) end
  for i = 1, n do
    local state, old, keys = ARGV[5 + n + i], before[i], tonumber(ARGV[5 + 2 * n + i])
    local shared = keys < 0
    keys = math.abs(keys)
    local at = tonumber(string.match(state, '^%d+'))
    if not old or tonumber(string.match(old, '^%d+')) < at then
      states[#states + 1] = ARGV[5 + i]
      states[#states + 1] = state
      for k = 1, keys do
        local card, owner = KEYS[key + k], owned[key + k - 5]
        if not owner or tonumber(string.match(owner, '^%d+')) <= at then
          cards[#cards + 1] = card
          cards[#cards + 1] = ARGV[value + k]
          if owner or shared or keys > 1 then
            owners[#owners + 1] = card
            owners[#owners + 1] = string.match(state, '^%d+')
          end
        end
      end
      if old then count(old, -1) end
      count(state, 1)
      written = written + 1
    end
    key, value = key + keys, value + keys
  end
  if written > 0 then
    redis.call('HSET', KEYS[2], unpack(states))
    if #cards > 0 then redis.call('MSET', unpack(cards)) end
    if #owners > 0 then redis.call('HSET', KEYS[5], unpack(owners)) end
    for standing, change in pairs(counts) do
      if change ~= 0 then redis.call('HINCRBY', KEYS[3], standing, change) end
    end
    for standing, change in pairs(scoped) do
      if change ~= 0 and redis.call('HINCRBY', KEYS[4], standing, change) == 0 then
        redis.call('HDEL', KEYS[4], standing)
      end
    end
  end
end
redis.call('HSET', KEYS[1], 'fence:' .. lane, ARGV[2])
if position ~= '' then redis.call('HSET', KEYS[1], 'position:' .. lane, position) end
return {'ok', written}
"""


def prefix(version: int) -> str:
    """What all keys of a version begin with; the braces keep them in one slot of a cluster."""
    return f"tierline:{{user_card.v{version}}}:"


def card_to_redis(operation: CardOperation) -> list[tuple[str, bytes]]:
    """(user id, JSON) of each of the subject's cards."""
    return [(user_id, _encode({"user_id": user_id, **operation.card})) for user_id in operation.user_ids]


class UserCards:
    """The writing side: a projections.target.Target."""

    keeps_checkpoints = True

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._sha = ""

    def missing(self, version: int, answers: bool) -> bool:
        """Never: a Redis that was dropped has no checkpoints either, so its lanes begin at 0 by themselves."""
        return False

    def create(self, version: int) -> None:
        """Keys come with the first write."""

    def point_to(self, version: int) -> None:
        """Name the version that answers, and leave word with the one that did."""
        serving = self._redis.get(SERVING)
        if serving == b"%d" % version:
            return
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.set(SERVING, version)
        if serving is not None:
            pipeline.set(prefix(int(serving)) + "moved", version, ex=_MOVED_SECONDS)
        pipeline.delete(prefix(version) + "moved")
        pipeline.execute()

    def drop(self, version: int) -> None:
        """Delete the version's keys but for the word where it went."""
        start = prefix(version)
        keep = f"{start}moved".encode()
        keys = (key for key in self._redis.scan_iter(match=f"{_literal(start)}*", count=2_000) if key != keep)
        while chunk := list(islice(keys, 2_000)):
            self._redis.unlink(*chunk)

    def positions(self, version: int) -> dict[int, int]:
        """Checkpoints by lane."""
        held = cast("dict[bytes, bytes]", self._redis.hgetall(prefix(version) + "checkpoints"))
        return {int(key[9:]): int(value) for key, value in held.items() if key.startswith(b"position:")}

    def apply(self, version: int, batch: LaneBatch) -> list[Refused]:
        """Cards, counts, fence and checkpoint, a few hundred cards a call. Raises LaneLost.

        The checkpoint moves with the last call; a batch that broke off is applied again, to the same end.
        """
        try:
            self._write_all(version, batch)
        except NoScriptError:  # a restarted Redis
            self._sha = ""
            self._write_all(version, batch)
        return []

    def settle(self, version: int) -> None:
        """What is written is visible."""

    def _write_all(self, version: int, batch: LaneBatch) -> None:
        """Call by call. While Redis works on one, the next is made ready: neither waits for the other."""
        if not self._sha:
            self._sha = self._redis.script_load(_WRITE)
        connection = self._redis.connection_pool.get_connection()
        try:
            chunks = list(_chunks(batch.operations)) or [[]]
            for number, chunk in enumerate(chunks, 1):
                position = batch.position if number == len(chunks) else None
                command = connection.pack_command(
                    "EVALSHA", self._sha, *self._arguments(version, batch, chunk, position)
                )
                if number > 1:
                    _expect_ok(connection.read_response(), batch.lane)
                connection.send_packed_command(command)
            _expect_ok(connection.read_response(), batch.lane)
        except BaseException:
            connection.disconnect()  # an answer may be under way that nobody will read
            raise
        finally:
            self._redis.connection_pool.release(connection)

    def _arguments(self, version: int, batch: LaneBatch, chunk: list[CardOperation], position: int | None) -> list[Any]:
        """How many keys, the keys, and the values of one call."""
        start, lane = prefix(version), batch.lane
        keys = [f"{start}checkpoints", f"{start}subjects:{lane}", f"{start}counts", f"{start}scope_counts"]
        keys.append(f"{start}owners")
        cards: list[bytes] = []
        for operation in chunk:
            for user_id, card in card_to_redis(operation):
                keys.append(f"{start}card:{user_id}")
                cards.append(card)
        return [
            len(keys),
            *keys,
            lane,
            batch.fence,
            "" if batch.after is None else batch.after,
            "" if position is None else position,
            len(chunk),
            *[operation.subject_id.bytes for operation in chunk],
            *[_state(operation) for operation in chunk],
            *[-len(operation.user_ids) if operation.shared else len(operation.user_ids) for operation in chunk],
            *cards,
        ]


class UserCardView:
    """The reading side: one command a read."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._version = USER_CARD.version

    def read(self, user_id: str) -> bytes | None:
        """The user's card as JSON, or None when there is none (yet)."""
        return self.read_many([user_id]).get(user_id)

    def read_many(self, user_ids: Sequence[str]) -> dict[str, bytes]:
        """Cards by user id; a user without one is missing from the answer."""
        while True:
            start = prefix(self._version)
            keys = [f"{start}card:{user_id}" for user_id in user_ids] + [f"{start}moved"]
            *cards, moved = cast("list[bytes | None]", self._redis.mget(keys))
            if moved is None and (None not in cards or not self._moved_on()):
                return {user_id: card for user_id, card in zip(user_ids, cards, strict=True) if card is not None}
            if moved is not None:
                self._version = int(moved)

    def counts(self) -> dict[str, dict[str, int]]:
        """Standings per scheme and tier: subjects, or over all scopes of a scheme that is kept per scope."""
        self._moved_on()
        tallies: dict[str, dict[str, int]] = {}
        counts = cast("dict[bytes, bytes]", self._redis.hgetall(prefix(self._version) + "counts"))
        for key, count in counts.items():
            scheme, tier = key.decode().split(_PAIR)
            if int(count):
                tallies.setdefault(scheme, {})[tier] = int(count)
        return tallies

    def scope_counts(self, scheme: str, scope: str, tiers: Sequence[str]) -> dict[str, int]:
        """Subjects per tier in one scope of a scheme; each of `tiers`, 0 when there is nobody."""
        self._moved_on()
        fields = [_standing(scheme, scope, tier) for tier in tiers]
        counts = cast("list[bytes | None]", self._redis.hmget(prefix(self._version) + "scope_counts", fields))
        return {tier: int(count or 0) for tier, count in zip(tiers, counts, strict=True)}

    def user_ids(self) -> Iterable[str]:
        """Of every card there is, in no order, possibly twice."""
        self._moved_on()
        start = prefix(self._version) + "card:"
        for key in self._redis.scan_iter(match=f"{_literal(start)}*", count=2_000):
            yield key[len(start) :].decode()

    def _moved_on(self) -> bool:
        """Look up which version answers; whether that is another one than we thought."""
        serving = self._redis.get(SERVING)
        version = USER_CARD.version if serving is None else int(serving)
        changed, self._version = version != self._version, version
        return changed


def _chunks(operations: Sequence[CardOperation]) -> Iterable[list[CardOperation]]:
    """Some hundred cards each; of one subject only the last, for the log tells it in order."""
    latest: dict[int, CardOperation] = {operation.subject_id.int: operation for operation in operations}
    chunk: list[CardOperation] = []
    keys = 0
    for operation in latest.values():
        if chunk and (len(chunk) == _CARDS_A_CALL or keys + len(operation.user_ids) > _KEYS_A_CALL):
            yield chunk
            chunk, keys = [], 0
        chunk.append(operation)
        keys += len(operation.user_ids)
    if chunk:
        yield chunk


def _expect_ok(answer: Any, lane: int) -> None:
    verdict, detail = answer
    if verdict != b"ok":
        raise LaneLost(f"{verdict.decode()} of lane {lane} in Redis is {int(detail)}")


def _state(operation: CardOperation) -> str:
    standings = [_FIELD + _standing(*standing) for standing in operation.stands]
    return f"{operation.position}{''.join(standings)}"


def _standing(scheme: str, scope: str, tier: str) -> str:
    """As it is counted. A scope is whatever text facts have brought: as JSON it holds no separator."""
    return f"{scheme}{_PAIR}{tier}{_PAIR}{_encode(scope).decode()}" if scope else f"{scheme}{_PAIR}{tier}"


def _literal(text: str) -> str:
    """A key's beginning as a pattern that means itself."""
    return "".join(f"\\{char}" if char in "*?[]\\" else char for char in text)
