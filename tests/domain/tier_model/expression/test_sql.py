"""The SQL of conditions, case by case; that it means what the executor means is in test_executors.py."""

from typing import Any, Literal

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from domain.tier_model.column import Type
from domain.tier_model.expression import ConditionInvalid, SqlColumn, compile_fact_condition, compile_segment
from tests.domain.tier_model.expression.random_conditions import NAMES

DIALECTS: list[Literal["duckdb", "spark"]] = ["duckdb", "spark"]


def column_of(name: str) -> SqlColumn:
    return SqlColumn(name, NAMES[name])


def sql(text: str, dialect: Literal["duckdb", "spark"] = "duckdb") -> str:
    return compile_segment(text, NAMES).to_sql(dialect, column_of)


@pytest.mark.parametrize(
    ("text", "duck", "spark"),
    [
        ("a >= 4 and t = 'x'", """("a" >= 4) AND ("t" = 'x')""", "(`a` >= 4) AND (`t` = 'x')"),
        ("a > 2.5", '"a" >= 3', "`a` >= 3"),
        ("a < 9223372036854775808.0", 'CASE WHEN NOT ("a" IS NULL) THEN TRUE END', None),
        ("a in (1, 2.0, null)", '"a" IN (1, 2, NULL)', "`a` IN (1, 2, NULL)"),
        ("not f or f is null", '(NOT "f") OR ("f" IS NULL)', "(NOT `f`) OR (`f` IS NULL)"),
        ("spend >= money(10.00) * 2", '"spend" >= 2000', "`spend` >= 2000"),
        ("tier.value = 'high'", """"tier.value" = 'high'""", "`tier.value` = 'high'"),
        ("tag('vip')", """COALESCE(ARRAY_CONTAINS("tags", 'vip'), FALSE)""", None),
        ("1 = 1 or f", 'TRUE OR "f"', None),
        ("t = null", "CAST(NULL AS BOOLEAN)", "CAST(NULL AS BOOLEAN)"),
        (
            "a + 1 > 2",
            'TRY_CAST(CAST("a" AS INT128) + CAST(1 AS INT128) AS BIGINT) > 2',
            "TRY_ADD(CAST(`a` AS BIGINT), CAST(1 AS BIGINT)) > 2",
        ),
        ("x > 0.1", """NULLIF("x", CAST('NaN' AS DOUBLE)) > 0.1e0""", "NULLIF(`x`, CAST('NaN' AS DOUBLE)) > 0.1e0"),
        ("s = 'x' or s", """("s"."text" = 'x') OR "s"."flag\"""", "(`s`.`text` = 'x') OR `s`.`flag`"),
    ],
)
def test_the_text(text: str, duck: str, spark: str | None) -> None:
    assert sql(text) == duck
    if spark is not None:
        assert sql(text, "spark") == spark


def test_columns_of_tables_and_structs() -> None:
    condition = compile_segment("spend > money(1.00) and s > 2 and tag('vip')", NAMES)
    text = condition.to_sql(
        "duckdb", lambda name: SqlColumn(name.upper(), NAMES[name], within=("r", "features")), ("r", "tags")
    )
    assert '"r"."features"."SPEND" > 100' in text
    assert '"r"."features"."S"."whole" > 2' in text
    assert 'ARRAY_CONTAINS("r"."tags", \'vip\')' in text


def test_averages_of_money_are_compared_as_fractions() -> None:
    condition = compile_segment("basket > money(1.00)", NAMES)
    text = condition.to_sql("duckdb", lambda name: SqlColumn(name, Type.money, fractional=True))
    assert text == """NULLIF("basket", CAST('NaN' AS DOUBLE)) > 100.0e0"""


# ------------------------------------------------------------------------------------------------------------- hostile

