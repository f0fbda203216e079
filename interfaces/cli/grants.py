"""`tierline grants`: what is granted, and what is stopped."""

from typing import Annotated, Any

import typer

from domain.facts.instants import format_instant
from interfaces.cli.context import KeyOption as Key
from interfaces.cli.context import acting
from interfaces.cli.terminal import JsonOption, say, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="Grants of benefits, and the switch that stops them.")

Scope = Annotated[
    str, typer.Argument(metavar="SCOPE", help="'*', benefit:NAME, budget:NAME, campaign:NAME or bulk:ID.")
]


@app.command()
def stop(
    ctx: typer.Context,
    scope: Scope,
    reason: Annotated[str, typer.Option(help="Kept with the event.")],
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Grant nothing of a scope any more, from now on. Needs no approval; what was granted can be redeemed."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, "stop grants")
        view = system.benefits.stop_grants(scope, who.actor, reason=reason)
    show_json(_shown(view)) if as_json else say(f"{view.scope} is stopped.")


@app.command()
def lift(
    ctx: typer.Context,
    scope: Scope,
    reason: Annotated[str, typer.Option(help="Kept with the event.")] = "",
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Let it be granted again; other stops that hold the same still do."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, "lift stops of grants")
        position = system.benefits.lift_stop(scope, who.actor, reason=reason)
    show_json({"scope": scope, "position": position}) if as_json else say(f"{scope} is granted again.")


@app.command()
def stops(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """What is stopped, by whom and why."""
    with ctx.obj.system("postgres") as system:
        views = system.benefits.stops.all()
    if as_json:
        show_json([_shown(view) for view in views])
        return
    rows = [(view.scope, format_instant(view.stopped_at), view.stopped_by, view.reason) for view in views]
    show_table(("scope", "since", "by", "reason"), rows)


def _shown(view: Any) -> dict[str, Any]:
    return {
        "scope": view.scope,
        "stopped_by": view.stopped_by,
        "stopped_at": format_instant(view.stopped_at),
        "reason": view.reason,
    }
