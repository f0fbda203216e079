"""What a candidate beside the version in force costs: live micro-batches, recorded, with one and without."""

import statistics
import time
from collections import defaultdict
from typing import Any

import msgspec

from application.evaluation.evaluate_due import MICRO_BATCH
from benchmarks.evaluation_live import order_each
from benchmarks.sample_year import sealed_year
from benchmarks.stage import Stage
from infrastructure.bootstrap import System, build

GOAL_TIMES = 1.6
_ROUNDS = 8
_HOUSEHOLDS = 1_100  # two full micro-batches a round


def evaluation_shadow(stage: Stage) -> dict[str, Any]:
    """Medians; rounds with and without take turns on the same users."""
    system = build(stage.settings())
    try:
        households = sealed_year(system, ("value",), _HOUSEHOLDS).users.read_text().split()
        while system.evaluate_due.decide_history()[0]:
            pass
        candidate = candidate_of(system)
        seconds: dict[bool, list[float]] = defaultdict(list)
        for number in range(_ROUNDS):
            beside = number % 2 == 1
            if beside:
                system.start_shadow("value", candidate, "bench")
            order_each(system, households, number)
            for _ in range(2):
                began = time.perf_counter()
                assert system.evaluate_due(MICRO_BATCH) >= MICRO_BATCH
                seconds[beside].append(time.perf_counter() - began)
            while system.evaluate_due():
                pass
            if beside:
                status = system.show_shadow.status("value", candidate)
                assert not status.fault and status.standings == len(households), status
                system.stop_shadow("value", candidate, "bench")
    finally:
        system.close()
    alone, together = statistics.median(seconds[False]), statistics.median(seconds[True])
    return {
        "name": "evaluation_shadow",
        "ratio": round(GOAL_TIMES * alone / together, 3),
        "goal": 1.0,
        "value": round(together / alone, 2),
        "baseline": GOAL_TIMES,
        "unit": "times",
        "note": f"{len(seconds[True])} micro-batches of {MICRO_BATCH} households, a year and a new order each, read, "
        f"decided and recorded: {1_000 * together:.0f} ms with a candidate of the value model beside it, "
        f"{1_000 * alone:.0f} ms without; the ratio is goal over value",
    }


def candidate_of(system: System) -> int:
    """A version that differs from the one in force, with the same cuts."""
    view = next(view for view in system.tier_models.versions("value") if view.status == "active")
    policy = view.spec["policy"] | {"downgrade": view.spec["policy"]["downgrade"] | {"grace": "60 days"}}
    spec = {name: part for name, part in view.spec.items() if name != "fitted"} | {"policy": policy}
    drafted, _ = system.create_tier_model(msgspec.json.encode(spec), "bench")
    return int(drafted.version)
