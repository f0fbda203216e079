"""`tierline run`: the embedded servers, the API and a worker, kept running until Ctrl-C."""

import json
import socket
import sys
import urllib.error
import urllib.request
from typing import Annotated

import typer

from infrastructure.local_stack.supervise import Child, Supervisor
from interfaces.cli.stack_progress import StackProgress
from interfaces.cli.terminal import complain, say, warn

_ASK_SECONDS = 4.0


def run(
    ctx: typer.Context,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="TIERLINE_PORT, or 8080.")] = None,
    host: Annotated[str | None, typer.Option(help="TIERLINE_HOST, or 127.0.0.1.")] = None,
) -> None:
    """Serve until Ctrl-C: servers, API and worker; whatever of them dies is started again."""
    settings = ctx.obj.settings
    port, host = port or settings.port, host or settings.host
    url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
    address = ["--host", host, "--port", str(port)]
    children = [
        Child("api", [sys.executable, "-m", "interfaces.http.main", *address], url),
        Child("worker", [sys.executable, "-m", "interfaces.worker.main"]),
    ]
    with Supervisor(settings.home, ctx.obj.stack, say) as supervisor:
        _require_free(host, port)  # now that an API which a killed run left has ended
        with StackProgress() as progress:
            started = supervisor.up(ctx.obj.embedded, progress)
        off = {server.name for server in started.failed}
        for server in started.failed:
            warn(f"{server.name} is off: {server.detail}")
        if "postgres" in off:
            complain("Nothing works without PostgreSQL.")
            raise typer.Exit(3)
        _prepare(ctx)
        supervisor.run(children, lambda: is_ready(url, off), lambda: say(f"Tierline is ready at {url}"))


def _prepare(ctx: typer.Context) -> None:
    """Migrate once for all children, and see that somebody may come in."""
    system = ctx.obj.build(ctx.obj.settings, parts=())
    try:
        token = system.keys.create_first_admin()
    finally:
        system.close()
    if token is not None:
        say(f"First admin key (shown this once): {token}")
    if system.clock.manual:
        warn("The clock is manual: time stands still until PUT /v1/clock moves it.")


def is_ready(url: str, off: set[str]) -> bool:
    """Whether every part answers but those that are known to be off."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=_ASK_SECONDS) as answer:
            return answer.status == 200
    except urllib.error.HTTPError as error:
        with error:
            parts = json.loads(error.read()).get("parts", [])
        return bool(parts) and {part["name"] for part in parts if part["status"] != "on"} <= off
    except (OSError, ValueError):
        return False


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise typer.BadParameter(
                f"--port {port} on {host} cannot be served: {error.strerror}; choose another"
            ) from None
