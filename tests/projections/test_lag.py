"""Lag: what a report says later, when nobody has reported since."""

from projections.lag import LagReader, ReadModelLag, as_of, measured, read_report, write_report


def lag(position: int, head: int, caught_up_at: float = 100.0) -> ReadModelLag:
    return ReadModelLag("user_card", 1, "serving", position, head, caught_up_at)


def test_at_the_head_there_is_no_lag() -> None:
    found = measured({}, [lag(10, 10)], at=200.0).models["user_card"]
    assert (found.lag_events, found.lag_seconds, found.caught_up_at) == (0, 0.0, 200.0)


def test_behind_it_grows_from_the_time_all_was_shown() -> None:
    first = measured({}, [lag(10, 10)], at=200.0)
    later = measured(first.models, [lag(10, 25)], at=201.5).models["user_card"]
    assert (later.lag_events, later.lag_seconds) == (15, 1.5)


def test_a_dead_worker_shows() -> None:
    report = read_report(write_report(measured({}, [lag(10, 10)], at=200.0)))
    assert as_of(report, 201.0)["user_card"].lag_seconds == 0
    assert as_of(report, 230.0)["user_card"].lag_seconds == 30.0
    assert as_of(None, 230.0) == {}


def test_the_board_is_read_seldom() -> None:
    reads = []

    class Board:
        def get(self) -> bytes:
            reads.append(1)
            return write_report(measured({}, [lag(10, 10)], at=now))

        def put(self, report: bytes) -> None:
            raise AssertionError

    now = 200.0
    reader = LagReader(Board(), lambda: now)
    for _ in range(50):
        assert reader.lags()["user_card"].lag_events == 0
    assert len(reads) == 1
    now = 200.7
    reader.lags()
    assert len(reads) == 2