ATTACKS = [
    "'; DROP TABLE r; --",
    "' OR '1'='1",
    "\\' OR 1=1 --",
    "\\",
    "\\\\'",
    '"; DROP TABLE r; --',
    "`; DROP TABLE r; --",
    "a` OR true OR `a",
    'a" OR true OR "a',
    "${env:HOME}",
    "$${x}",
    "{{ x }}",
    "/* */",
    "$1 ? :x %s",
    "\u2028\n\t",
]


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(st.sampled_from(ATTACKS), st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)))
def test_no_text_leaves_its_quotes(text: str) -> None:
    quoted = text.replace("'", "''")
    condition = compile_fact_condition(f"channel = '{quoted}'", "USD")
    for dialect in DIALECTS:
        written = condition.to_sql(dialect, lambda name: SqlColumn(name, Type.text))
        parsed = sqlglot.parse(written, dialect=dialect)
        assert len(parsed) == 1
        assert isinstance(parsed[0], exp.EQ)
        right = parsed[0].expression
        pieces = right.expressions if isinstance(right, exp.Concat) else [right]
        assert all(isinstance(piece, exp.Literal) and piece.is_string for piece in pieces)
        assert "".join(piece.this for piece in pieces) == text
        assert dialect == "duckdb" or "${" not in written
    written = condition.to_sql("duckdb", lambda name: SqlColumn(name, Type.text))
    assert duckdb.execute(f"SELECT {written} FROM (SELECT ? AS channel)", [text]).fetchall() == [(True,)]


@settings(max_examples=300, deadline=None)
@given(
    name=st.one_of(
        st.sampled_from(ATTACKS), st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
    )
)
def test_no_name_leaves_its_quotes(name: str) -> None:
    quoted = name.replace('"', '""')
    try:
        condition = compile_fact_condition(f'"{quoted}" = 1', "USD")
    except ConditionInvalid:
        return
    (read,) = condition.names
    for dialect in DIALECTS:
        if dialect == "spark" and "${" in read:
            continue  # refused: below
        written = condition.to_sql(dialect, lambda name: SqlColumn(name, Type.integer))
        parsed = sqlglot.parse(written, dialect=dialect)
        assert len(parsed) == 1
        assert [column.name for column in parsed[0].find_all(exp.Column)] == [read]


def test_a_name_that_spark_would_replace_is_refused() -> None:
    condition = compile_fact_condition('"${env:HOME}" = 1', "USD")
    with pytest.raises(ConditionInvalid, match="Rename it"):
        condition.to_sql("spark", lambda name: SqlColumn(name, Type.scalar))
    assert "${env:HOME}" in condition.to_sql("duckdb", lambda name: SqlColumn(name, Type.scalar))


def test_a_column_may_be_called_as_bound_values_are() -> None:
    condition = compile_fact_condition('coalesce("bound value 1", 0.5) + amount / 7 + 1 = 3', "USD")
    struct = "{'whole': 2, 'fraction': NULL::DOUBLE, 'text': NULL::VARCHAR, 'flag': NULL::BOOLEAN}"
    table = f'(SELECT {struct} AS "bound value 1", 0 AS amount)'
    types = {"amount": Type.money}
    written = condition.to_sql("duckdb", lambda name: SqlColumn(name, types.get(name, Type.scalar)))
    assert "bound value _1" in written
    assert duckdb.execute(f"SELECT {written} FROM {table}").fetchall() == [(True,)]


DEEP = {
    "denominators": "1 / (" * 18 + "x" + ")" * 18 + " > 1",
    "first values": "coalesce(" * 18 + "s" + " + x * s, t)" * 18 + " = s",
    "sums": "a" + " + a" * 55 + " > 1",
    "sums of anything": "s" + " + s" * 55 + " > 1",
    "ors": " or ".join(f"a <> {number}" for number in range(600)),
    "ands": " and ".join(["not f"] * 800),
    "list": f"s in ({', '.join(map(str, range(1_200)))})",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_is_deep_or_long_grows_no_faster_than_the_text_and_runs(text: str) -> None:
    condition = compile_segment(text, NAMES)
    for dialect in DIALECTS:
        assert len(condition.to_sql(dialect, column_of)) < 1_000 * len(text)
    row: dict[str, Any] = {"a": 1, "x": 3.0, "t": "x", "s": 2.5, "f": False}
    table = (
        "(SELECT 1::BIGINT AS a, 3e0 AS x, 'x' AS t, false AS f, "
        "{'whole': NULL::BIGINT, 'fraction': 2.5e0, 'text': NULL::VARCHAR, 'flag': NULL::BOOLEAN} AS s)"
    )
    answer = duckdb.execute(f"SELECT {condition.to_sql('duckdb', column_of)} FROM {table}").fetchall()
    assert answer == [(condition.holds(row),)]
