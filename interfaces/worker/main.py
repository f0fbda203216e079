"""The worker process: `python -m interfaces.worker.main`. SIGTERM and SIGINT end it cleanly."""

import signal
import sys
import threading

from infrastructure.bootstrap import System, build
from infrastructure.logs import configure_logs
from infrastructure.settings import SettingsError, load_settings
from interfaces.worker.worker import Upkeep, Worker

_AT_LEISURE_SECONDS = 0.2


def main() -> int:
    """Run until told to end. Returns the exit code."""
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    configure_logs(settings.log_level, settings.log_format)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    system = build(settings)
    try:
        work(system, stop)
    finally:
        system.close()
    return 0


def work(system: System, stop: threading.Event) -> None:
    """Be a worker of this system until stop is set."""
    try:
        worker = Worker(
            system.evaluate_due,
            system.read_models,
            system.heartbeat.beat,
            system.receive_nudges,
            system.carry_out_activations,
            system.perform_runs,
            {
                # Whoever enters a tier sees what it brings; the rest may take a moment.
                "strategies": Upkeep(system.strategies.start_when_tiers_change),
                "actions": Upkeep(system.strategies.carry_out_actions),
                "strategies' upkeep": Upkeep(system.strategies.keep_up, _AT_LEISURE_SECONDS),
                "rule tags": Upkeep(system.tags.follow_rules, _AT_LEISURE_SECONDS),
                "grants": Upkeep(system.grants.keep_up, _AT_LEISURE_SECONDS),
                "bulk grants": Upkeep(system.bulk_grants.perform, _AT_LEISURE_SECONDS),
                "messages": Upkeep(system.strategies.send, _AT_LEISURE_SECONDS),
            },
        )
        worker.run(stop)
    finally:
        system.heartbeat.stop()


if __name__ == "__main__":
    sys.exit(main())
