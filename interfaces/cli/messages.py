"""What has come of strategies at the command line: messages with their reasons, and a user's assignments."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from interfaces.cli.strategies import Name, UserId, app
from interfaces.cli.terminal import JsonOption, say, show_json, show_table
from interfaces.cli.users import app as users

_COLUMNS = ("created_at", "channel", "template", "state", "attempts", "reason")


class State(StrEnum):
    """What a message can be."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


StateOption = Annotated[State | None, typer.Option("--state", help="Only these.")]
Size = Annotated[int, typer.Option("--size", min=1, max=1_000, help="How many, the latest first.")]


@app.command("messages")
def of_strategy(
    ctx: typer.Context, strategy: Name, state: StateOption = None, size: Size = 50, as_json: JsonOption = False
) -> None:
    """The messages of a strategy, each with its state and reason."""
    with ctx.obj.system("postgres") as system:
        page = system.strategies.messages.of_strategy(strategy, state and state.value, size, None)
        _tell(system, page, "user_id", as_json)


@users.command("messages")
def of_user(
    ctx: typer.Context, user_id: UserId, state: StateOption = None, size: Size = 50, as_json: JsonOption = False
) -> None:
    """The messages to a user, each with its state and reason."""
    with ctx.obj.system("postgres") as system:
        page = system.strategies.messages.of_user(user_id, state and state.value, size, None)
        _tell(system, page, "strategy", as_json)


@users.command("strategies")
def assignments(ctx: typer.Context, user_id: UserId, size: Size = 50, as_json: JsonOption = False) -> None:
    """The strategies that a user is or was in, and what has come of each."""
    from application.strategies.show_strategy import shown_assignment

    with ctx.obj.system("postgres") as system:
        found, _ = system.strategies.assignments.of_user(user_id, size, None)
    shown = [shown_assignment(view) for view in found]
    if as_json:
        show_json(shown)
        return
    columns = ("assigned_at", "strategy", "arm", "ended_at", "outcomes")
    rows = [
        (one["assigned_at"], one["strategy"], one["arm"] or f"held out ({one['holdout']})", one["ended_at"], _came(one))
        for one in shown
    ]
    show_table(columns, rows)


def _came(shown: dict[str, Any]) -> str:
    return ", ".join(f"{name.removesuffix('_at')} {at}" for name, at in shown["outcomes"].items() if at)


def _tell(system: Any, page: Any, whose: str, as_json: bool) -> None:
    from application.strategies.show_strategy import shown_message

    messages = [shown_message(message) for message in page.messages]
    if as_json:
        show_json(messages)
        return
    show_table((whose, *_COLUMNS), [tuple(one[name] for name in (whose, *_COLUMNS)) for one in messages])
    if not system.strategies.messages.receiver:
        say("Messages wait: TIERLINE_MESSAGES_URL names nobody to take them over.")
