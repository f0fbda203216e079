"""`tierline segment`: who is in one, and all of them into a file."""

import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, BinaryIO
from urllib.parse import unquote

import msgspec
import typer

from application.queries import Holding, ScopedTier
from interfaces.cli.terminal import JsonOption, say, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="Segments: users by tiers, tags and features.")

Where = Annotated[str | None, typer.Argument(metavar="WHERE", help="A condition; everybody when left out.")]
ScopedOption = Annotated[
    list[str] | None,
    typer.Option(metavar="SCHEME/MERCHANT[/TIER]", help="A standing with a merchant; a slash in a name is %2F."),
]

BenefitOption = Annotated[
    list[str] | None, typer.Option(metavar="BENEFIT", help="One of which they must have something left.")
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
    as_json: JsonOption = False,
) -> None:
    """Users of a segment and their number, such as `tier.value = 'high' and recency > 30`."""
    order = [(field.lstrip("-"), "desc" if field.startswith("-") else "asc") for field in sort or []]
    with ctx.obj.system("postgres", "redis", "opensearch") as system:
        page = system.search_segment(where, order, size, None, facet or [], _besides(scoped, benefit))
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
) -> None:
    """Every user of a segment as of one point in time, as NDJSON or CSV."""
    if to is not None and to.suffix not in (".ndjson", ".csv"):
        raise typer.BadParameter(f"--to {to}: end it with .ndjson or .csv, which says how it is written")
    with ctx.obj.system("postgres", "redis", "opensearch") as system:
        members = system.search_segment.members(where, _besides(scoped, benefit))
        if to is None:
            written = _ndjson(members, sys.stdout.buffer)
        elif to.suffix == ".csv":
            written = _csv(members, system.search_segment.columns(), to)
        else:
            with to.open("wb") as file:
                written = _ndjson(members, file)
    if to is not None:
        say(f"{written:,} users in {to}")


def _besides(scoped: list[str] | None, benefits: list[str] | None) -> list[ScopedTier | Holding]:
    found: list[ScopedTier | Holding] = [Holding("benefits", name) for name in benefits or []]
    for text in scoped or []:
        parts = [unquote(part) for part in text.split("/")]
        if len(parts) not in (2, 3) or not all(parts):
            raise typer.BadParameter(f"--scoped {text}: write SCHEME/MERCHANT or SCHEME/MERCHANT/TIER")
        found.append(ScopedTier(*parts))
    return found


def _ndjson(members: Iterable[dict[str, Any]], file: BinaryIO) -> int:
    written = 0
    for member in members:
        file.write(msgspec.json.encode(member) + b"\n")
        written += 1
    return written


def _csv(members: Iterable[dict[str, Any]], columns: list[str], to: Path) -> int:
    """A column a scheme's tier and feature. A days_since is its last day."""
    written = 0
    with to.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", *columns, "tags"])
        for member in members:
            cells = [_cell(member, column) for column in columns]
            writer.writerow([member["user_id"], *cells, " ".join(member.get("tags", []))])
            written += 1
    return written


def _cell(member: dict[str, Any], column: str) -> Any:
    scheme, _, feature = column.partition(".")
    if scheme == "tier":
        return member["tiers"].get(feature)
    if scheme in ("pinned", "frozen"):
        return member.get(scheme, {}).get(feature)
    found = member["features"].get(scheme, {}).get(feature)
    return member.get("days", {}).get(scheme, {}).get(feature) if found is None else found
