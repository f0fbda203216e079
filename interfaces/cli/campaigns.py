"""`tierline campaign`: groups of strategies with their days and budget."""

from typing import Annotated, Any

import typer

from interfaces.cli.context import KeyOption, acting
from interfaces.cli.strategies import APPROVE, DEFINE, RUN, File, Hash, Note, tell_faults
from interfaces.cli.terminal import JsonOption, instant_of, say, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="Campaigns: strategies with their days and budget.")

Name = Annotated[str, typer.Argument(metavar="CAMPAIGN")]


@app.command()
def lint(ctx: typer.Context, file: File, as_json: JsonOption = False) -> None:
    """Find what is wrong with a campaign file. Exit code 1 for an error."""
    with ctx.obj.system("postgres") as system:
        tell_faults(system.strategies.campaigns.define.lint(file.read_bytes()), as_json)


@app.command()
def define(ctx: typer.Context, file: File, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Take a campaign file in; of one that is there the content is replaced, until it is scheduled."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, DEFINE)
        _tell(system.strategies.campaigns.define(file.read_bytes(), who.actor), as_json)


@app.command()
def clone(
    ctx: typer.Context,
    campaign: Name,
    to: Annotated[str, typer.Argument(metavar="NEW")],
    starts_at: Annotated[str, typer.Option(help="RFC 3339.")],
    ends_at: Annotated[str, typer.Option(help="RFC 3339.")],
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """A draft of another name and days, with copies of its strategies."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, DEFINE)
        _tell(system.strategies.campaigns.define.clone(campaign, to, starts_at, ends_at, who.actor), as_json)


@app.command("list")
def list_campaigns(
    ctx: typer.Context,
    since: Annotated[str | None, typer.Option("--from", help="RFC 3339: those that end after it.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="RFC 3339: those that start before it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The calendar."""
    first, last = instant_of(since), instant_of(until)
    with ctx.obj.system("postgres") as system:
        found = system.strategies.campaigns.show.calendar(first, last)
    if as_json:
        show_json(found)
        return
    columns = ("campaign", "status", "starts_at", "ends_at", "budget")
    show_table(columns, [tuple(one[column] for column in columns) for one in found])


@app.command()
def show(ctx: typer.Context, campaign: Name, as_json: JsonOption = False) -> None:
    """One, with its spec."""
    with ctx.obj.system("postgres") as system:
        _tell(system.strategies.campaigns.definitions.view(campaign), as_json)


@app.command()
def conflicts(ctx: typer.Context, campaign: Name, as_json: JsonOption = False) -> None:
    """Other campaigns on the same days with the same budget, a group in common, or the same people."""
    with ctx.obj.system("postgres", "opensearch") as system:
        found = system.strategies.campaigns.show.conflicts(campaign)
    if as_json:
        show_json(found)
        return
    columns = ("campaign", "about", "what", "from", "to", "people")
    show_table(columns, [tuple(one[column] for column in columns) for one in found])


@app.command()
def progress(ctx: typer.Context, campaign: Name, as_json: JsonOption = False) -> None:
    """How its strategies go, and what is left of its budget."""
    with ctx.obj.system("postgres") as system:
        found = system.strategies.campaigns.show.progress(campaign)
    if as_json:
        show_json(found)
        return
    say(f"{campaign}: {found['status']}")
    rows = [
        (one["strategy"], arm["arm"] or "held out", arm["assigned"], arm["live"], arm["exposed"])
        for one in found["strategies"]
        for arm in one["arms"]
    ]
    show_table(("strategy", "arm", "assigned", "live", "exposed"), rows)
    accounts = [(one["account"], one["allowed"], one["reserved"], one["spent"]) for one in found["budget"]]
    show_table(("account", "allowed", "reserved", "spent"), accounts)


@app.command()
def submit(
    ctx: typer.Context, campaign: Name, note: Note = "", key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Lay it before somebody else, who may approve it."""
    _change(ctx, key, DEFINE, as_json, "submit", campaign, note=note)


@app.command()
def approve(
    ctx: typer.Context,
    campaign: Name,
    content_hash: Hash = None,
    note: Note = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Agree to what others have made."""
    _change(ctx, key, APPROVE, as_json, "approve", campaign, content_hash=content_hash, note=note)


@app.command()
def reject(
    ctx: typer.Context,
    campaign: Name,
    reason: Annotated[str, typer.Option(help="Kept with the event.")],
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send it back to its makers."""
    _change(ctx, key, APPROVE, as_json, "reject", campaign, reason=reason)


@app.command()
def start(ctx: typer.Context, campaign: Name, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Let it start at its instant, or at once where that has come; one that was paused goes on."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, RUN)
        _tell(system.strategies.campaigns.change.start(campaign, who.actor, as_admin=who.is_admin), as_json)


@app.command()
def pause(
    ctx: typer.Context, campaign: Name, reason: Note = "", key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Let it rest, with its strategies."""
    _change(ctx, key, RUN, as_json, "pause", campaign, reason=reason)


@app.command()
def end(
    ctx: typer.Context, campaign: Name, reason: Note = "", key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """End it for good, with its strategies."""
    _change(ctx, key, RUN, as_json, "end", campaign, reason=reason)


@app.command()
def retire(ctx: typer.Context, campaign: Name, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Put it away."""
    _change(ctx, key, RUN, as_json, "retire", campaign)


def _change(
    ctx: typer.Context, key: str | None, permission: str, as_json: bool, what: str, campaign: str, **named: Any
) -> None:
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, permission)
        _tell(getattr(system.strategies.campaigns.change, what)(campaign, who.actor, **named), as_json)


def _tell(view: Any, as_json: bool) -> None:
    from application.campaigns.show_campaign import shown

    told = shown(view)
    if as_json:
        show_json(told | {"spec": view.spec})
        return
    say(f"{view.campaign} is {view.status}, from {told['starts_at']} to {told['ends_at']}.")
    say(f"Its content is {view.content_hash}.")
