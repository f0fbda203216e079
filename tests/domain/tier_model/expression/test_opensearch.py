"""Queries of conditions, case by case; that they find what is true is in test_executors.py too, at random."""

from typing import Any

import pytest
from opensearchpy import OpenSearch
from opensearchpy.helpers import bulk

from domain.tier_model.column import Type
from domain.tier_model.expression import Condition, ConditionInvalid, compile_segment
from tests.domain.tier_model.expression.random_conditions import NAMES
from tests.domain.tier_model.expression.search_engine import FIELDS, TODAY, document_of, found, mapping
from tests.support.servers import SearchSpace

TYPES = {**NAMES, "days": Type.integer}


def segment(text: str) -> Condition:
    return compile_segment(text, TYPES)


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
        ("days >= 1e-20", {"range": {"features.days": {"lte": TODAY - 1}}}),
        ("days = 1e-20", {"match_none": {}}),
        ("x < 0", {"range": {"features.x": {"lt": -0.0}}}),
        ("x = 0", {"range": {"features.x": {"gte": -0.0, "lte": 0.0}}}),
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
    *(f"{name} {op} 0" for name in ("x", "s") for op in ("=", "<>", "<", "<=", ">", ">=")),
    "not (x = 0) and x in (0, 0.5, 2)",
    "t = '' and tier.value = ''",
]


def test_a_real_server_finds_what_is_true(opensearch: SearchSpace) -> None:
    users = [
        {"a": a, "x": x, "t": t, "f": f, "s": s, "spend": spend, "days": days, "basket": basket, "tier.value": tier}
        for a, x, t, f, s, spend, days, basket, tier in [
            (2, 0.5, "x", True, "x", 100, 30, 100.5, "high"),
            (1, 0.25, "y", False, 1.5, 200, 31, 99.5, "low"),
            (9007199254740993, -1.0, "\U0001f600", None, True, 201, 0, None, None),
            (9007199254740992, 2.0, "z", True, "1", 99, 400, 100.0, "A"),
            (0, -0.0, "", False, -0.0, 0, 1, -0.0, ""),
            (0, 0.0, "", False, 0.0, 0, 1, 0.0, ""),
            (None, None, None, None, None, None, None, None, None),
        ]
    ]
    tags = [["vip"], [], ["risk", "vip"], ["risk"], [], [], []]
    client = OpenSearch(opensearch.url, timeout=60)
    index = f"{opensearch.prefix}segments"
    client.indices.create(index=index, body={"settings": {"number_of_replicas": 0}, "mappings": mapping()})
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
