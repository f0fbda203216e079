"""What every command prints with: JSON for programs, plain lines and tables for people, trouble on standard error."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from domain.facts.instants import parse_instant

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, nothing else.")]


_UNSEEN_WIDTH = 1_000  # in a file or a pipe nothing has to fit a screen, and nothing is cut


def show_json(value: Any) -> None:
    """One JSON value on standard output. Dataclasses and structs become objects."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def say(text: str) -> None:
    """A line for people, on standard output."""
    Console().print(escape(text), highlight=False, soft_wrap=True)


def warn(text: str) -> None:
    """A line for people, on standard error, where it disturbs no program."""
    Console(stderr=True).print(escape(text), style="yellow", highlight=False, soft_wrap=True)


def complain(text: str) -> None:
    """What went wrong, on standard error."""
    Console(stderr=True).print(escape(text), style="red", highlight=False, soft_wrap=True)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """A table; None is an empty cell."""
    table = Table(*columns, box=None, header_style="bold", title=title, title_justify="left")
    for row in rows:
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:
        console.width = _UNSEEN_WIDTH
    console.print(table)


def instant_of(text: str | None) -> int | None:
    """An option's RFC 3339 instant in microseconds; None stays None. Raises BadParameter."""
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text}: {error}") from None


def passing_bars(*columns: ProgressColumn) -> Progress:
    """Bars on standard error that leave nothing behind; none where nobody watches, as in a pipe or a log."""
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def bar(what: str) -> Iterator[Any]:
    """A progress bar on standard error; its value is report(done, all)."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with passing_bars(*columns) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
