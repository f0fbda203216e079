"""Events as they are answered: instants are text, counts and money stay numbers."""

from typing import Any, get_type_hints

from application.event_answers import INSTANTS, event_json
from application.queries import RecordedEvent
from domain.user_tier import events
from domain.user_tier.events import SubjectEvent
from domain.user_tier.outreach import events as outreach_events
from domain.user_tier.user_ids import events as user_id_events

NUMBERS = (
    "attempts",
    "balance",
    "benefit_version",
    "carried",
    "cost",
    "deducted",
    "earned",
    "facts",
    "known_already",
    "left",
    "reclaimed",
    "strategy_version",
    "units",
    "value",
    "voided",
)


def test_every_number_of_an_event_is_an_instant_or_known_to_be_none() -> None:
    every = (*events.EVENTS, *outreach_events.EVENTS, *user_id_events.EVENTS)
    assert len({event.TOPIC for event in every}) > 25
    unknown = {
        f"{event.__name__}.{name}"
        for event in every
        for name, hint in get_type_hints(event).items()
        if name not in get_type_hints(SubjectEvent) and "int" in str(hint) and name not in (*INSTANTS, *NUMBERS)
    }
    assert unknown == set()
    assert not set(INSTANTS) & set(NUMBERS)


def test_instants_are_text_wherever_an_event_holds_them() -> None:
    at, text = 1_772_424_000_000_157, "2026-03-02T04:00:00.000157Z"
    assert data(expires_at=at, units=3)["expires_at"] == text
    assert data(expires_at=None)["expires_at"] is None
    assert data(at=at, outcome="ordered")["at"] == text
    assert data(sent_at=at, attempts=1) == CLEAR | {"sent_at": text, "attempts": 1}
    assert data(facts_known_at=at, facts=2) == CLEAR | {"facts_known_at": text, "facts": 2}
    assigned = data(trigger={"kind": "hand", "at": at}, due_at=at, ends_at=at, baseline={"features": {"m": {"at": 3}}})
    assert assigned["trigger"] == {"kind": "hand", "at": text}
    assert (assigned["due_at"], assigned["ends_at"]) == (text, text)
    assert assigned["baseline"] == {"features": {"m": {"at": 3}}}
    assert data(opened={"since": at, "valid_until": None, "growth": 5})["opened"] == {
        "since": text,
        "valid_until": None,
        "growth": 5,
    }


CLEAR = {"scheme": "", "scope": "", "from": None, "to": None}


def data(**own: Any) -> dict[str, Any]:
    event = RecordedEvent("s-1", 1, 1, "topic", "", "", None, None, 0, 0, "cli", "", "", own, None)
    shown: dict[str, Any] = event_json(event)["data"]
    return shown
