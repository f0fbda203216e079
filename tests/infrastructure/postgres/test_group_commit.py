"""Concurrent items become one batch; a bad one harms only itself."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from psycopg_pool import PoolTimeout

from infrastructure.postgres.group_commit import GroupCommit


class Recorder:
    """Doubles numbers. The first batch waits until it is let go, so that the others queue up behind it."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = Event()
        self.go = Event()

    def run(self, items: list[int]) -> list[int]:
        first = not self.batches
        self.batches.append(items)
        if first:
            self.entered.set()
            assert self.go.wait(10)
        if any(item < 0 for item in items):
            raise ValueError(f"negative: {items}")
        return [item * 2 for item in items]


def submit_behind_the_first(group: GroupCommit[int, int], recorder: Recorder, items: list[int]) -> list[object]:
    """Submit 1000, and the items while it runs; answer what became of each item."""
    with ThreadPoolExecutor(len(items) + 1) as threads:
        first = threads.submit(group.submit, 1000)
        assert recorder.entered.wait(10)
        others = [threads.submit(group.submit, item) for item in items]
        while len(group._queue) < len(items):
            pass
        recorder.go.set()
        assert first.result() == 2000
        return [other.exception() or other.result() for other in others]


def test_what_queued_up_becomes_one_batch() -> None:
    recorder = Recorder()
    results = submit_behind_the_first(GroupCommit(recorder.run), recorder, list(range(15)))
    assert results == [item * 2 for item in range(15)]
    assert recorder.batches[0] == [1000]
    assert [sorted(batch) for batch in recorder.batches[1:]] == [list(range(15))]


def test_a_bad_item_harms_only_itself() -> None:
    recorder = Recorder()
    results = submit_behind_the_first(GroupCommit(recorder.run), recorder, [1, -2, 3])
    assert results[0] == 2
    assert results[2] == 6
    assert isinstance(results[1], ValueError)
    assert str(results[1]) == "negative: [-2]"


def test_without_a_connection_nobody_waits_in_turn() -> None:
    recorder = Recorder()

    def run(items: list[int]) -> list[int]:
        doubled = recorder.run(items)
        if len(recorder.batches) == 2:
            raise ConnectionError("lost on the way")
        if len(recorder.batches) > 2:
            raise PoolTimeout
        return doubled

    results = submit_behind_the_first(GroupCommit(run), recorder, [1, 2, 3, 4])
    assert [type(result) for result in results] == [PoolTimeout] * 4
    assert [len(batch) for batch in recorder.batches] == [1, 4, 1]


def test_batches_are_bounded() -> None:
    recorder = Recorder()
    results = submit_behind_the_first(GroupCommit(recorder.run, max_batch=4), recorder, list(range(10)))
    assert results == [item * 2 for item in range(10)]
    assert max(len(batch) for batch in recorder.batches) == 4


def test_an_outcome_may_be_an_exception() -> None:
    group: GroupCommit[int, int] = GroupCommit(lambda items: [KeyError(item) for item in items])
    with pytest.raises(KeyError):
        group.submit(1)


def test_a_missing_outcome_is_an_error_and_the_next_item_is_served() -> None:
    answers: list[list[int]] = [[], [7]]
    group: GroupCommit[int, int] = GroupCommit(lambda items: answers.pop(0))
    with pytest.raises(RuntimeError, match="0 outcomes for 1 items"):
        group.submit(1)
    assert group.submit(1) == 7
