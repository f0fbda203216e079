"""Tags as time knows them: a label on a subject from one instant until another."""

from collections.abc import Iterable
from typing import NamedTuple

from domain.facts.table import NEVER
from domain.tier_model.column import Scalar
from domain.tier_model.spans import ALWAYS
from domain.user_tier.decisions import NewEvent
from domain.user_tier.observation import Observation

ADDED, REMOVED = "user-tier.tag-added.v1", "user-tier.tag-removed.v1"


class TagSpan(NamedTuple):
    """tag is there at t when start <= t < end. removed: somebody took it off at `end`; else it ends by itself.

    value: of a tag that is defined with values; rules read a tag as there or not.
    """

    tag: str
    start: int
    end: int = NEVER
    removed: bool = False
    value: Scalar = None


def held_tags(observation: Observation) -> tuple[TagSpan, ...]:
    """The tags that an observation holds, as spans from before everything that is still to be decided."""
    ends, values = observation.tag_until, observation.tag_values
    return tuple(TagSpan(tag, ALWAYS, ends.get(tag, NEVER), value=values.get(tag)) for tag in observation.tags)


def with_tag(
    spans: Iterable[TagSpan], tag: str, at: int, until: int | None, value: Scalar = None
) -> tuple[TagSpan, ...]:
    """The tag is there from `at` on, until an instant or for good, whatever was said of it before."""
    return (*without_tag(spans, tag, at), TagSpan(tag, at, NEVER if until is None else until, value=value))


def without_tag(spans: Iterable[TagSpan], tag: str, at: int) -> tuple[TagSpan, ...]:
    """The tag is not there from `at` on."""
    return tuple(
        span._replace(end=at, removed=True) if span.tag == tag and span.start <= at < span.end else span
        for span in spans
    )


def spans_of(events: Iterable[NewEvent]) -> tuple[TagSpan, ...]:
    """A subject's tags over all time, from its recorded events in their order."""
    spans: tuple[TagSpan, ...] = ()
    for event in events:
        if event.topic == ADDED:
            data = event.data
            spans = with_tag(spans, data["tag"], event.effective_at, data.get("until"), data.get("value"))
        elif event.topic == REMOVED:
            spans = without_tag(spans, event.data["tag"], event.effective_at)
    return spans
