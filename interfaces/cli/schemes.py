"""`tierline scheme`: a scheme as a whole, as of any instant: sizes of tiers, and who went where."""

from typing import Annotated

import typer

from interfaces.cli.terminal import JsonOption, instant_of, say, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="A scheme as a whole: sizes of tiers, who went where.")

Scheme = Annotated[str, typer.Argument(metavar="SCHEME")]
Scope = Annotated[str | None, typer.Option(help="Of a scheme with `per`: only this merchant.")]
KnownAt = Annotated[str | None, typer.Option(help="By what was recorded until then, RFC 3339; now when left out.")]


@app.command()
def distribution(
    ctx: typer.Context,
    scheme: Scheme,
    as_of: Annotated[str | None, typer.Option(help="When it was true, RFC 3339; now when left out.")] = None,
    known_at: KnownAt = None,
    scope: Scope = None,
    as_json: JsonOption = False,
) -> None:
    """Users per tier, out of the log."""
    from application.scheme_answers import distribution_json

    at, known = instant_of(as_of), instant_of(known_at)
    with ctx.obj.system("postgres") as system:
        found = distribution_json(system.ledger.distribution(scheme, at, scope, known))
    if as_json:
        show_json(found)
        return
    show_table(("tier", "users"), found["tiers"].items(), title=f"{scheme} at {found['as_of']}")
    say(f"As known at {found['known_at']}.")


@app.command()
def flows(
    ctx: typer.Context,
    scheme: Scheme,
    since: Annotated[str, typer.Option("--from", help="Where they stood then, RFC 3339.")],
    until: Annotated[str | None, typer.Option("--to", help="And where they stand then; now when left out.")] = None,
    known_at: KnownAt = None,
    scope: Scope = None,
    as_json: JsonOption = False,
) -> None:
    """Who went from which tier to which, and every change of tier on the way, out of the log."""
    from application.scheme_answers import flows_json

    begin, end, known = instant_of(since), instant_of(until), instant_of(known_at)
    with ctx.obj.system("postgres") as system:
        found = flows_json(system.ledger.flows(scheme, begin, end, scope, known))
    if as_json:
        show_json(found)
        return
    rows = [(flow["from"], flow["to"], flow["users"]) for flow in found["flows"]]
    show_table(("from", "to", "users"), rows, title=f"{scheme} from {found['from']} to {found['to']}")
    rows = [(move["from"], move["to"], move["count"]) for move in found["moves"]]
    show_table(("from", "to", "moves"), rows)
    say(f"As known at {found['known_at']}.")
