"""`tierline ledger`: what is owed, when it will be over, what benefits have cost."""

from typing import Annotated, Any

import typer

from interfaces.cli.terminal import JsonOption, instant_of, say, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="The ledger of benefits: what is owed, and what they have cost.")

Scheme = Annotated[str | None, typer.Option(help="Whose tiers are meant, of --by tier.")]
TimeZone = Annotated[str, typer.Option(help="Whose days, weeks and months are meant.")]
_FLOWS = ("open_before", "granted", "redeemed", "released", "reclaimed", "open")


@app.command()
def liability(
    ctx: typer.Context,
    by: Annotated[str, typer.Option(help="benefit, kind, campaign, strategy or tier.")] = "benefit",
    scheme: Scheme = None,
    as_json: JsonOption = False,
) -> None:
    """What can still be redeemed, and what it would cost; the budgets and stocks it is charged to."""
    from application.benefits.ledger.answers import liability_json

    with ctx.obj.system("postgres") as system:
        found = liability_json(system.benefit_ledger.figures.liability(by, scheme))
    if as_json:
        show_json({"by": by, **found})
        return
    _show_owed(by, found)
    for owed in found["ended"]:
        say(f"{owed['grants']:,} more are past their end and about to be expired: {_money(owed)}")
    accounts = ("allowed", "reserved", "spent", "left")
    for name, states in (("budget", found["budgets"]), ("benefit", found["stocks"])):
        if states:
            period = [state.get("period_start") for state in states]
            rows = [
                (state[name], start, state.get("currency"), *(f"{state[one]:,}" for one in accounts))
                for state, start in zip(states, period, strict=True)
            ]
            show_table((name, "since", "currency", *accounts), rows)


@app.command()
def forecast(
    ctx: typer.Context,
    per: Annotated[str, typer.Option(help="day, week or month.")] = "month",
    time_zone: TimeZone = "UTC",
    as_json: JsonOption = False,
) -> None:
    """What is owed by the period in which it will be over, and what never will."""
    from application.benefits.ledger.answers import forecast_json

    with ctx.obj.system("postgres") as system:
        found = forecast_json(system.benefit_ledger.figures.forecast(per, time_zone))
    if as_json:
        show_json({"per": per, "time_zone": time_zone, **found})
    else:
        _show_owed(per, found)


@app.command()
def costs(
    ctx: typer.Context,
    by: Annotated[
        str, typer.Option(help="benefit, kind, campaign, strategy, tier; day, week or month of the move.")
    ] = "benefit",
    since: Annotated[str | None, typer.Option("--from", metavar="INSTANT", help="From then on.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="INSTANT", help="Before then.")] = None,
    scheme: Scheme = None,
    time_zone: TimeZone = "UTC",
    as_json: JsonOption = False,
) -> None:
    """What was granted, redeemed, released and reclaimed. Open before + granted - redeemed - released = open."""
    from application.benefits.ledger.answers import costs_json

    asked = {"scheme": scheme, "time_zone": time_zone}
    with ctx.obj.system("postgres") as system:
        figures = system.benefit_ledger.figures
        found = costs_json(figures.costs(by, instant_of(since), instant_of(until), **asked))
    if as_json:
        show_json({"by": by, "from": since, "to": until, "time_zone": time_zone, **found})
        return
    totals = [{"key": "all", **total} for total in found["totals"]]
    rows = [
        (_key(row), row["currency"], *(f"{row[flow]['units']:,} / {_money(row[flow])}" for flow in _FLOWS))
        for row in [*found["rows"], *totals]
    ]
    show_table((by, "currency", *(flow.replace("_", " ") for flow in _FLOWS)), rows, "units / cost")


def _show_owed(named: str, found: dict[str, Any]) -> None:
    totals = [{"key": "all", **total} for total in found["totals"]]
    rows = [
        (_key(row), row["currency"], f"{row['grants']:,}", f"{row['units']:,}", _money(row))
        for row in [*found["rows"], *totals]
    ]
    show_table((named, "currency", "grants", "units left", "cost left"), rows)


def _key(row: dict[str, Any]) -> str:
    return row["key"] or "none"


def _money(amount: dict[str, Any]) -> str:
    """Minor units as they are: how many make a whole one is the currency's affair."""
    return f"{amount['cost']:,}"
