"""Queries find exactly the documents for which the condition is true: read naively, and by a real OpenSearch."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opensearchpy import OpenSearch
from opensearchpy.helpers import bulk

from domain.tier_model.column import Type
from domain.tier_model.expression import SCALAR_PARTS, Condition, ConditionInvalid, SearchField, compile_segment
from tests.domain.tier_model.expression.random_conditions import NAMES, naive, rows, searches, written
from tests.support.servers import SearchSpace

TODAY = 20_000
FIELDS = {name: SearchField(f"features.{name}", type_) for name, type_ in NAMES.items()} | {
    "days": SearchField("features.days", Type.day, today=TODAY),
    "basket": SearchField("features.basket", Type.money, fractional=True),
    "tier.value": SearchField("tiers.value", Type.text),
}
TYPES = {**NAMES, "days": Type.integer, "basket": Type.money, "tier.value": Type.text}


def document_of(row: dict[str, Any], tags: list[str]) -> dict[str, Any]:
    """As an index of users holds it: nulls left out, a scalar under its type, days as the day counted from."""
    document: dict[str, Any] = {"tags": tags}
    for name, value in row.items():
        field = FIELDS[name]
        if value is None:
            continue
        if field.type is Type.scalar:
            document[f"{field.path}.{SCALAR_PARTS[type(value)]}"] = value
        else:
            document[field.path] = TODAY - value if field.type is Type.day else value
    return document


def found(query: dict[str, Any], document: dict[str, Any]) -> bool:
    """A tiny search engine."""
    ((kind, body),) = query.items()
    if kind in ("match_all", "match_none"):
        return kind == "match_all"
    if kind == "bool":
        should = [found(each, document) for each in body.get("should", [])]
        return (
            all(found(each, document) for each in body.get("filter", []))
            and not any(found(each, document) for each in body.get("must_not", []))
            and sum(should) >= body.get("minimum_should_match", 0)
        )
    if kind == "exists":
        return body["field"] in document
    ((path, wanted),) = body.items()
    if path not in document:
        return False
    held = document[path] if isinstance(document[path], list) else [document[path]]
    if kind == "term":
        return wanted in held
    if kind == "terms":
        return any(each in held for each in wanted)
    assert kind == "range"
    tests = {"lt": lambda v, w: v < w, "lte": lambda v, w: v <= w, "gt": lambda v, w: v > w, "gte": lambda v, w: v >= w}
    return all(tests[operator](value, bound) for operator, bound in wanted.items() for value in held)


def segment(text: str) -> Condition:
    return compile_segment(text, TYPES)


tags = st.lists(st.sampled_from(["vip", "new"]), unique=True)


@settings(max_examples=400, deadline=None)
@given(part=searches, row=rows(), tags=tags)
def test_a_query_finds_what_is_true(part: Any, row: dict[str, Any], tags: list[str]) -> None:
    query = segment(written(part)).to_opensearch(FIELDS.__getitem__)
    assert found(query, document_of(row, tags)) is (naive(part, row, frozenset(tags)) is True), json.dumps(query)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("tier.value = 'high'", {"term": {"tiers.value": "high"}}),
        ("tier.value in ('high', 'mid', null)", {"terms": {"tiers.value": ["high", "mid"]}}),
        ("a >= 2.5", {"range": {"features.a": {"gte": 3}}}),
        ("a < 2.5", {"range": {"features.a": {"lte": 2}}}),
        ("a = 2.5", {"match_none": {}}),
        ("a = null", {"match_none": {}}),
        ("1 = 1", {"match_all": {}}),
        ("spend >= money(10.00) * 2", {"range": {"features.spend": {"gte": 2000}}}),
        ("days <= 30", {"range": {"features.days": {"gte": TODAY - 30}}}),
        ("days > 30.5", {"range": {"features.days": {"lte": TODAY - 31}}}),
        ("30 > days", {"range": {"features.days": {"gt": TODAY - 30}}}),
        ("basket > money(1.00) / 3", {"range": {"features.basket": {"gt": 100 / 3}}}),
        ("s = 'x'", {"term": {"features.s.text": "x"}}),
        (
            "s > 5.5",
            {
                "bool": {
                    "should": [
                        {"range": {"features.s.whole": {"gte": 6}}},
                        {"range": {"features.s.fraction": {"gt": 5.5}}},
                    ],
                    "minimum_should_match": 1,
                }
            },
        ),
        ("x > 9007199254740993", {"range": {"features.x": {"gte": 9007199254740994.0}}}),
        ("a > 9223372036854775807.5", {"match_none": {}}),
        ("tag('vip') = true", {"term": {"tags": "vip"}}),
        ("tag('vip') <> true", {"bool": {"must_not": [{"term": {"tags": "vip"}}]}}),
        ("a is not null", {"exists": {"field": "features.a"}}),
    ],
)
def test_the_query_of_a_segment(text: str, query: dict[str, Any]) -> None:
    assert segment(text).to_opensearch(FIELDS.__getitem__) == query


def test_not_never_finds_what_is_not_there() -> None:
    query = segment("not (a >= 2 and t = 'x')").to_opensearch(FIELDS.__getitem__)
    assert not found(query, {})
    assert found(query, {"features.a": 1})
    assert found(query, {"features.t": "y"})
    assert not found(query, {"features.a": 2})


@pytest.mark.parametrize(
    "text", ["a > b", "a + 1 > 2", "-a > 2", "coalesce(a, 1) > 2", "a in (1, b)", "a / 2 is null", "(a > 1) = f"]
)
def test_what_a_search_cannot_do_is_refused(text: str) -> None:
    with pytest.raises(ConditionInvalid, match="a search cannot work out"):
        segment(text).to_opensearch(FIELDS.__getitem__)


SEGMENTS = [
    "a >= 2",
    "not (a >= 2)",
    "a <> 2 or t = 'x'",
    "not (t in ('x', 'y'))",
    "a > 1.5 and x <= 0.5",
    "spend between money(1.00) and money(2.00)",
    "f",
    "not f",
    "f is null or t is null",
    "s = 'x' or s > 1 or s = true",
    "not (s = 'x')",
    "days <= 30 and not tag('risk')",
    "days > 30.5",
    "tier.value > 'a' and (tag('vip') or a = 9007199254740993)",
    "a = 9007199254740992.0",
    "basket >= money(1.00)",
]


def test_a_real_server_finds_what_is_true(opensearch: SearchSpace) -> None:
    users = [
        {"a": a, "x": x, "t": t, "f": f, "s": s, "spend": spend, "days": days, "basket": basket, "tier.value": tier}
        for a, x, t, f, s, spend, days, basket, tier in [
            (2, 0.5, "x", True, "x", 100, 30, 100.5, "high"),
            (1, 0.25, "y", False, 1.5, 200, 31, 99.5, "low"),
            (9007199254740993, -1.0, "\U0001f600", None, True, 201, 0, None, None),
            (9007199254740992, 2.0, "z", True, "1", 99, 400, 100.0, "A"),
            (None, None, None, None, None, None, None, None, None),
        ]
    ]
    tags = [["vip"], [], ["risk", "vip"], ["risk"], []]
    client = OpenSearch(opensearch.url, timeout=60)
    index = f"{opensearch.prefix}segments"
    client.indices.create(index=index, body={"settings": {"number_of_replicas": 0}, "mappings": _mapping()})
    documents = [document_of(row, mine) for row, mine in zip(users, tags, strict=True)]
    bulk(client, ({"_index": index, "_id": str(number), **each} for number, each in enumerate(documents)), refresh=True)
    for text in SEGMENTS:
        condition = segment(text)
        expected = {
            str(number)
            for number, (row, mine) in enumerate(zip(users, tags, strict=True))
            if condition.holds(row, mine) is True
        }
        answer = client.search(index=index, body={"query": condition.to_opensearch(FIELDS.__getitem__), "size": 10})
        assert {hit["_id"] for hit in answer["hits"]["hits"]} == expected, text


def _mapping() -> dict[str, Any]:
    kinds = {Type.integer: "long", Type.money: "long", Type.day: "long", Type.number: "double", Type.boolean: "boolean"}
    properties: dict[str, Any] = {"tags": {"type": "keyword"}}
    for field in FIELDS.values():
        if field.type is Type.scalar:
            for part, kind in (("whole", "long"), ("fraction", "double"), ("text", "keyword"), ("flag", "boolean")):
                properties[f"{field.path}.{part}"] = {"type": kind}
        else:
            kind = "double" if field.fractional else kinds.get(field.type, "keyword")
            properties[field.path] = {"type": kind}
    return {"dynamic": "strict", "properties": properties}
