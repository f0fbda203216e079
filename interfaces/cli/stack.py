"""`tierline stack up|down|status`: the embedded servers."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infrastructure.local_stack.jars import default_cache, fetch_jars
from infrastructure.local_stack.server import PartBroken, ServerStatus
from infrastructure.local_stack.stack import PARTS, LocalStack
from infrastructure.local_stack.supervise import child_status
from infrastructure.settings import Settings, SettingsError, load_settings
from interfaces.cli.stack_progress import StackProgress

app = typer.Typer(no_args_is_help=True, help="The embedded PostgreSQL, Redis (two) and OpenSearch servers.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, nothing else.")]

_COLOURS = {"running": "green", "external": "cyan", "starting": "yellow", "stopped": "dim"}
_OWN_SERVERS = {
    "postgres": "database_url",
    "redis": "redis_url",
    "broker": "broker_url",
    "opensearch": "opensearch_url",
}


@app.command()
def up(as_json: AsJson = False) -> None:
    """Start the servers that do not run, and wait until they answer. Exit code 1 when one cannot."""
    settings = _settings()
    with StackProgress() as progress:
        started = _stack(settings).up(_embedded(settings), progress).servers
    _show(_in_order(*started, *_external(settings)), as_json)
    if any(server.status != "running" for server in started):
        raise typer.Exit(1)


@app.command()
def down(as_json: AsJson = False) -> None:
    """Stop the servers. Their data stays."""
    _show(_stack(_settings()).down().servers, as_json)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Every server, and the API and the workers while `tierline run` runs them."""
    settings = _settings()
    embedded = _embedded(settings)
    servers = [server for server in _stack(settings).status() if server.name in embedded]
    _show([*_in_order(*servers, *_external(settings)), *child_status(settings.home)], as_json)


@app.command()
def fetch() -> None:
    """Download what the servers need and do not have yet (OpenSearch's jars), so that `up` needs no network."""
    settings = _settings()
    try:
        with StackProgress() as progress:
            jars = fetch_jars(
                settings.cache or default_cache(), lambda what, share: progress("opensearch", what, share)
            )
    except PartBroken as broken:
        typer.secho(f"OpenSearch will be off, everything else works.\n{broken}", fg="yellow", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"OpenSearch's jars are in {jars}")


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        typer.secho(error, fg="red", err=True)
        raise typer.Exit(2) from None


def _stack(settings: Settings) -> LocalStack:
    return LocalStack(settings.home, settings.cache, settings.opensearch_heap_mb)


def _embedded(settings: Settings) -> list[str]:
    return [part for part in PARTS if getattr(settings, _OWN_SERVERS[part]) is None]


def _in_order(*servers: ServerStatus) -> list[ServerStatus]:
    return sorted(servers, key=lambda server: PARTS.index(server.name))


def _external(settings: Settings) -> list[ServerStatus]:
    return [
        ServerStatus(part, "external", None, _without_password(url), f"by TIERLINE_{_OWN_SERVERS[part].upper()}")
        for part in PARTS
        if (url := getattr(settings, _OWN_SERVERS[part]))
    ]


def _show(servers: Iterable[ServerStatus], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(server) for server in servers], indent=2))
        return
    table = Table(box=None, header_style="bold")
    for column in ("name", "status", "pid", "url"):
        table.add_column(column, overflow="fold")
    for server in servers:
        colour = _COLOURS.get(server.status, "red")
        url = escape(_without_password(server.url)) if server.url else ""
        table.add_row(server.name, f"[{colour}]{server.status}[/]", str(server.pid or ""), url)
    console = Console()
    console.print(table)
    for server in servers:
        if server.detail and server.status not in ("stopped", "external"):
            console.print(f"\n[bold]{server.name}[/]: {escape(server.detail)}", highlight=False)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")))
