"""Spark's SQL means what the columns mean: on a real Spark, with the extra `spark` and Java 17 or later."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.tier_model.expression import compile_segment
from tests.domain.tier_model.expression.naive import naive
from tests.domain.tier_model.expression.random_conditions import (
    NAMES,
    conditions,
    number_edges,
    rows,
    tag_sets,
    written,
)
from tests.domain.tier_model.expression.sql_rows import COLUMNS, table_columns, values_of

pytest.importorskip("pyspark", reason="pyspark is not installed: it comes with the extra `spark`")
from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

Row = tuple[dict[str, Any], list[str]]


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    try:
        session = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "1")
            .getOrCreate()
        )
    except PySparkRuntimeError as refused:
        pytest.skip(f"Spark does not start here, it needs Java 17 or later: {refused}")
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def schema() -> str:
    """The table's columns in Spark's words."""
    spelled = table_columns().replace('"', "`").replace("VARCHAR[]", "ARRAY<STRING>").replace("VARCHAR", "STRING")
    return spelled.replace("STRUCT(", "STRUCT<").replace("BOOLEAN)", "BOOLEAN>")


def agree(spark: SparkSession, parts: list[Any], given_rows: list[Row]) -> None:
    table = [[number, *values_of(row, tags)] for number, (row, tags) in enumerate(given_rows)]
    spark.createDataFrame(table, schema()).createOrReplaceTempView("r")
    compiled = [compile_segment(written(part), NAMES) for part in parts]
    selected = ", ".join(
        f"{condition.to_sql('spark', COLUMNS.__getitem__)} AS c{number}" for number, condition in enumerate(compiled)
    )
    answer = spark.sql(f"SELECT {selected} FROM r ORDER BY row_number").collect()
    for part, column in zip(parts, zip(*answer, strict=True), strict=True):
        expected = [
            value if isinstance(value := naive(part, row, frozenset(tags)), bool) else None for row, tags in given_rows
        ]
        assert list(column) == expected, written(part)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("ansi", ["true", "false"])
def test_spark_agrees(spark: SparkSession, ansi: str) -> None:
    spark.conf.set("spark.sql.ansi.enabled", ansi)

    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        parts=st.lists(conditions, min_size=20, max_size=40),
        given_rows=st.lists(st.tuples(rows(), tag_sets()), min_size=10, max_size=30),
    )
    def agrees(parts: list[Any], given_rows: list[Row]) -> None:
        agree(spark, parts, given_rows)

    agrees()


@pytest.mark.timeout(600)
def test_numbers_of_two_kinds_agree_where_rounding_would_tell(spark: SparkSession) -> None:
    parts, given_rows = number_edges()
    for start in range(0, len(parts), 60):
        agree(spark, parts[start : start + 60], given_rows)


def test_no_setting_takes_the_place_of_a_text(spark: SparkSession) -> None:
    text = "${env:HOME} ${spark.app.id} $ ${ {} ' \\ \\u0041 \n"
    condition = compile_segment("t = '" + text.replace("'", "''") + "'", NAMES)
    spark.createDataFrame([[text], ["x"]], "t STRING").createOrReplaceTempView("r")
    answer = spark.sql(f"SELECT {condition.to_sql('spark', COLUMNS.__getitem__)} AS found FROM r").collect()
    assert sorted(row.found for row in answer) == [False, True]


def test_what_is_nested_as_deeply_as_can_be_is_run(spark: SparkSession) -> None:
    text = "1 / (" * 18 + "x" + ")" * 18 + " = 3"
    condition = compile_segment(text, NAMES)
    spark.createDataFrame([[3.0], [0.0], [None]], "x DOUBLE").createOrReplaceTempView("r")
    answer = spark.sql(f"SELECT {condition.to_sql('spark', COLUMNS.__getitem__)} AS found FROM r").collect()
    assert [row.found for row in answer] == [condition.holds({"x": x}) for x in (3.0, 0.0, None)]
