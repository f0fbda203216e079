"""`tierline segment`: who is in one, and all of them into a file."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

import typer

from application.queries import Holding, ScopedTier, in_strategy
from interfaces.cli.context import KeyOption, acting
from interfaces.cli.terminal import JsonOption, say, show_json, show_table
from interfaces.members import Counted, csv_texts, ndjson_texts

app = typer.Typer(no_args_is_help=True, help="Segments: users by tiers, tags and features.")

Where = Annotated[str | None, typer.Argument(metavar="WHERE", help="A condition; everybody when left out.")]
ScopedOption = Annotated[
    list[str] | None,
    typer.Option(metavar="SCHEME/MERCHANT[/TIER]", help="A standing with a merchant; a slash in a name is %2F."),
]

BenefitOption = Annotated[
    list[str] | None, typer.Option(metavar="BENEFIT", help="One of which they must have something left.")
]
StrategyOption = Annotated[
    list[str] | None,
    typer.Option(metavar="STRATEGY[/ARM]", help="One that they must be in; held out of it with a slash at the end."),
]


@app.command()
def search(
    ctx: typer.Context,
    where: Where = None,
    sort: Annotated[list[str] | None, typer.Option(help="A field; a minus before it turns it round.")] = None,
    size: Annotated[int, typer.Option(min=0, max=1_000)] = 20,
    facet: Annotated[list[str] | None, typer.Option(help="A field whose values to count.")] = None,
    scoped: ScopedOption = None,
    benefit: BenefitOption = None,
    strategy: StrategyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Users of a segment and their number, such as `tier.value = 'high' and recency > 30`."""
    order = [(field.lstrip("-"), "desc" if field.startswith("-") else "asc") for field in sort or []]
    with ctx.obj.system("postgres", "redis", "opensearch") as system:
        page = system.search_segment(where, order, size, None, facet or [], _besides(scoped, benefit, strategy))
        lag = system.lags().get("user_search")
    if as_json:
        behind = {"lag_events": lag.lag_events if lag else None, "lag_seconds": lag.lag_seconds if lag else None}
        show_json({"total": page.total, "users": page.users, "facets": page.facets} | behind)
        return
    say(f"{page.total:,} users")
    schemes = sorted({scheme for user in page.users for scheme in user["tiers"]})
    rows = [
        (user["user_id"], *(user["tiers"].get(scheme) for scheme in schemes), ", ".join(user.get("tags", [])))
        for user in page.users
    ]
    show_table(("user", *schemes, "tags"), rows)
    for field, counts in page.facets.items():
        show_table((field, "users"), sorted(counts.items(), key=lambda count: -count[1]))
    if lag and lag.lag_events:
        say(f"The index is {lag.lag_events} events ({lag.lag_seconds:.1f} s) behind the log.")


@app.command()
def export(
    ctx: typer.Context,
    where: Where = None,
    to: Annotated[Path | None, typer.Option(help="A .ndjson or .csv file; NDJSON on standard output without.")] = None,
    scoped: ScopedOption = None,
    benefit: BenefitOption = None,
    strategy: StrategyOption = None,
    segment: Annotated[str | None, typer.Option(help="A saved one, instead of a condition.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Every user of a segment as of one point in time, as NDJSON or CSV; with --json and no file as one list."""
    if segment is not None and (where is not None or scoped or benefit or strategy):
        raise typer.BadParameter("--segment: it has its condition; give the one or the other")
    if to is not None and to.suffix not in (".ndjson", ".csv"):
        raise typer.BadParameter(f"--to {to}: end it with .ndjson or .csv, which says how it is written")
    with ctx.obj.system("postgres", "redis", "opensearch") as system:
        columns = system.search_segment.columns()
        if segment is not None:
            members = system.segments.members(segment)
        else:
            members = system.search_segment.members(where, _besides(scoped, benefit, strategy))
        if as_json and to is None:
            show_json(list(members))
            return
        written = _written(members, columns, to)
    if to is not None and as_json:
        show_json({"users": written, "file": str(to)})
    elif to is not None:
        say(f"{written:,} users in {to}")


def _besides(
    scoped: list[str] | None, benefits: list[str] | None, strategies: list[str] | None
) -> list[ScopedTier | Holding]:
    found: list[ScopedTier | Holding] = [Holding("benefits", name) for name in benefits or []]
    found += [in_strategy(text) for text in strategies or []]
    return [*found, *_scoped(scoped)]


@app.command()
def define(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, _ and -.")],
    where: Where = None,
    owner: Annotated[str, typer.Option(help="Who answers for it.")] = "",
    meaning: Annotated[str, typer.Option(help="Who is in it, in words.")] = "",
    scoped: ScopedOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Save a segment under a name, or revise it if it is there; a fault of its condition is told with its place."""
    from domain.segments.definition import ScopedStanding, SegmentSpec

    standings = tuple(ScopedStanding(one.scheme, one.scope, one.tier) for one in _scoped(scoped))
    spec = SegmentSpec(owner, meaning, where or "", standings)
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, "define tags and segments")
        there = system.segments.definitions.find(name) is not None
        act = system.segments.define.revise if there else system.segments.define
        view, position = act(name, spec, who.actor)
        _told(system, view, position, "revised" if there and position else "as it was" if there else "defined", as_json)


@app.command("list")
def list_segments(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """All saved segments, and how many users are in each."""
    with ctx.obj.system("postgres", "redis", "opensearch") as system:
        found = [system.segments.shown(view, coverage=not view.retired) for view in system.segments.list()]
    if as_json:
        show_json(found)
        return
    rows = [(one["name"], one["status"], one["users"], one["owner"], one["where"], one["meaning"]) for one in found]
    show_table(("segment", "status", "users", "owner", "where", "meaning"), rows)


@app.command()
def retire(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    reason: Annotated[str, typer.Option(help="Kept with the event.")] = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a saved segment away."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, "define tags and segments")
        view, position = system.segments.retire(name, who.actor, reason=reason)
        _told(system, view, position, "retired", as_json)


def _told(system: Any, view: Any, position: int, what: str, as_json: bool) -> None:
    if as_json:
        show_json(system.segments.shown(view) | {"position": position})
    else:
        say(f"{view.name} is {what}.")


def _written(members: Iterable[dict[str, Any]], columns: list[str], to: Path | None) -> int:
    """How many."""
    counted = Counted(members)
    texts = csv_texts(counted, columns) if to is not None and to.suffix == ".csv" else ndjson_texts(counted)
    if to is None:
        sys.stdout.buffer.writelines(texts)
    else:
        with to.open("wb") as file:
            file.writelines(texts)
    return counted.count


def _scoped(given: list[str] | None) -> list[ScopedTier]:
    found = []
    for text in given or []:
        parts = [unquote(part) for part in text.split("/")]
        if len(parts) not in (2, 3) or not all(parts):
            raise typer.BadParameter(f"--scoped {text}: write SCHEME/MERCHANT or SCHEME/MERCHANT/TIER")
        found.append(ScopedTier(*parts))
    return found
