"""`tierline user`: one user's card, past and reasons."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import typer

from application.queries import PastStanding, RecordedEvent
from domain.facts.instants import format_instant
from interfaces.cli import tags
from interfaces.cli.receipts import (
    Lang,
    NoSuchDecision,
    event_name,
    event_place,
    own_words,
    part_words,
    tell_receipt,
)
from interfaces.cli.terminal import JsonOption, instant_of, say, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="One user: where they stand, what was recorded, and why.")

User = Annotated[str, typer.Argument(metavar="USER_ID")]
_PAGE = 500


@app.command()
def show(ctx: typer.Context, user_id: User, as_json: JsonOption = False) -> None:
    """The card: where the user stands on every scheme, and what is missing for the next tier."""
    with ctx.obj.system("postgres", "redis") as system:
        stored = system.cards.read(user_id)
        card = msgspec.json.decode(stored or system.ledger_cards.card(user_id))
        lag = system.lags().get("user_card")
    card |= {"lag_events": lag.lag_events if lag else None, "lag_seconds": lag.lag_seconds if lag else None}
    if as_json:
        show_json(card)
        return
    standings = [(scheme, standing) for scheme, standing in card["standings"].items()]
    for scheme, scopes in card.get("scopes", {}).items():
        standings += [(f"{scheme} @ {scope}", standing) for scope, standing in scopes.items()]
    rows = [(name, at["tier"], at["since"], at["next_tier"], _missing(at), at["may_drop_on"]) for name, at in standings]
    show_table(("scheme", "tier", "since", "next", "missing for it", "may drop on"), rows, title=user_id)
    for name, at in standings:
        if "growth" in at:
            say(f"{name}: {_growth(at['growth'])}")
    if card["tags"]:
        values = card.get("tag_values", {})
        told = [f"{tag} = {values[tag]}" if tag in values else tag for tag in card["tags"]]
        say(f"tags: {', '.join(told)}")
    if not rows:
        say("Known, but not decided on any scheme yet.")
    if lag and lag.lag_events:
        say(f"This card is {lag.lag_events} events ({lag.lag_seconds:.1f} s) behind the log.")


@app.command()
def tiers(
    ctx: typer.Context,
    user_id: User,
    as_of: Annotated[str | None, typer.Option(help="When it was true, RFC 3339; now when left out.")] = None,
    known_at: Annotated[str | None, typer.Option(help="By what was recorded until then; now when left out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Where the user stood at an instant, by what was recorded until another. Out of the log."""
    at, known = instant_of(as_of), instant_of(known_at)
    with ctx.obj.system("postgres") as system:
        found = system.ledger.user_tiers(user_id, at, known)
    instants = {"as_of": format_instant(found.as_of), "known_at": format_instant(found.known_at)}
    if as_json:
        scopes = {scheme: _past(places) for scheme, places in found.scopes.items()}
        shown = {"user_id": user_id, **instants, "standings": _past(found.standings)}
        show_json(shown | ({"scopes": scopes} if scopes else {}) | {"position": found.position})
        return
    places = list(found.standings.items())
    places += [(f"{scheme} @ {scope}", at) for scheme, scopes in found.scopes.items() for scope, at in scopes.items()]
    rows = [(name, past.tier, format_instant(past.since), past.event_id) for name, past in places]
    show_table(("scheme", "tier", "since", "event"), rows, title=f"{user_id} at {instants['as_of']}")
    say(f"As known at {instants['known_at']}.")


@app.command()
def history(
    ctx: typer.Context,
    user_id: User,
    absorbed: Annotated[
        str | None, typer.Option(help="Of a stream that was merged into the user's, as that event names it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Everything recorded for the user, oldest first."""
    with ctx.obj.system("postgres") as system:
        events = _events(system, user_id, absorbed)
    if as_json:
        show_json([_json(event) for event in events])
        return
    rows = [
        (
            format_instant(event.effective_at),
            event_name(event),
            event_place(event),
            event.from_tier,
            event.to_tier,
            event.data.get("cause"),
            own_words(event),
            event.event_id,
        )
        for event in events
    ]
    show_table(("effective", "event", "scheme", "from", "to", "cause", "what", "id"), rows, title=user_id)


@app.command()
def explain(
    ctx: typer.Context,
    user_id: User,
    scheme: Annotated[str | None, typer.Option(help="Only this scheme.")] = None,
    scope: Annotated[str | None, typer.Option(help="Only this merchant.")] = None,
    lang: Annotated[Lang, typer.Option(help="Of the sentences.")] = Lang.ENGLISH,
    event_id: Annotated[str | None, typer.Option("--event", help="The receipt of this event instead.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Why the user stands where they stand, what the next tier takes, and what would make it drop and when."""
    if event_id is not None:
        _receipt(ctx, user_id, event_id, lang, as_json)
        return
    with ctx.obj.system("postgres") as system:
        found = system.explain_user(user_id, lang.value, scheme=scheme, scope=scope)
    if as_json:
        shown = {"user_id": user_id, "as_of": format_instant(found.as_of), "lang": found.language}
        show_json(shown | {"explanations": found.explanations, "scopes": found.scopes})
        return
    told = [(name, explained) for name, explained in found.explanations.items()]
    told += [(f"{name} @ {at}", one) for name, scopes in found.scopes.items() for at, one in scopes.items()]
    if not told:
        say("Known, but not decided on any scheme yet.")
    for name, explained in told:
        say(f"{name}: {explained['tier_name']}")
        for line in explained["text"].splitlines():
            say(f"  {line}")


# The same under the names that they had first.
app.command("tag")(tags.add)
app.command("untag")(tags.remove)


def _receipt(ctx: typer.Context, user_id: str, event_id: str, lang: Lang, as_json: bool) -> None:
    with ctx.obj.system("postgres") as system:
        events = _events(system, user_id)
    told = next((event for event in events if event.event_id == event_id and event.receipt is not None), None)
    if told is None:
        raise NoSuchDecision(user_id, event_id)
    show_json([_json(told)]) if as_json else tell_receipt(told, lang)


def _past(standings: Mapping[str, PastStanding]) -> dict[str, Any]:
    return {
        name: {"tier": past.tier, "since": format_instant(past.since), "event_id": past.event_id}
        for name, past in standings.items()
    }


def _events(system: Any, user_id: str, absorbed: str | None = None) -> list[RecordedEvent]:
    events: list[RecordedEvent] = []
    after: int | None = 0
    while after is not None:
        page = system.ledger.user_history(user_id, after, _PAGE, absorbed)
        events += page.events
        after = page.next_after
    return events


def _growth(growth: dict[str, Any]) -> str:
    settled = f"carried {growth['carried']} when it was settled on {growth['settled_at']}"
    return f"growth value {growth['balance']}" + (f", {settled}" if growth["settled_at"] else "")


def _missing(standing: dict[str, Any]) -> str:
    return "; ".join(part_words(part) for part in standing["missing"])


def _json(event: RecordedEvent) -> dict[str, Any]:
    from application.event_answers import event_json  # with all that decides: only who prints ids waits for it

    return event_json(event)
