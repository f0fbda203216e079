"""Stored names are for ever: what was once written must be readable by every later release."""

from pathlib import Path

from eventsourcing.domain import AggregateEvent
from eventsourcing.utils import get_topic

from domain.benefits import events as benefit_events
from domain.budgets import events as budget_events
from domain.bulk_grants import events as bulk_grant_events
from domain.campaigns import events as campaign_events
from domain.grant_stops import events as stop_events
from domain.strategies import events as strategy_events
from domain.tier_model import events as tier_model_events
from domain.user_tier import events as user_tier_events
from domain.user_tier.outreach import events as outreach_events
from domain.user_tier.user_ids import events as user_id_events
from infrastructure.event_store.catalogue import CATALOGUE
from tests.architecture.rules import bad_event_names

# A line for each name ever released. Lines are added, never changed, never removed.
EVER_STORED = set((Path(__file__).with_name("stored_event_names.txt")).read_text().split())


def stored_topics() -> dict[str, str | None]:
    """The name under which the library stores each event class that the domain's event modules define."""
    classes = [
        event_class
        for module in (
            user_tier_events,
            user_id_events,
            outreach_events,
            tier_model_events,
            strategy_events,
            campaign_events,
            benefit_events,
            budget_events,
            stop_events,
            benefit_events,
            budget_events,
            stop_events,
            bulk_grant_events,
        )
        for event_class in vars(module).values()
        if isinstance(event_class, type) and issubclass(event_class, AggregateEvent)
        if event_class.__module__ == module.__name__ and "TOPIC" in vars(event_class)
    ]
    return {event_class.__qualname__: get_topic(event_class) for event_class in classes}


def test_every_event_has_an_explicit_stable_name_that_the_catalogue_allows() -> None:
    topics = stored_topics()
    assert len(topics) >= 10
    assert bad_event_names(topics, CATALOGUE.names()) == []


def test_no_name_that_was_ever_stored_is_forgotten() -> None:
    assert EVER_STORED - CATALOGUE.names() == set()


def test_a_new_name_is_put_on_record() -> None:
    assert CATALOGUE.names() - EVER_STORED == set(), "add the line to stored_event_names.txt"


def test_a_planted_event_is_found() -> None:
    class Planted(AggregateEvent):
        """Without a name of its own the library would store the path of its module."""

    planted = {
        "Planted": get_topic(Planted),
        "Unnumbered": "user-tier.tier-changed",
        "Nameless": None,
        "NotAllowed": "user-tier.tier-vanished.v1",
    }
    assert "tests.architecture" in (planted["Planted"] or "")
    assert len(bad_event_names(planted, CATALOGUE.names())) == len(planted)
