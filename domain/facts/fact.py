"""A fact: something another service says happened to a user. Frozen; checked where it came in (`check.py`)."""

import hashlib

import msgspec

# gc=False below: facts come by the million, and flat values make no cycles for the collector to look for.
Scalar = str | int | float | bool | None
# An order line, flat: sku, category, quantity, amount (minor units) where known, and further attributes.
Line = dict[str, Scalar]


class Fact(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One fact. occurred_at in microseconds, amount in minor units. (source, fact_id) names it among a user's facts."""

    fact_id: str
    user_id: str
    kind: str
    occurred_at: int
    source: str = ""
    amount: int | None = None
    currency: str | None = None
    attributes: dict[str, Scalar] = {}
    lines: tuple[Line, ...] = ()


class Details(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The part of a fact that may be personal: stored sealed with the subject's key."""

    attributes: dict[str, Scalar] = {}
    lines: tuple[Line, ...] = ()


class _Attributes(msgspec.Struct, frozen=True):
    """Details whose lines are skipped, not built: most of a decoding is lines."""

    attributes: dict[str, Scalar] = {}


class _Head(msgspec.Struct, frozen=True, gc=False):
    """What stands before the details in a fact's content."""

    fact_id: str
    kind: str
    occurred_at: int
    source: str
    amount: int | None
    currency: str | None


_JSON = msgspec.json.Encoder(order="deterministic")
_DETAILS_DECODER = msgspec.json.Decoder(Details)
_ATTRIBUTES_DECODER = msgspec.json.Decoder(_Attributes)
# Facts recorded before details were kept as they were hashed have them as msgpack, which never begins like this.
_AS_HASHED = b"{"
_OLD_DETAILS_DECODER = msgspec.msgpack.Decoder(Details)
_OLD_ATTRIBUTES_DECODER = msgspec.msgpack.Decoder(_Attributes)
_MANY_ENCODER = msgspec.msgpack.Encoder()
_MANY_DECODER = msgspec.msgpack.Decoder(list[Details | None])
EMPTY_CHAIN = bytes(32)


def canonical_content(fact: Fact) -> bytes:
    """Canonical JSON of the fact without user_id: what its content hash is taken over."""
    return content_and_details(fact)[0]


def content_and_details(fact: Fact) -> tuple[bytes, bytes | None]:
    """The canonical content, and of it what is stored sealed: attributes and lines; None when there are neither."""
    details = _JSON.encode(Details(fact.attributes, fact.lines)) if fact.attributes or fact.lines else None
    content = content_of(fact.fact_id, fact.kind, fact.occurred_at, fact.source, fact.amount, fact.currency, details)
    return content, details


def content_of(
    fact_id: str,
    kind: str,
    occurred_at: int,
    source: str,
    amount: int | None,
    currency: str | None,
    details: bytes | None,
) -> bytes:
    """The canonical content out of its parts. details: as stored."""
    head = _JSON.encode(_Head(fact_id, kind, occurred_at, source, amount, currency))
    if details is None:
        return head
    if not details.startswith(_AS_HASHED):
        details = _JSON.encode(decode_details(details))
    return b"%b,%b" % (head[:-1], details[1:])


def decode_details(data: bytes) -> Details:
    """What is stored of them, opened. Raises MsgspecError, ValueError or RecursionError for what we never stored."""
    decoder = _DETAILS_DECODER if data.startswith(_AS_HASHED) else _OLD_DETAILS_DECODER
    return decoder.decode(data)


def decode_attributes(data: bytes) -> Details:
    """The same without the lines."""
    decoder = _ATTRIBUTES_DECODER if data.startswith(_AS_HASHED) else _OLD_ATTRIBUTES_DECODER
    return Details(decoder.decode(data).attributes)


def encode_many(details: list[Details | None]) -> bytes:
    """Those of many facts as msgpack."""
    return _MANY_ENCODER.encode(details)


def decode_many(data: bytes) -> list[Details | None]:
    """Back from `encode_many`."""
    return _MANY_DECODER.decode(data)


def next_chain(chain: bytes, content_hash: bytes, known_at: int) -> bytes:
    """The running hash over a subject's fact rows, one row further. Starts at EMPTY_CHAIN."""
    return hashlib.sha256(chain + content_hash + known_at.to_bytes(8, "big", signed=True)).digest()
