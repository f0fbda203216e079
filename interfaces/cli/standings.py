"""`tierline standings`: standings that a running programme brings along."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interfaces.cli.context import KeyOption, acting
from interfaces.cli.tables import CellInvalid, instant_in, read_rows, text_in
from interfaces.cli.terminal import JsonOption, bar, complain, say, show_json

if TYPE_CHECKING:
    from application.standings.import_standings import StandingsImported
    from application.standings.ports import LineFault, OpeningLine

app = typer.Typer(no_args_is_help=True, help="Standings that a running programme brings along.")

StandingsFile = Annotated[Path, typer.Argument(metavar="FILE.csv", exists=True, dir_okay=False)]
_REQUIRED = ("user_id", "scheme", "tier", "since")


@app.callback()
def _group() -> None:
    """One command is there, and more may come: it keeps its name."""


@app.command("import")
def import_standings(
    ctx: typer.Context, file: StandingsFile, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Take over where users stand: columns user_id, scheme, tier, since, and where there are any scope, valid_until,
    growth.

    The file is checked as a whole; with a fault in any line nothing is taken over. Whom nobody named yet is decided at
    once, who has facts in an open history when that is sealed. Interrupted, run it again.
    """
    from application.standings.import_standings import StandingsInvalid

    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, "take over standings")
        try:
            done = imported(system, file, who.actor)
            said = f"{done.taken} standings taken over, {done.again} were before."
        except StandingsInvalid as invalid:
            done, said = invalid.found, str(invalid)
        system.nudges.projectors()
    if as_json:
        show_json(done)
    else:
        complain(said) if done.refused else say(said)
        for fault in done.faults:
            complain(f"line {fault.line}: {fault.field} {fault.value!r}: {fault.remedy}")
    if done.refused:
        raise typer.Exit(1)


def imported(system: Any, file: Path, actor: str) -> "StandingsImported":
    """The file, with progress. Raises StandingsInvalid, BadParameter."""
    from application.standings.import_standings import StandingsImported

    done = StandingsImported(lines=0)
    with bar(file.name) as report:
        for so_far in system.import_standings(openings_of(file), actor):
            done = so_far
            report(done.taken + done.again + done.refused, done.lines)
    return done


def openings_of(file: Path) -> Iterator["OpeningLine | LineFault"]:
    """The file's lines. Raises BadParameter."""
    from application.standings.ports import LineFault, OpeningLine

    for line, cells in read_rows(file, _REQUIRED, ("scope", "valid_until", "growth")):
        try:
            user_id, scheme, tier, _ = (text_in(cells, name) for name in _REQUIRED)
            since, until = instant_in(cells, "since") or 0, instant_in(cells, "valid_until")
            yield OpeningLine(line, user_id, scheme, tier, since, cells["scope"], until, _whole(cells["growth"]))
        except CellInvalid as invalid:
            yield LineFault(line, invalid.field, invalid.value, invalid.remedy)


def _whole(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or int(text) >= 2**53:
        raise CellInvalid("growth", text, "give a whole number from 0 to 2^53 - 1")
    return int(text)
