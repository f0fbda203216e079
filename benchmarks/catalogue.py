"""Every benchmark, in the order in which they run. Imported one by one: none pays for another's modules."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.stage import Stage

Figure = dict[str, Any]
Benchmark = Callable[[Stage], Figure | list[Figure]]


def _on_database(name: str) -> Benchmark:
    return lambda stage: getattr(import_module(f"benchmarks.{name}"), name)(stage.database())


def _on_stage(name: str) -> Benchmark:
    return lambda stage: getattr(import_module(f"benchmarks.{name}"), name)(stage)


CATALOGUE: dict[str, Benchmark] = {
    "append_small": _on_stage("append_small"),
    "append_bulk": _on_stage("append_bulk"),
    "facts_ndjson": _on_database("facts_ndjson"),
    "projection_redis": _on_stage("projection_redis"),
    "projection_opensearch": _on_stage("projection_opensearch"),
    "history": _on_stage("history"),
    "evaluation_sealed_history": _on_stage("evaluation_sealed_history"),
    "evaluation_live": _on_stage("evaluation_live"),
    "evaluation_shadow": _on_stage("evaluation_shadow"),
    "evaluation_one_user": _on_stage("evaluation_one_user"),
    "evaluation_scaling": _on_stage("evaluation_scaling"),
    "activation": _on_stage("activation"),
    "bulk_grants": _on_stage("bulk_grants"),
    "year_questions": _on_stage("year_questions"),
    "http_card_read": _on_stage("http_card_read"),
    "http_command": _on_stage("http_command"),
    "contended_claims": _on_stage("contended_claims"),
    "redemption": _on_stage("redemption"),
    "freshness": _on_stage("freshness"),
    "strategies": _on_stage("strategies"),
}
