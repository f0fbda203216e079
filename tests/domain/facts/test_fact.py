"""What of a fact is hashed, and what is stored of that."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.facts.fact import (
    Details,
    Fact,
    canonical_content,
    content_and_details,
    content_of,
    decode_attributes,
    decode_details,
)

_scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_flat = st.dictionaries(st.text(max_size=5), _scalars | st.text(max_size=5), max_size=4)
_facts = st.builds(
    Fact,
    fact_id=st.text(min_size=1, max_size=5),
    user_id=st.just("u"),
    kind=st.sampled_from(["order", "visit"]),
    occurred_at=st.integers(0, 2**53),
    source=st.text(max_size=3),
    amount=st.none() | st.integers(-(2**53), 2**53),
    currency=st.none() | st.just("USD"),
    attributes=_flat,
    lines=st.lists(_flat, max_size=3).map(tuple),
)


@given(_facts)
def test_the_content_is_canonical_json_and_ends_in_what_is_stored(fact: Fact) -> None:
    content, stored = content_and_details(fact)
    fields = {name: getattr(fact, name) for name in ("fact_id", "kind", "occurred_at", "source", "amount", "currency")}
    details = {name: getattr(fact, name) for name in ("attributes", "lines") if getattr(fact, name)}
    assert json.loads(content) == json.loads(json.dumps(fields | details))
    assert list(json.loads(content).get("attributes", {})) == sorted(fact.attributes)
    assert content == canonical_content(fact)
    if stored is None:
        assert not details
        return
    assert content.endswith(b"," + stored[1:])
    assert decode_details(stored) == Details(fact.attributes, fact.lines)
    assert decode_attributes(stored) == Details(fact.attributes)


@given(_facts)
def test_details_that_were_stored_as_msgpack_mean_the_same(fact: Fact) -> None:
    """Old rows: their keys in the order in which they were sent."""
    old = msgspec.msgpack.encode(Details(fact.attributes, fact.lines))
    stored = old if fact.attributes or fact.lines else None
    head = (fact.fact_id, fact.kind, fact.occurred_at, fact.source, fact.amount, fact.currency)
    assert content_of(*head, stored) == canonical_content(fact)
    assert decode_details(old) == Details(fact.attributes, fact.lines)
    assert decode_attributes(old) == Details(fact.attributes)
