"""`tierline verify receipts` and `tierline verify ledger`: what is recorded, proven, by several processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from interfaces.cli.context import KeyOption, acting
from interfaces.cli.runs import performed
from interfaces.cli.terminal import JsonOption, bar, complain, say, show_json, show_table, warn
from interfaces.cli.upkeep import verify

__all__ = ["verify"]

_ALONE = 5_000  # subjects up to which a further process costs more than it does
_LISTED = 20

Processes = Annotated[int | None, typer.Option(min=1, max=64, help="One a core, if there is enough to do.")]
Resume = Annotated[str | None, typer.Option(metavar="ID", help="Go on with one that was broken off.")]


@verify.command("receipts")
def verify_receipts(
    ctx: typer.Context,
    user: Annotated[str | None, typer.Option(help="Only this user.")] = None,
    scheme: Annotated[str | None, typer.Option(help="Only decisions on this scheme.")] = None,
    processes: Processes = None,
    resume: Resume = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rerun every decision from the fact log. Exit code 0 only when each receipt is what the facts say."""
    from application.compliance.verifications import shown  # with all that decides: only who verifies waits for it

    with ctx.obj.system("postgres") as system:
        who = acting(system, key, "verify receipts")
        if resume is None:
            run = system.verifications.ask(who.actor, user_id=user, scheme=scheme)
        else:
            run = system.verifications.get(resume)
        found = shown(_performed(system, system.verifications, "receipts", run, processes))
    _tell(found, as_json, _show_receipts)


@verify.command("ledger")
def verify_ledger(
    ctx: typer.Context,
    user: Annotated[str | None, typer.Option(help="Only this user, and no account.")] = None,
    processes: Processes = None,
    resume: Resume = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold grants, their moves and every account against the events. Exit code 0 only when all is as they say."""
    from application.benefits.ledger.verifications import shown

    with ctx.obj.system("postgres") as system:
        who, verifications = acting(system, key, "verify receipts"), system.benefit_ledger.verifications
        run = verifications.ask(who.actor, user) if resume is None else verifications.get(resume)
        found = shown(_performed(system, verifications, "ledger", run, processes))
    _tell(found, as_json, _show_ledger)


def _performed(system: Any, verifications: Any, what: str, run: Any, processes: int | None) -> Any:
    """The run once it is done."""
    helpers = _helpers(verifications, run, processes)
    try:
        with _beside(what, run.run_id, helpers), bar(f"verifying {what}") as report:
            return performed(system, lambda: verifications.get(run.run_id), run.run_id, report)
    except KeyboardInterrupt:
        warn(f"Broken off; `tierline verify {what} --resume {run.run_id}` goes on.")
        raise


def _tell(found: dict[str, Any], as_json: bool, show: Callable[[dict[str, Any]], None]) -> None:
    if as_json:
        show_json(found)
    else:
        show(found)
    if not found["clean"]:
        raise typer.Exit(1)


def _helpers(verifications: Any, run: Any, processes: int | None) -> int:
    """How many processes beside this one."""
    if processes is not None:
        return processes - 1
    if run.parameters["user_id"] is not None or verifications.subjects() <= _ALONE:
        return 0
    return (os.cpu_count() or 1) - 1


@contextmanager
def _beside(what: str, run_id: str, helpers: int) -> Iterator[None]:
    """Further processes on the same run. They end with it, or when this one is broken off."""
    command = [sys.executable, "-m", "interfaces.cli.main", "verify", what, "--resume", run_id]
    command += ["--processes", "1", "--json"]
    started = [
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(helpers)
    ]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def _show_receipts(found: dict[str, Any]) -> None:
    from application.compliance.verify_receipts import COUNTS

    show_table(COUNTS, [[found[name] for name in COUNTS]])
    for error in found["errors"]:
        complain(error)
    for finding in found["first"][:_LISTED]:
        told = finding["recorded"] or finding["expected"] or {}
        if finding["problem"] == "broken-model":
            say(f"broken-model: {told['scheme']}@{told['version']} is not as it was recorded")
        else:
            whose = finding.get("user_id") or f"subject {finding['subject']}"
            say(f"{finding['problem']}: {whose}, {told.get('topic', 'facts')}, event {finding['event_id'] or 'none'}")


def _show_ledger(found: dict[str, Any]) -> None:
    from application.benefits.ledger.verifications import COUNTS

    show_table(COUNTS, [[found[name] for name in COUNTS]])
    for error in found["errors"]:
        complain(error)
    for problem, count in found["problems"].items():
        if count:
            say(f"{problem}: {count:,}")
    for finding in found["first"][:_LISTED]:
        whose = finding.get("user_id") or (finding["recorded"] or finding["expected"])["account"]
        grant = f", grant {finding['grant_id']}" if finding["grant_id"] else ""
        say(f"{finding['problem']}: {whose}{grant}, is {finding['recorded']}, should be {finding['expected']}")
