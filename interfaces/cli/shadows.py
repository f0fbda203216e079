"""`tierline model shadow`: a version decided beside the one in force."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from interfaces.cli.context import KeyOption, acting
from interfaces.cli.definitions import named_version
from interfaces.cli.model_lifecycle import GraceDays, Map, Mode, Until, migration_of
from interfaces.cli.previews import app as models
from interfaces.cli.terminal import JsonOption, complain, say, show_json, show_table
from interfaces.cli.tier_models import Scheme

if TYPE_CHECKING:
    from application.shadow.ports import ShadowStatus

shadow = typer.Typer(no_args_is_help=True, help="A version decided beside the one in force, without effect.")
models.add_typer(shadow, name="shadow")

_MAY = "preview and shadow tier models"


@shadow.command()
def start(
    ctx: typer.Context,
    scheme: Scheme,
    mode: Mode = None,
    until: Until = None,
    grace_days: GraceDays = None,
    mapping: Map = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """From now on, on every fact. Another candidate of the scheme ends."""
    migration = migration_of(mode, until, grace_days, mapping, None, None)
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _MAY)
        name, version = named_version(scheme)
        system.start_shadow(name, version, who.actor, migration=migration)
        _tell(system.show_shadow.status(name, version), as_json)


@shadow.command()
def stop(ctx: typer.Context, scheme: Scheme, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """No more. What was found stays to be read until another begins."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _MAY)
        name, version = named_version(scheme)
        system.stop_shadow(name, version, who.actor)
        _tell(system.show_shadow.status(name, version), as_json)


@shadow.command()
def status(ctx: typer.Context, scheme: Scheme, as_json: JsonOption = False) -> None:
    """How the candidate compares, by whoever came by since its start."""
    with ctx.obj.system("postgres") as system:
        _tell(system.show_shadow.status(*named_version(scheme)), as_json)


@shadow.command()
def differences(
    ctx: typer.Context,
    scheme: Scheme,
    live: Annotated[str | None, typer.Option(help="Only who stands there by the version in force.")] = None,
    by_shadow: Annotated[str | None, typer.Option("--shadow", help="Only who stands there by the candidate.")] = None,
    size: Annotated[int, typer.Option(min=1, max=1_000)] = 100,
    cursor: Annotated[str | None, typer.Option(help="`next_cursor` of the page before.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Where the two do not agree, the latest first, with both receipts (--json)."""
    from application.shadow.shown import difference_json

    with ctx.obj.system("postgres") as system:
        page = system.show_shadow.differences(*named_version(scheme), live, by_shadow, size, cursor)
    found = [difference_json(one) for one in page.differences]
    if as_json:
        show_json({"differences": found, "next_cursor": page.next_cursor})
        return
    rows = [
        (one["user_id"], one["scope"], one["live_tier"], one["shadow_tier"], one["apart_since"], _why(one))
        for one in found
    ]
    show_table(("user", "scope", "in force", "candidate", "apart since", "by the candidate"), rows)
    if page.next_cursor:
        say(f"There are more: --cursor {page.next_cursor}")


def _why(one: dict[str, Any]) -> str:
    receipt = one["shadow"] or {}
    return f"{receipt['clause']}, {receipt['rule']}" if receipt else "nothing moved since"


def _tell(status: "ShadowStatus", as_json: bool) -> None:
    from application.shadow.shown import status_json

    if as_json:
        show_json(status_json(status))
        return
    if status.fault:
        complain(f"It was ended by a fault: {status.fault}")
    runs = "is decided beside the one in force" if status.running else "is no longer decided"
    apart = f"{status.apart:,} of {status.standings:,} stand elsewhere by it"
    say(f"{status.scheme} version {status.version} {runs}: {apart}.")
    say(f"Tier changes since its start: {status.live_moves:,} in force, {status.shadow_moves:,} by the candidate.")
    rows = [(live, shadow, count) for (live, shadow), count in status.tiers.items() if live != shadow]
    show_table(("in force", "candidate", "how many"), rows)
