"""`tierline grants`: benefits given to users, redeemed, revoked, and those that are issued by themselves."""

from pathlib import Path
from typing import Annotated, Any

import typer

from domain.benefits.grant import GrantStatus
from interfaces.cli.context import KeyOption as Key
from interfaces.cli.context import acting
from interfaces.cli.grants import app
from interfaces.cli.terminal import JsonOption, say, show_json, show_table

issuances = typer.Typer(no_args_is_help=True, help="Benefits that are granted again and again by themselves.")
app.add_typer(issuances, name="issuance")

GrantId = Annotated[str, typer.Argument(metavar="GRANT_ID")]
Reason = Annotated[str, typer.Option(help="Kept with the event.")]
Command = Annotated[str, typer.Option("--command-id", help="Your own name of this command: the same name acts once.")]


@app.command()
def give(
    ctx: typer.Context,
    user_id: Annotated[str, typer.Argument(metavar="USER_ID")],
    benefit: Annotated[str, typer.Argument(metavar="BENEFIT")],
    units: Annotated[int, typer.Option(min=1, help="Of what the benefit's kind counts.")] = 1,
    reason: Reason = "",
    order: Annotated[str, typer.Option(help="The order that it is granted for.")] = "",
    budget: Annotated[list[str] | None, typer.Option(help="Charged besides the benefit's own.")] = None,
    campaign: Annotated[str, typer.Option(help="It is counted with.")] = "",
    command_id: Command = "",
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Grant a benefit by its version in force."""
    from application.benefits.grant_benefit import grant_id_of
    from domain.benefits.granting import GrantWanted

    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, "grant benefits")
        name = f"{who.actor}/{command_id}" if command_id else ""
        wanted = GrantWanted(
            grant_id=grant_id_of(name),
            user_id=user_id,
            benefit=benefit,
            units=units,
            reason=reason,
            order_id=order,
            budgets=tuple(budget or ()),
            campaign=campaign,
            actor=who.actor,
            command_id=name,
        )
        _told(system, system.grants.grant(wanted), as_json)


@app.command()
def redeem(
    ctx: typer.Context,
    grant_id: GrantId,
    units: Annotated[int | None, typer.Option(min=1, help="All that is left when left out.")] = None,
    order: Annotated[str, typer.Option(help="The order that it is redeemed on.")] = "",
    command_id: Command = "",
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Use a grant, whole or in part."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, "redeem grants")
        name = f"{who.actor}/{command_id}" if command_id else ""
        _told(system, system.grants.redeem(grant_id, who.actor, units=units, order_id=order, command_id=name), as_json)


@app.command()
def revoke(
    ctx: typer.Context, grant_id: GrantId, reason: Reason = "", key: Key = None, as_json: JsonOption = False
) -> None:
    """Release what is left of a grant."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, "revoke grants")
        _told(system, system.grants.revoke(grant_id, who.actor, reason=reason), as_json)


@app.command()
def show(ctx: typer.Context, grant_id: GrantId, as_json: JsonOption = False) -> None:
    """One grant as it stands in the ledger."""
    from application.benefits.shown import grant_json

    with ctx.obj.system("postgres") as system:
        user_id, grant = system.grants.queries.grant(grant_id)
    if as_json:
        show_json({"user_id": user_id, **grant_json(grant)})
    else:
        show_table(("field", "value"), [("user_id", user_id), *grant_json(grant).items()])


@app.command("list")
def list_grants(
    ctx: typer.Context,
    user_id: Annotated[str, typer.Argument(metavar="USER_ID")],
    status: Annotated[GrantStatus | None, typer.Option(help="Only these.")] = None,
    size: Annotated[int, typer.Option(min=1, max=1_000)] = 100,
    as_json: JsonOption = False,
) -> None:
    """A user's grants, the latest first."""
    from application.benefits.shown import grant_json

    with ctx.obj.system("postgres") as system:
        found, _ = system.grants.queries.grants_of(user_id, status, None, size)
    shown = [grant_json(grant) for grant in found]
    if as_json:
        show_json(shown)
        return
    columns = ("grant_id", "benefit", "status", "units", "left", "granted_at", "expires_at", "cause")
    show_table(columns, [tuple(one[column] for column in columns) for one in shown])


@issuances.command("define")
def define_issuance(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, _ and -.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="YAML or JSON.")],
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Issue a benefit every month, on birthdays or after an upgrade; a name that is there is revised."""
    from application.benefits.issuances import issuance_in

    wanted = issuance_in(file.read_bytes())
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, "issue benefits")
        view, _ = system.grants.issuances.define(name, wanted, who.actor)
        shown = system.grants.issuances.shown(view)
    show_json(shown) if as_json else say(f"{name} issues {shown['benefit']} from now on.")


@issuances.command("list")
def list_issuances(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """All recurring issues, with what was issued and refused."""
    with ctx.obj.system("postgres") as system:
        desk = system.grants.issuances
        shown = [desk.shown(view) for view in desk.definitions.list()]
    if as_json:
        show_json(shown)
        return
    rows = [(one["name"], one["status"], one["benefit"], one["issued"], one["refused"] or "") for one in shown]
    show_table(("issuance", "status", "benefit", "issued", "refused"), rows)


@issuances.command("retire")
def retire_issuance(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    reason: Reason = "",
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Issue nothing by it any more."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, "issue benefits")
        view, _ = system.grants.issuances.retire(name, who.actor, reason)
        shown = system.grants.issuances.shown(view)
    show_json(shown) if as_json else say(f"{name} is retired.")


def _told(system: Any, found: Any, as_json: bool) -> None:
    from application.benefits.shown import grant_json

    system.nudges.projectors()
    if as_json:
        show_json({"user_id": found.user_id, **grant_json(found.grant), "position": found.position})
        return
    grant, shown = found.grant, grant_json(found.grant)
    until = f" until {shown['expires_at']}" if grant.status == "open" and grant.expires_at else ""
    say(f"Grant {grant.grant_id} of {found.user_id}: {grant.status}{until}.")
    say(f"{grant.left} of {grant.units} {grant.benefit} are left.")
