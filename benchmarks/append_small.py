"""One event a save at sixteen writers: the ledger's joined appends against the library as it is shipped."""

import statistics
import threading
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from benchmarks.ledger_rows import MASTER_KEY, RECORDED_AT, enrol, receipt, tier_changed
from benchmarks.stage import Stage
from infrastructure.event_store.append import AppendBatch
from infrastructure.event_store.rows import seal_event
from infrastructure.event_store.small_appends import EventStore
from infrastructure.event_store.subjects import SubjectRef
from infrastructure.postgres.migrate import migrate
from infrastructure.postgres.pool import open_pool
from infrastructure.security.keyring import Keyring

GOAL = 3.0
WRITERS = 16
_ROUNDS = 5

Save = Callable[[], object]


def append_small(stage: Stage, seconds: float = 3.0) -> dict[str, Any]:
    """Threads of one process, as in the API. Medians of some rounds, alternating."""
    ours, theirs = stage.database(), stage.database()
    migrate(ours)
    with open_pool(ours, WRITERS, WRITERS, name="bench-append") as pool, closing(_library(theirs)) as library:
        store = EventStore(pool)
        our_writers = [_our_writer(store, ref) for ref in enrol(pool, Keyring(MASTER_KEY), WRITERS)]
        their_writers = [_their_writer(library) for _ in range(WRITERS)]
        _per_second(our_writers, 0.5), _per_second(their_writers, 0.5)  # connections are open, plans are made
        rates = [(_per_second(our_writers, seconds), _per_second(their_writers, seconds)) for _ in range(_ROUNDS)]
    value, baseline = (statistics.median(column) for column in zip(*rates, strict=True))
    return {
        "name": "append_small",
        "ratio": round(value / baseline, 2),
        "goal": GOAL,
        "value": round(value),
        "baseline": round(baseline),
        "unit": "events/s",
        "note": f"{WRITERS} threads, one event a save, sealed; against eventsourcing with its own Postgres recorder",
    }


def _our_writer(store: EventStore, ref: SubjectRef) -> Save:
    versions = count(1)

    def save() -> None:
        event = seal_event(tier_changed(ref, next(versions)), ref.seal, RECORDED_AT)
        store.append_small(AppendBatch([event]))

    return save


class Story(Aggregate):
    """A subject of the library's own kind."""

    @event("TierChanged")
    def change_tier(self, cause: str, from_tier: str, to_tier: str, receipt: dict[str, Any]) -> None:
        """The same event, with the same receipt."""
        self.tier = to_tier


def _library(dsn: str) -> Application[UUID]:
    """All settings but the address are the library's own."""
    parts = urlsplit(dsn)
    return Application(
        {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": parts.path[1:],
            "POSTGRES_HOST": parts.hostname or "",
            "POSTGRES_PORT": str(parts.port),
            "POSTGRES_USER": parts.username or "",
            "POSTGRES_PASSWORD": parts.password or "",
        }
    )


def _their_writer(library: Application[UUID]) -> Save:
    story, versions = Story(), count(2)
    library.save(story)

    def save() -> None:
        story.change_tier("evaluation", "general_growth", "important_growth", receipt(next(versions)))
        library.save(story)

    return save


def _per_second(writers: list[Save], seconds: float) -> float:
    """Saves a second of all writers together, each in a thread of its own, for so long."""
    done = [0] * len(writers)
    start = threading.Barrier(len(writers) + 1)
    ends_at = [0.0]

    def write(number: int) -> None:
        start.wait()
        while time.perf_counter() < ends_at[0]:
            writers[number]()
            done[number] += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(len(writers))]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    ends_at[0] = began + seconds
    start.wait()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - began)
