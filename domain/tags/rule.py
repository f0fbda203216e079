"""A tag's rule held against what is observed of a subject: whether it is true, and until when that stays so. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import floor

from domain.tags.definition import Lineage
from domain.tier_model.calendar import Calendar
from domain.tier_model.column import Scalar
from domain.tier_model.expression import Condition, compile_recorded
from domain.user_tier.observation import Observation, SchemeObservation

_PLATFORM = ""  # the scope of standings that are not kept per scope; conditions name no others


@dataclass(frozen=True, slots=True)
class TagRule:
    """The rule of one tag as it was last written down. schemes: those that it read then."""

    tag: str
    revision: int
    condition: Condition
    schemes: frozenset[str]

    def holds(self, observation: Observation, now: int, calendars: Mapping[str, Calendar]) -> bool:
        """Whether the subject is to have the tag at an instant. calendars: by scheme, for what is counted in days."""
        row = dict(self._row(observation, now, calendars))
        return self.condition.holds(row, tags_at(observation, now)) is True

    def turns_at(self, observation: Observation, now: int, calendars: Mapping[str, Calendar]) -> int | None:
        """The first instant after now at which time alone may change the answer; None: none does."""
        turns = [
            calendar.midnight_of(day)
            for name, since, calendar in self._days(observation, calendars)
            for day in (self._next_day(name, since, calendar.day_of(now)),)
            if day is not None
        ]
        return min(turns, default=None)

    def reads_days(self, observation: Observation) -> bool:
        """Whether anything that it reads grows by itself from day to day."""
        return any(
            self.condition.names & {name, f"{scheme}.{name}"}
            for scheme, seen in self._read(observation)
            for name in seen.days
        )

    def _next_day(self, name: str, since: int, today: int) -> int | None:
        bounds = self.condition.thresholds(name)
        if bounds is None:
            return today + 1
        days = (since + floor(bound) + step for bound in bounds for step in (0, 1))
        return min((day for day in days if day > today), default=None)

    def _row(
        self, observation: Observation, now: int, calendars: Mapping[str, Calendar]
    ) -> Iterator[tuple[str, Scalar]]:
        ages = {name: calendar.day_of(now) - since for name, since, calendar in self._days(observation, calendars)}
        for scheme, seen in self._read(observation):
            yield f"tier.{scheme}", seen.standing.tier
            yield f"pinned.{scheme}", seen.standing.pin.mode if seen.standing.pin is not None else None
            yield f"frozen.{scheme}", True if seen.standing.frozen is not None else None
            for name, value in seen.features.items():
                for written in (name, f"{scheme}.{name}"):
                    yield written, ages.get(written, value)
        for tag, value in observation.tag_values.items():
            yield f"tag_value.{tag}", value

    def _days(self, observation: Observation, calendars: Mapping[str, Calendar]) -> Iterator[tuple[str, int, Calendar]]:
        """As the condition writes it, the local day that it counts from, and whose days these are."""
        for scheme, seen in self._read(observation):
            for name, day in seen.days.items():
                for written in self.condition.names & {name, f"{scheme}.{name}"}:
                    if day is not None and scheme in calendars:
                        yield written, day, calendars[scheme]

    def _read(self, observation: Observation) -> Iterator[tuple[str, SchemeObservation]]:
        """Of the schemes that it read when it was written down: a name alone is of one of these."""
        for scheme in sorted(self.schemes):
            seen = observation.schemes.get(scheme, {}).get(_PLATFORM)
            if seen is not None:
                yield scheme, seen


def rule_of(tag: str, revision: int, lineage: Lineage) -> TagRule:
    """The rule of a definition by rule."""
    condition = compile_recorded(lineage.condition, lineage.currency)
    return TagRule(tag, revision, condition, frozenset(lineage.reads))


def tags_at(observation: Observation, now: int) -> frozenset[str]:
    """The tags that are there at an instant, ended ones that nobody has decided yet left out."""
    return frozenset(tag for tag in observation.tags if observation.tag_until.get(tag, now + 1) > now)
