"""Moves the year 2017 forward by whole weeks, keeping weekdays, local times of day and the order of things.

The stored timestamps carry no zone. Their week numbers turn over at 05:00 in winter and 04:00 from 12 March to 4
November: they are UTC, written down for shops in the zone America/New_York. So a timestamp is read as UTC, moved in
local time, and turned back into UTC.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo


def _packaged_zone(name: str) -> ZoneInfo:
    """The zone from the locked tzdata package: the machine's own data may be older."""
    with resources.files("tzdata.zoneinfo").joinpath(name).open("rb") as data:
        return ZoneInfo.from_file(data, name)


TIME_ZONE = "America/New_York"
YEAR_STARTS = datetime(2017, 1, 1)  # noqa: DTZ001 (local)
YEAR_ENDS = datetime(2017, 12, 31, 23, 1, 20)  # noqa: DTZ001 (local; the last basket)
_STORED_IN = "sample-data.json"
_ZONE = _packaged_zone(TIME_ZONE)


@dataclass(frozen=True, slots=True)
class Shift:
    """By how many weeks the year is moved, and whether that was decided just now."""

    weeks: int
    newly_chosen: bool

    def __str__(self) -> str:
        first, last = (moment + timedelta(weeks=self.weeks) for moment in (YEAR_STARTS, YEAR_ENDS))
        chosen = "chosen now and kept" if self.newly_chosen else "as chosen before"
        return f"2017 moved forward by {self.weeks} weeks, {first:%Y-%m-%d} to {last:%Y-%m-%d} ({chosen})"


def choose_shift(home: Path, now: datetime) -> Shift:
    """The shift kept in `home`, or else the one by which the year ends within the seven days before `now` (aware)."""
    stored = home / _STORED_IN
    if stored.exists():
        return Shift(weeks=int(json.loads(stored.read_text())["weeks"]), newly_chosen=False)
    weeks = (now.astimezone(_ZONE).replace(tzinfo=None) - YEAR_ENDS) // timedelta(weeks=1)
    home.mkdir(parents=True, exist_ok=True)
    stored.write_text(json.dumps({"weeks": weeks}) + "\n")
    return Shift(weeks=weeks, newly_chosen=True)


def shifted_utc(stored: datetime, weeks: int) -> datetime:
    """A stored timestamp (naive, UTC), moved in local time, as UTC."""
    local = stored.replace(tzinfo=UTC).astimezone(_ZONE)
    return _to_utc(local.replace(tzinfo=None) + timedelta(weeks=weeks), local.fold)


def shifted_local(local: datetime, weeks: int) -> datetime:
    """A naive local time, moved, as UTC."""
    return _to_utc(local + timedelta(weeks=weeks), 0)


def _to_utc(local: datetime, fold: int) -> datetime:
    """A local time that the clocks skip moves on by the skipped hour; of one that comes twice it is the one `fold`
    says."""
    return local.replace(tzinfo=_ZONE, fold=fold).astimezone(UTC)
