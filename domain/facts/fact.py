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


class _Content(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What makes two facts of one subject and name the same: everything but who it was sent for and when."""

    fact_id: str
    kind: str
    occurred_at: int
    source: str
    amount: int | None
    currency: str | None
    attributes: dict[str, Scalar] = {}
    lines: tuple[Line, ...] = ()


_JSON = msgspec.json.Encoder(order="deterministic")
_DETAILS_ENCODER = msgspec.msgpack.Encoder()
_DETAILS_DECODER = msgspec.msgpack.Decoder(Details)
_ATTRIBUTES_DECODER = msgspec.msgpack.Decoder(_Attributes)
_MANY_DECODER = msgspec.msgpack.Decoder(list[Details | None])
EMPTY_CHAIN = bytes(32)


def canonical_content(fact: Fact) -> bytes:
    """Canonical JSON of the fact without user_id: what its content hash is taken over."""
    return content_of(
        fact.fact_id,
        fact.kind,
        fact.occurred_at,
        fact.source,
        fact.amount,
        fact.currency,
        Details(fact.attributes, fact.lines),
    )


def content_of(
    fact_id: str,
    kind: str,
    occurred_at: int,
    source: str,
    amount: int | None,
    currency: str | None,
    details: Details,
) -> bytes:
    """The same out of its parts."""
    return _JSON.encode(
        _Content(fact_id, kind, occurred_at, source, amount, currency, details.attributes, details.lines)
    )


def encode_details(fact: Fact) -> bytes | None:
    """Attributes and lines as msgpack; None when there are neither."""
    if not fact.attributes and not fact.lines:
        return None
    return _DETAILS_ENCODER.encode(Details(fact.attributes, fact.lines))


def decode_details(data: bytes) -> Details:
    """Back from `encode_details`."""
    return _DETAILS_DECODER.decode(data)


def decode_attributes(data: bytes) -> Details:
    """Back from `encode_details`, without the lines."""
    return Details(_ATTRIBUTES_DECODER.decode(data).attributes)


def encode_many(details: list[Details | None]) -> bytes:
    """Those of many facts as msgpack."""
    return _DETAILS_ENCODER.encode(details)


def decode_many(data: bytes) -> list[Details | None]:
    """Back from `encode_many`."""
    return _MANY_DECODER.decode(data)


def next_chain(chain: bytes, content_hash: bytes, known_at: int) -> bytes:
    """The running hash over a subject's fact rows, one row further. Starts at EMPTY_CHAIN."""
    return hashlib.sha256(chain + content_hash + known_at.to_bytes(8, "big")).digest()
