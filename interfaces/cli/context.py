"""What a command is handed as `ctx.obj`: the settings, and the system when it asks for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import typer

from application.access import NotAllowed, NotAuthenticated, Permission, Role
from infrastructure.local_stack.stack import LocalStack
from infrastructure.logs import configure_logs
from infrastructure.settings import Settings, load_settings
from interfaces.cli.stack_progress import StackProgress
from interfaces.cli.terminal import warn

ACTOR = "cli"
"""How events name who asked for them."""


KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key", envvar="TIERLINE_API_KEY", help="Act as this API key, with its rights alone.", show_default=False
    ),
]


@dataclass(frozen=True)
class Acting:
    """In whose name a command is done."""

    actor: str
    is_admin: bool


def acting(system: Any, key: str | None, permission: str) -> Acting:
    """Whoever sits at the machine may do everything; an API key what its role may.

    Raises NotAuthenticated, NotAllowed.
    """
    if key is None:
        return Acting(ACTOR, is_admin=True)
    principal = system.keys.recognise(key)
    if principal is None:
        raise NotAuthenticated("The API key is not known")
    if not principal.may(Permission(permission)):
        raise NotAllowed(principal, Permission(permission))
    return Acting(principal.actor, principal.role is Role.ADMIN)


URL_SETTINGS = {
    "postgres": "database_url",
    "redis": "redis_url",
    "broker": "broker_url",
    "opensearch": "opensearch_url",
}


@dataclass
class CliContext:
    """build: the wiring function; open_fact_file: (path, source) to a stream of facts."""

    build: Callable[..., Any]
    open_fact_file: Callable[..., Any]

    @cached_property
    def settings(self) -> Settings:
        """Raises SettingsError."""
        settings = load_settings()
        configure_logs(settings.log_level, settings.log_format)
        return settings

    @property
    def stack(self) -> LocalStack:
        """The embedded servers of these settings, running or not."""
        return LocalStack(self.settings.home, self.settings.cache, self.settings.opensearch_heap_mb)

    @property
    def embedded(self) -> list[str]:
        """The parts that the embedded stack serves."""
        return [part for part, url in URL_SETTINGS.items() if getattr(self.settings, url) is None]

    def runs(self, part: str) -> bool:
        """Whether the part is there without being started: served by somebody else, or embedded and running."""
        return part not in self.embedded or any(server.name == part and server.pid for server in self.stack.status())

    @contextmanager
    def system(self, *parts: str) -> Iterator[Any]:
        """The wired system, with these parts running (all when none is named).

        Embedded servers that do not run are started, and stay: the next command is quicker. It says so.
        """
        wanted = [part for part in self.embedded if not parts or part in parts]
        resting = {server.name for server in self.stack.status() if not server.pid} & set(wanted)
        with StackProgress() as progress:
            system = self.build(self.settings, parts=parts or None, progress=progress if resting else None)
        try:
            for part, why in system.off.items():
                warn(f"{part} is off: {why}")
            started = [part for part in wanted if part in resting and part not in system.off]
            if started:
                warn(f"Started {', '.join(started)}; `tierline stack down` stops them.")
            yield system
        finally:
            system.close()
