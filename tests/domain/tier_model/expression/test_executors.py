"""One condition, one meaning: columns, single rows, SQL in DuckDB, searches, and a naive reading of SQL agree."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opensearchpy import OpenSearch
from opensearchpy.helpers import bulk

from domain.tier_model.column import Column, Type, column_of
from domain.tier_model.expression import Condition, ConditionInvalid, compile_segment, tag_column
from tests.domain.tier_model.expression.naive import naive
from tests.domain.tier_model.expression.random_conditions import (
    NAMES,
    TAGS,
    columns_of,
    conditions,
    number_edges,
    rows,
    searches,
    tag_sets,
    written,
)
from tests.domain.tier_model.expression.search_engine import FIELDS, can_be_indexed, document_of, found, mapping
from tests.domain.tier_model.expression.sql_rows import COLUMNS, table_columns, values_of
from tests.support.servers import SearchSpace

Row = tuple[dict[str, Any], list[str]]
parts = st.lists(st.one_of(conditions, searches), min_size=1, max_size=10)
tagged_rows = st.lists(st.tuples(rows(), tag_sets()), min_size=1, max_size=10)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE r ({table_columns()})")
        yield connection


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts=parts, given_rows=tagged_rows)
def test_all_executors_agree(connection: duckdb.DuckDBPyConnection, parts: list[Any], given_rows: list[Row]) -> None:
    agree(connection, parts, given_rows)


def test_numbers_of_two_kinds_agree_where_rounding_would_tell(connection: duckdb.DuckDBPyConnection) -> None:
    agree(connection, *number_edges())


def agree(connection: duckdb.DuckDBPyConnection, parts: list[Any], given_rows: list[Row]) -> None:
    compiled = [compile_segment(written(part), NAMES) for part in parts]
    by_sql = in_duckdb(connection, compiled, given_rows)
    for part, condition, in_sql in zip(parts, compiled, by_sql, strict=True):
        expected = [truth(naive(part, row, frozenset(tags))) for row, tags in given_rows]
        assert in_columns(condition, given_rows) == expected
        assert [condition.holds(row, tags) for row, tags in given_rows] == expected
        assert in_sql == expected, condition.text
        in_search(condition, given_rows, expected)


def truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def in_columns(condition: Condition, given_rows: list[Row]) -> list[Any]:
    columns: dict[str, Column] = columns_of([row for row, _ in given_rows]) | {
        tag_column(tag): column_of([tag in tags for _, tags in given_rows], Type.boolean) for tag in TAGS
    }
    size = len(given_rows)
    column = condition.evaluate(columns, size)
    values = [column.item(row) for row in range(size)]
    assert condition.matches(columns, size).tolist() == [value is True for value in values]
    return values


def in_duckdb(
    connection: duckdb.DuckDBPyConnection, compiled: list[Condition], given_rows: list[Row]
) -> list[list[bool | None]]:
    """Truth values, a list a condition: all of them in one query."""
    connection.execute("DELETE FROM r")
    marks = ", ".join("?" * (len(NAMES) + 2))
    table = [[number, *values_of(row, tags)] for number, (row, tags) in enumerate(given_rows)]
    connection.executemany(f"INSERT INTO r VALUES ({marks})", table)
    selected = ", ".join(condition.to_sql("duckdb", COLUMNS.__getitem__) for condition in compiled)
    answer = connection.execute(f"SELECT {selected} FROM r ORDER BY row_number").fetchall()
    return [list(column) for column in zip(*answer, strict=True)]


def in_search(condition: Condition, given_rows: list[Row], expected: list[bool | None]) -> None:
    """Where the condition can be searched for."""
    try:
        query = condition.to_opensearch(FIELDS.__getitem__)
    except ConditionInvalid:  # calculates with fields; what must not be refused is tested below
        return
    for (row, tags), value in zip(given_rows, expected, strict=True):
        if can_be_indexed(row):
            assert found(query, document_of(row, tags)) is (value is True), json.dumps(query)


@settings(max_examples=500, deadline=None)
@given(part=searches)
def test_what_is_written_for_a_search_can_be_searched(part: Any) -> None:
    compile_segment(written(part), NAMES).to_opensearch(FIELDS.__getitem__)


def test_a_real_search_server_agrees(opensearch: SearchSpace) -> None:
    client = OpenSearch(opensearch.url, timeout=60)
    index = f"{opensearch.prefix}users"
    client.indices.create(index=index, body={"settings": {"number_of_replicas": 0}, "mappings": mapping()})

    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        parts=st.lists(searches, min_size=30, max_size=60),
        given_rows=st.lists(st.tuples(rows(), tag_sets()), max_size=20),
    )
    def agrees(parts: list[Any], given_rows: list[Row]) -> None:
        held = [(row, tags) for row, tags in given_rows if can_be_indexed(row)]
        client.delete_by_query(index=index, body={"query": {"match_all": {}}}, params={"refresh": "true"})
        documents = [document_of(row, tags) for row, tags in held]
        bulk(client, ({"_index": index, "_id": str(n), **each} for n, each in enumerate(documents)), refresh=True)
        body: list[dict[str, Any]] = []
        for part in parts:
            query = compile_segment(written(part), NAMES).to_opensearch(FIELDS.__getitem__)
            body += [{"index": index}, {"query": query, "size": 100}]
        for part, answer in zip(parts, client.msearch(body=body)["responses"], strict=True):
            expected = {str(n) for n, (row, tags) in enumerate(held) if naive(part, row, frozenset(tags)) is True}
            assert {hit["_id"] for hit in answer["hits"]["hits"]} == expected, written(part)

    agrees()
