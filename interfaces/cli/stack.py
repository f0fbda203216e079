"""`tierline stack up|down|status|fetch`: the embedded servers."""

from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

import typer

from infrastructure.local_stack.jars import default_cache, fetch_jars
from infrastructure.local_stack.server import PartBroken, ServerStatus
from infrastructure.local_stack.stack import PARTS
from infrastructure.local_stack.supervise import child_status
from interfaces.cli.context import URL_SETTINGS, CliContext
from interfaces.cli.stack_progress import StackProgress
from interfaces.cli.terminal import JsonOption, say, show_json, show_table, warn

app = typer.Typer(no_args_is_help=True, help="The embedded PostgreSQL, Redis (two) and OpenSearch servers.")


@app.command()
def up(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Start the servers that do not run, and wait until they answer. Exit code 1 when one cannot."""
    with StackProgress() as progress:
        started = ctx.obj.stack.up(ctx.obj.embedded, progress)
    _show(_in_order(*started.servers, *_external(ctx.obj)), as_json)
    if started.failed:
        raise typer.Exit(1)


@app.command()
def down(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Stop the servers. Their data stays."""
    _show(ctx.obj.stack.down().servers, as_json)


@app.command()
def status(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Every server, and the API and the workers while `tierline run` runs them."""
    servers = [server for server in ctx.obj.stack.status() if server.name in ctx.obj.embedded]
    children = child_status(ctx.obj.settings.home)
    _show([*_in_order(*servers, *_external(ctx.obj)), *children], as_json)


@app.command()
def fetch(ctx: typer.Context) -> None:
    """Download what the servers need and do not have yet (OpenSearch's jars), so that `up` needs no network."""
    cache = ctx.obj.settings.cache or default_cache()
    try:
        with StackProgress() as progress:
            jars = fetch_jars(cache, lambda what, share: progress("opensearch", what, share))
    except PartBroken as broken:
        warn(f"OpenSearch will be off, everything else works.\n{broken}")
        raise typer.Exit(1) from None
    say(f"OpenSearch's jars are in {jars}")


def _in_order(*servers: ServerStatus) -> list[ServerStatus]:
    return sorted(servers, key=lambda server: PARTS.index(server.name))


def _external(context: CliContext) -> list[ServerStatus]:
    return [
        ServerStatus(part, "external", None, _without_password(url), f"given by TIERLINE_{setting.upper()}")
        for part, setting in URL_SETTINGS.items()
        if (url := getattr(context.settings, setting))
    ]


def _show(servers: Sequence[ServerStatus], as_json: bool) -> None:
    if as_json:
        show_json(servers)
        return
    rows = [
        (server.name, server.status, server.pid, server.url and _without_password(server.url)) for server in servers
    ]
    show_table(("name", "status", "pid", "url"), rows)
    for server in servers:
        if server.status in ("failed", "dead"):
            warn(f"\n{server.name}: {server.detail}")


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")))
