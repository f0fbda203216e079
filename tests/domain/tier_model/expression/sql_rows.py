"""Random rows as a table for SQL, and where its columns are."""

from typing import Any

from domain.tier_model.column import Type
from domain.tier_model.expression import SCALAR_PARTS, SqlColumn
from tests.domain.tier_model.expression.random_conditions import NAMES

COLUMNS = {name: SqlColumn(name, type_, within=("r",), fractional=name == "basket") for name, type_ in NAMES.items()}
_TYPES = {
    Type.integer: "BIGINT",
    Type.money: "BIGINT",
    Type.number: "DOUBLE",
    Type.text: "VARCHAR",
    Type.boolean: "BOOLEAN",
}
_SCALAR = 'STRUCT(whole BIGINT, fraction DOUBLE, "text" VARCHAR, flag BOOLEAN)'


def table_columns() -> str:
    """As create table wants them, for DuckDB; the rows' number first, the tags last."""
    columns = ", ".join(
        f'"{COLUMNS[name].name}" ' + ("DOUBLE" if name == "basket" else _TYPES.get(type_, _SCALAR))
        for name, type_ in NAMES.items()
    )
    return f"row_number BIGINT, {columns}, tags VARCHAR[]"


def values_of(row: dict[str, Any], tags: list[str]) -> list[Any]:
    """One row's values, without its number."""
    return [*(_parts(row[name]) if type_ is Type.scalar else row[name] for name, type_ in NAMES.items()), tags or None]


def _parts(value: Any) -> dict[str, Any]:
    return {part: value if type(value) is type_ else None for type_, part in SCALAR_PARTS.items()}
