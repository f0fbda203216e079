"""The sample year: what is written, when it lands, and that the same asks give the same bytes."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from examples.sample_data import choose_shift, write_facts
from examples.sample_data.shift import YEAR_ENDS, shifted_utc

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    """The whole year, unmoved."""
    return write_facts(tmp_path_factory.mktemp("year"), weeks=0)


def test_the_whole_year_is_there_in_time_order_and_to_the_cent(year):
    assert year.counts == {
        "interaction": 2_102,
        "order": 155_848,
        "profile": 801,
        "touch": 6_589,
    }
    assert year.households == len(year.users.read_text().split()) == 2_469
    cents = lines = offered = redeemed = fuel = 0
    names, times = set(), []
    with year.facts.open() as rows:
        for fact in map(json.loads, rows):
            names.add((fact["user_id"], fact["fact_id"]))
            times.append(fact["occurred_at"])
            lines += len(fact.get("lines", ()))
            if fact["kind"] == "order":
                cents += fact["amount"]
                assert fact["amount"] == sum(line["amount"] for line in fact["lines"]) >= 0
                told = fact["attributes"]
                assert fact["currency"] == "USD" and told["store_id"]
                offered, redeemed = offered + told.get("discount", 0), redeemed + told.get("coupon", 0)
                fuel += told["channel"] == "fuel_station"
                assert 0 not in (told.get("discount"), told.get("coupon"))
    assert (cents, lines) == (459_603_958, 1_469_307)
    assert (offered, redeemed, fuel) == (79_165_064, 3_090_255, 12_460)
    assert len(names) == len(times) == 165_340
    assert times == sorted(times)
    assert (times[0], times[-1]) == (year.first_occurred_at, year.last_occurred_at)
    assert times[-1] == "2018-01-01T04:01:20Z"


def test_a_sample_is_part_of_the_year_and_repeats_to_the_byte(year, tmp_path):
    first = write_facts(tmp_path / "one", weeks=0, households=20)
    packed = write_facts(tmp_path / "two", weeks=0, households=20, compress=True)
    again = write_facts(tmp_path / "three", weeks=0, households=20, compress=True)
    users = set(first.users.read_text().split())
    assert len(users) == first.households == 20
    assert gzip.decompress(packed.facts.read_bytes()) == first.facts.read_bytes()
    assert packed.facts.read_bytes() == again.facts.read_bytes()
    with year.facts.open() as rows:
        assert first.facts.read_text() == "".join(row for row in rows if json.loads(row)["user_id"] in users)
    smaller = write_facts(tmp_path / "four", weeks=0, households=5)
    assert set(smaller.users.read_text().split()) < users


def test_moved_facts_keep_their_local_weekday_and_time(tmp_path):
    still = write_facts(tmp_path / "still", weeks=0, households=5)
    moved = write_facts(tmp_path / "moved", weeks=463, households=5)
    assert _local_times(moved.facts) == {
        name: local + timedelta(weeks=463) for name, local in _local_times(still.facts).items()
    }


def test_a_time_that_is_skipped_or_doubled_in_the_new_year():
    skipped = shifted_utc(datetime(2017, 3, 5, 7, 30), 1)  # 02:30 local on 5 March, moved to the day that has no 02:30
    assert skipped == datetime(2017, 3, 12, 7, 30, tzinfo=UTC)
    assert skipped.astimezone(NEW_YORK).hour == 3
    doubled = shifted_utc(datetime(2017, 10, 29, 5, 30), 1)  # 01:30, moved to the day that has it twice
    assert doubled == datetime(2017, 11, 5, 5, 30, tzinfo=UTC)
    assert shifted_utc(datetime(2017, 11, 5, 6, 30), 0) == datetime(2017, 11, 5, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("days", [0, 1, 6, 7, 8, 200])
def test_the_year_ends_within_the_last_seven_days_of_the_first_run(tmp_path: Path, days: int):
    now = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(days=days)
    shift = choose_shift(tmp_path, now)
    age = now.astimezone(NEW_YORK).replace(tzinfo=None) - (YEAR_ENDS + timedelta(weeks=shift.weeks))
    assert timedelta(0) <= age < timedelta(days=7)
    assert shift.newly_chosen
    later = choose_shift(tmp_path, now + timedelta(days=100))
    assert (later.weeks, later.newly_chosen) == (shift.weeks, False)
    assert f"{shift.weeks} weeks" in str(shift)


def _local_times(facts: Path) -> dict[tuple[str, str], datetime]:
    rows = map(json.loads, facts.read_text().splitlines())
    return {
        (row["user_id"], row["fact_id"]): datetime.fromisoformat(row["occurred_at"])
        .astimezone(NEW_YORK)
        .replace(tzinfo=None)
        for row in rows
    }
