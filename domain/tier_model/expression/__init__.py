"""The condition language: SQL boolean expressions, allow-listed, typed, three-valued. One tree, several compilers."""

from domain.tier_model.expression.condition import (
    Condition,
    compile_condition,
    compile_fact_condition,
    compile_recorded,
    compile_segment,
)
from domain.tier_model.expression.fault import ConditionInvalid
from domain.tier_model.expression.opensearch import SCALAR_PARTS, SearchField
from domain.tier_model.expression.sql import SqlColumn
from domain.tier_model.expression.vector import tag_column

__all__ = [
    "SCALAR_PARTS",
    "Condition",
    "ConditionInvalid",
    "SearchField",
    "SqlColumn",
    "compile_condition",
    "compile_fact_condition",
    "compile_recorded",
    "compile_segment",
    "tag_column",
]
