"""`tierline tag bulk`: a tag for many at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from interfaces.cli.context import KeyOption, acting
from interfaces.cli.runs import performed
from interfaces.cli.tables import read_rows
from interfaces.cli.tags import Name, Reason, Until, ValueOption, value_in
from interfaces.cli.tags import app as tags
from interfaces.cli.terminal import JsonOption, bar, instant_of, say, show_json, show_table

__all__ = ["tags"]

app = typer.Typer(no_args_is_help=True, help="A tag for many at once: preview, run, cancel, revert.")
tags.add_typer(app, name="bulk")

BulkId = Annotated[str, typer.Argument(metavar="ID", help="As the preview told it.")]
_BULK = "tag users in bulk"


@app.command()
def preview(
    ctx: typer.Context,
    tag: Name,
    where: Annotated[str, typer.Option(help="A segment's condition: its members now.")] = "",
    file: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", exists=True, dir_okay=False, help="A column user_id.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the tag off instead.")] = False,
    value: ValueOption = None,
    until: Until = None,
    reason: Reason = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fix whom it is about, and tell how many and who. Nothing is done to anybody yet."""
    from application.tags.bulk_ports import BulkWanted

    ends = instant_of(until)
    with ctx.obj.system("postgres", *(["opensearch"] if file is None else [])) as system:
        who = acting(system, key, _BULK)
        action: Any = "remove" if remove else "add"
        wanted = BulkWanted(tag, action, value_in(system, tag, value), ends, reason, where)
        bulk = system.tags.bulk.preview(wanted, who.actor, None if file is None else _users(file))
        _tell(system.tags.bulk.shown(bulk), as_json)


@app.command()
def run(ctx: typer.Context, bulk_id: BulkId, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Do it, here and beside any worker; one that was cancelled goes on with those who are left."""
    _perform(ctx, bulk_id, key, "run", as_json)


@app.command()
def revert(ctx: typer.Context, bulk_id: BulkId, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Take back what it did, and nothing else: where somebody has touched the tag since, it stays as it is."""
    _perform(ctx, bulk_id, key, "revert", as_json)


@app.command()
def cancel(ctx: typer.Context, bulk_id: BulkId, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Break it off; what is done stays done."""
    with ctx.obj.system("postgres") as system:
        acting(system, key, _BULK)
        _tell(system.tags.bulk.shown(system.tags.bulk.cancel(bulk_id)), as_json)


@app.command()
def show(ctx: typer.Context, bulk_id: BulkId, as_json: JsonOption = False) -> None:
    """How far it is."""
    with ctx.obj.system("postgres") as system:
        _tell(system.tags.bulk.shown(system.tags.bulk.get(bulk_id)), as_json)


def _perform(ctx: typer.Context, bulk_id: str, key: str | None, what: str, as_json: bool) -> None:
    with ctx.obj.system("postgres", "broker") as system, bar(what) as report:
        who = acting(system, key, _BULK)
        bulk = getattr(system.tags.bulk, what)(bulk_id, who.actor)
        run = performed(system, lambda: system.tags.bulk.run_of(bulk), bulk.run_id, report)
        system.nudges.projectors()
        _tell(system.tags.bulk.shown(system.tags.bulk.get(bulk_id)), as_json)
    if run.state == "failed":
        raise typer.Exit(1)


def _users(file: Path) -> Iterator[str]:
    return (cells["user_id"] for _, cells in read_rows(file, ["user_id"], []))


def _tell(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(shown)
        return
    value = "" if shown["value"] is None else f" = {shown['value']}"
    say(f"{shown['id']}: {shown['action']} {shown['tag']}{value}, {shown['users']:,} users, {shown['state']}")
    show_table(("outcome", "users"), sorted(shown["by_outcome"].items()))
    if shown["unknown"]:
        say(f"{shown['unknown']:,} are not known, such as {', '.join(shown['unknown_first'][:5])}")
    if shown["sample"]:
        say(f"such as {', '.join(shown['sample'])}")
