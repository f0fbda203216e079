"""`tierline facts`: files of facts, live or as history; kinds of facts."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from application.facts.history_status import GetHistoryStatus
from application.facts.open_history import OpenHistory
from application.facts.record_facts import FactsRecorded, RecordFactStream
from application.facts.register_fact_kind import RegisterFactKind
from application.facts.seal_history import SealHistory
from domain.facts.kinds import KindDefinition
from interfaces.cli import terminal
from interfaces.cli.context import ACTOR
from interfaces.cli.standings import imported
from interfaces.cli.terminal import JsonOption

app = typer.Typer(no_args_is_help=True, help="Facts: what other services say happened.")

_OTHERS_DECIDE_SECONDS = 0.05
_LISTED = 20  # rejected facts that are shown


@dataclass
class _Import:
    """What came of it. history: the session and its subjects, None for live facts."""

    files: list[dict[str, Any]] = field(default_factory=list)
    totals: FactsRecorded = field(default_factory=FactsRecorded)
    history: dict[str, Any] | None = None

    def add(self, path: Path, recorded: FactsRecorded) -> None:
        """One file, done."""
        self.files.append({"file": str(path), **recorded.to_json()})
        self.totals.accepted += recorded.accepted
        self.totals.duplicates += recorded.duplicates
        self.totals.rejected_count += recorded.rejected_count
        self.totals.position = max(self.totals.position, recorded.position)

    def to_json(self) -> dict[str, Any]:
        """The totals, with every file's own figures and rejected facts."""
        told = {
            name: [{"file": one["file"], **fact} for one in self.files for fact in one[name]]
            for name in ("rejected", "doubtful")
        }
        return {**self.totals.to_json(), **told, "files": self.files, "history": self.history}


@app.command()
def kinds(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """All kinds of facts, with what each must carry."""
    with ctx.obj.system("postgres") as system:
        known = sorted(system.fact_kinds.refreshed().items())
    if as_json:
        terminal.show_json(
            [{"kind": kind, "requires": list(one.requires), "texts": list(one.texts)} for kind, one in known]
        )
    else:
        rows = [(kind, ", ".join(one.requires), ", ".join(one.texts)) for kind, one in known]
        terminal.show_table(("kind", "requires", "ids"), rows)


@app.command()
def register(
    ctx: typer.Context,
    kind: Annotated[str, typer.Argument(help="Lower-case letters, digits and underscores.")],
    requires: Annotated[
        list[str] | None,
        typer.Option(help="amount, currency, lines, attributes or attributes.NAME; as often as needed."),
    ] = None,
    texts: Annotated[
        list[str] | None, typer.Option("--text", help="An attribute that is an id: non-empty text.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Register a further kind of fact, for good."""
    definition = KindDefinition(tuple(requires or ()), tuple(texts or ()))
    with ctx.obj.system("postgres") as system:
        system.register_fact_kind(RegisterFactKind(kind, definition))
    if as_json:
        terminal.show_json({"kind": kind, "requires": list(definition.requires), "texts": list(definition.texts)})
    else:
        terminal.say(f"{kind} is a kind of fact.")


@app.command("import")
def import_facts(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="NDJSON (or .ndjson.gz), CSV or Parquet.", metavar="FILE...")],
    history: Annotated[
        bool, typer.Option("--history", help="As history: open a session, import, seal it and decide its users.")
    ] = False,
    standings: Annotated[
        Path | None,
        typer.Option(
            help="With --history: a CSV file as `standings import` takes it; whose history this is stands so from now "
            "on.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(help="The source of facts that name none.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Record the facts of files. Interrupted, run it again: nothing is doubled, and a history goes on where it was.

    Exit code 1 when a fact was rejected, or a standing: all others are recorded.
    """
    if standings is not None and not history:
        raise typer.BadParameter("needs --history: use `tierline standings import` alone", param_hint="--standings")
    opened = [ctx.obj.open_fact_file(path, source) for path in files]
    done = _Import()
    with ctx.obj.system("postgres") as system, _bars() as bars:
        session = None
        if history:
            session = system.open_history(OpenHistory(_actor(opened, source), resume=True)).history_id
        for file in opened:
            done.add(file.path, _record(system, file, session, bars))
        taken_over = imported(system, standings, ACTOR) if standings is not None else None
        if session is not None:
            done.history = _decide(system, session, bars)
    if as_json:
        terminal.show_json(done.to_json())
    else:
        _show(done)
    for fault in taken_over.faults if taken_over is not None else ():
        terminal.complain(f"{standings}, line {fault.line}: {fault.field} {fault.value!r}: {fault.remedy}")
    if done.totals.rejected_count or (taken_over is not None and taken_over.refused):
        raise typer.Exit(1)


def _record(system: Any, file: Any, session: UUID | None, bars: Progress) -> FactsRecorded:
    bar = bars.add_task(file.path.name, total=file.size, figures="")
    stream: Iterator[FactsRecorded] = system.record_facts.progress(RecordFactStream(file, session))
    recorded = FactsRecorded()
    for so_far in stream:
        recorded = so_far
        bars.update(bar, completed=file.done, figures=f"{recorded.accepted + recorded.duplicates:,} facts")
    bars.update(bar, completed=file.size)
    return recorded


def _decide(system: Any, history_id: UUID, bars: Progress) -> dict[str, Any]:
    """Seal, and decide side by side with any worker until nobody waits: of this session, and of one that the same
    import had sealed when it was interrupted."""
    sealed = system.seal_history(SealHistory(history_id, ACTOR))
    total = waiting = system.history_status(GetHistoryStatus(history_id)).subjects_pending
    bar = bars.add_task("deciding", total=total, figures="")
    users = instants = 0
    taken = -1
    while taken or waiting:
        taken, decided = system.evaluate_due.decide_history()
        users, instants = users + taken, instants + decided
        waiting = system.history_status(GetHistoryStatus(history_id)).subjects_pending
        bars.update(bar, completed=total - waiting, figures=f"{users:,} users, {instants:,} instants")
        if not taken and waiting:
            system.evaluate_due.require_progress(waiting)
            time.sleep(_OTHERS_DECIDE_SECONDS)
    return {
        "history_id": str(history_id),
        "position": sealed.sealed_position,
        "subjects": max(total, users),  # a worker may have decided some of them
        "instants": instants,
    }


def _actor(files: list[Any], source: str | None) -> str:
    """Names the import by its files, so that the same import finds its open session again."""
    named = "\n".join(f"{file.path.resolve()} {file.size}" for file in files) + f"\n{source or ''}"
    return f"{ACTOR}:import:{hashlib.sha256(named.encode()).hexdigest()[:16]}"


def _bars() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
    )
    return terminal.passing_bars(*columns)


def _show(done: _Import) -> None:
    totals = done.totals
    terminal.say(
        f"{totals.accepted:,} facts recorded, {totals.duplicates:,} were there already, "
        f"{totals.rejected_count:,} rejected; position {totals.position}"
    )
    told = done.to_json()
    for fact in (*told["rejected"][:_LISTED], *told["doubtful"][:_LISTED]):
        error = fact["error"]
        where = f"{fact['file']}:{fact['index'] + 1}"
        terminal.say(f"{where}: {error['field'] or 'fact'} {error['value']!r}: {error['detail']}: {error['remedy']}")
    if totals.rejected_count > _LISTED:
        terminal.say(f"and {totals.rejected_count - _LISTED:,} more: --json lists them")
    if done.history is not None:
        history = done.history
        terminal.say(f"{history['subjects']:,} users decided at {history['instants']:,} instants of their history")
