"""`tierline scheme effect`: how good a scheme's rules are."""

from typing import Annotated, Any

import typer

from interfaces.cli.context import KeyOption, acting
from interfaces.cli.runs import performed
from interfaces.cli.schemes import Scheme, app
from interfaces.cli.terminal import JsonOption, bar, complain, instant_of, say, show_json, show_table

__all__ = ["app"]


@app.command()
def effect(
    ctx: typer.Context,
    scheme: Scheme,
    at: Annotated[str | None, typer.Option(help="The end of it all, RFC 3339; now when left out.")] = None,
    weeks: Annotated[int, typer.Option(help="Of sizes, moves and drift.")] = 13,
    periods: Annotated[int, typer.Option(help="To be foretold, each as long as the horizon.")] = 2,
    horizon_days: Annotated[int, typer.Option(help="How far ahead spend is foretold.")] = 90,
    version: Annotated[int | None, typer.Option(help="One to look at beside those that were in force.")] = None,
    sum_: Annotated[str, typer.Option("--sum", metavar="KIND.FIELD", help="What people are worth.")] = "order.amount",
    minus: Annotated[str | None, typer.Option(metavar="KIND.FIELD", help="Taken off it.")] = "refund.amount",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sizes, moves and drift by week; how well tiers, scores and plain spend foretell what comes; value per tier."""
    from application.effects.measure_model_effect import Measure, shown

    value = {"sum": sum_} | ({"minus": minus} if minus else {})
    wanted = Measure(instant_of(at), weeks, periods, horizon_days, version, value)
    with ctx.obj.system("postgres") as system, bar("reading everybody") as report:
        who = acting(system, key, "measure what tier models do")
        run_id = system.measure_model_effect(scheme, wanted, who.actor)
        found = shown(performed(system, lambda: system.measure_model_effect.get(run_id), run_id, report))
    if as_json:
        show_json(found)
    else:
        _show(found)
    if found["state"] == "failed":
        raise typer.Exit(1)


def _show(found: dict[str, Any]) -> None:
    for error in found["errors"]:
        complain(error)
    data = found["data"]
    if not data:
        return
    worth = f"{data['value']['sum']}{' less ' + data['value']['minus'] if 'minus' in data['value'] else ''}"
    say(
        f"{found['scheme']} at {found['at']}, on {data['facts']:,} facts of {data['users']:,} users from "
        f"{data['first_fact']} to {data['last_fact']}; worth: {worth}, in minor units of {data['currency']}."
    )
    rows = [
        (f"{week['to'][:10]}", week["version"], week["moved"], week["up"], week["down"], week["share_moved"],
         _drift(week["drift"]), _sizes(week["tiers"]))
        for week in found["weeks"]
    ]  # fmt: skip
    show_table(("week to", "version", "moved", "up", "down", "share", "drift (PSI)", "tiers"), rows, title="Weeks")
    for period in found["periods"]:
        _show_period(period)


def _show_period(period: dict[str, Any]) -> None:
    what = [("plain spend before", period["plain_spend"]), ("tiers as they stood", period["standing"])]
    for version, told in period["versions"].items():
        what.append((f"version {version}: tiers by its rules", told["qualified"]))
        what += [(f"version {version}: {name}", quality) for name, quality in told["scores"].items()]
    rows = [(name, quality["spearman"], quality["gini"]) for name, quality in what if quality is not None]
    title = f"{period['from'][:10]} to {period['to'][:10]}, {period['users']:,} users: foretold by"
    show_table(("by", "Spearman", "normalised Gini"), rows, title=title)
    columns = ("tier then", "users", "spend", "each", "share of spend", "buyers")
    names = ("tier", "users", "spend", "mean", "share", "buyers")
    show_table(columns, [tuple(tier[name] for name in names) for tier in period["tiers"]], title="worth")


def _drift(drift: dict[str, float | None]) -> str:
    return ", ".join(f"{name} {value}" for name, value in drift.items())


def _sizes(tiers: dict[str, int]) -> str:
    return ", ".join(f"{tier} {users:,}" for tier, users in tiers.items())
