"""`tierline grants bulk`: one benefit to many."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from application.bulk_grants.listing import ListFormat, listed
from interfaces.cli.context import KeyOption, acting
from interfaces.cli.terminal import JsonOption, bar, complain, say, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="Bulk grants: one benefit to many.")

Id = Annotated[str, typer.Argument(metavar="ID", help="As `preview` has answered it; `list` shows all.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Kept with it.")]
_OTHERS_WORK_SECONDS = 0.1
_FORMATS: dict[str, ListFormat] = {".csv": "csv", ".txt": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
_SHOWN = 20


@app.command()
def preview(
    ctx: typer.Context,
    benefit: Annotated[str, typer.Argument(help="The benefit.")],
    where: Annotated[str | None, typer.Option(help="A condition, as a segment's; '' is everybody.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(help=".csv with a column user_id (or one column), or .ndjson.", exists=True, dir_okay=False),
    ] = None,
    units: Annotated[int, typer.Option(help="For each of them.")] = 1,
    reason: ReasonOption = "",
    budget: Annotated[list[str] | None, typer.Option(help="Charged besides the benefit's own.")] = None,
    campaign: Annotated[str, typer.Option()] = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plan it and count what it would do. Its members are fixed now; nothing is granted before `start`."""
    from application.bulk_grants.ports import BulkWanted

    if (where is None) == (file is None):
        raise typer.BadParameter("give --where or --file, one of them")
    if file is not None and file.suffix not in _FORMATS:
        raise typer.BadParameter(f"--file {file}: end it with one of {', '.join(_FORMATS)}, which says how to read it")
    source = {"where": where} if file is None else {"listed": file.name}
    asked = BulkWanted(benefit, source, units, reason, tuple(budget or ()), campaign)
    parts = ("postgres",) if where is None else ("postgres", "opensearch")
    with ctx.obj.system(*parts) as system, bar("fixing the members") as report:
        who = acting(system, key, "grant in bulk")
        if file is None:
            view = system.bulk_grants.plan(asked, None, who.actor)
        else:
            view = _planned(system, asked, file, who.actor, report)
        view = _performed(system, view.run_id, report, "previewing")
    _told(view, as_json)


@app.command()
def approve(
    ctx: typer.Context,
    run_id: Id,
    note: Annotated[str, typer.Option(help="Kept with it.")] = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Agree to it as it was previewed. Not one's own."""
    _change(ctx, key, "approve bulk grants", as_json, lambda bulk, who: bulk.approve(run_id, who.actor, note=note))


@app.command()
def reject(
    ctx: typer.Context, run_id: Id, reason: ReasonOption, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Send it back for good."""
    _change(ctx, key, "approve bulk grants", as_json, lambda bulk, who: bulk.reject(run_id, who.actor, reason=reason))


@app.command()
def start(ctx: typer.Context, run_id: Id, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Grant it, beside any worker. Broken off, `resume` goes on where it was."""
    _work(
        ctx,
        key,
        as_json,
        "granting",
        "running",
        lambda bulk, who: bulk.start(run_id, who.actor, as_admin=who.is_admin),
    )


@app.command()
def pause(
    ctx: typer.Context, run_id: Id, reason: ReasonOption = "", key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Grant nothing more of it for now."""
    _change(
        ctx,
        key,
        "pause and cancel bulk grants",
        as_json,
        lambda bulk, who: bulk.pause(run_id, who.actor, reason=reason),
    )


@app.command()
def resume(ctx: typer.Context, run_id: Id, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Go on where it was, beside any worker."""
    _work(ctx, key, as_json, "granting", "running", lambda bulk, who: bulk.resume(run_id, who.actor))


@app.command()
def cancel(
    ctx: typer.Context, run_id: Id, reason: ReasonOption = "", key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Grant nothing more of it, ever. What was granted stays."""
    _change(
        ctx,
        key,
        "pause and cancel bulk grants",
        as_json,
        lambda bulk, who: bulk.cancel(run_id, who.actor, reason=reason),
    )


@app.command()
def revert(
    ctx: typer.Context, run_id: Id, reason: ReasonOption, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Revoke what is unredeemed of it, beside any worker. Broken off, run it again."""
    _work(
        ctx,
        key,
        as_json,
        "revoking",
        "reverting",
        lambda bulk, who: bulk.revert(run_id, who.actor, reason=reason),
    )


@app.command()
def show(ctx: typer.Context, run_id: Id, as_json: JsonOption = False) -> None:
    """What it is, what it would do, and how far it is."""
    with ctx.obj.system("postgres") as system:
        view = system.bulk_grants.store.get(run_id)
    _told(view, as_json)


@app.command("list")
def list_bulk_grants(
    ctx: typer.Context,
    size: Annotated[int, typer.Option(min=1, max=200)] = 20,
    as_json: JsonOption = False,
) -> None:
    """The latest first."""
    with ctx.obj.system("postgres") as system:
        found, _ = system.bulk_grants.store.latest(None, size)
    if as_json:
        show_json(found)
        return
    rows = [
        (view.run_id, view.state, view.benefit, view.people, view.progress.granted, view.planned_by, view.because)
        for view in found
    ]
    show_table(("id", "state", "benefit", "people", "granted", "planned by", "because"), rows)


def _planned(system: Any, asked: Any, file: Path, actor: str, report: Callable[[int, int], None]) -> Any:
    size = file.stat().st_size
    with file.open("rb") as lines:

        def told() -> Any:
            for number, line in enumerate(lines):
                if number % 10_000 == 0:
                    report(lines.tell() if lines.seekable() else 0, size)
                yield line

        return system.bulk_grants.plan(asked, listed(told(), _FORMATS[file.suffix]), actor)


def _change(
    ctx: typer.Context, key: str | None, permission: str, as_json: bool, act: Callable[[Any, Any], Any]
) -> None:
    with ctx.obj.system("postgres") as system:
        view = act(system.bulk_grants, acting(system, key, permission))
    _told(view, as_json)


def _work(
    ctx: typer.Context, key: str | None, as_json: bool, what: str, state: str, act: Callable[[Any, Any], Any]
) -> None:
    with ctx.obj.system("postgres") as system, bar(what) as report:
        view = act(system.bulk_grants, acting(system, key, "grant in bulk"))
        view = _performed(system, view.run_id, report, state)
    _told(view, as_json)
    if view.state == "paused":
        raise typer.Exit(1)


def _performed(system: Any, run_id: str, report: Callable[[int, int], None], state: str) -> Any:
    """Work on it, beside others, until it is in that state no more."""
    told = 0.0
    while True:
        worked = system.bulk_grants.perform(run_id)
        if worked and time.monotonic() < told + _OTHERS_WORK_SECONDS:
            continue
        told = time.monotonic()
        view = system.bulk_grants.store.get(run_id)
        if view.state != state:
            return view
        done = view.progress.looked_at if state == "reverting" else view.people - view.progress.left
        report(done, view.people)
        if not worked:
            time.sleep(_OTHERS_WORK_SECONDS)


def _told(view: Any, as_json: bool) -> None:
    if as_json:
        show_json(view)
        return
    say(f"{view.run_id}: {view.state}{f' ({view.because})' if view.because else ''}")
    what = f"{view.units:,} of {view.benefit} (version {view.benefit_version})"
    say(f"{what} for each of {view.people:,} people; {view.unknown:,} lines name nobody")
    for fault in view.faults[:_SHOWN]:
        complain(f"line {fault['line']}: {fault['user_id']} {fault['problem']}")
    if view.preview is not None and view.state in ("previewed", "running"):
        _show_preview(view.preview)
    if view.approvals_needed:
        say(f"{view.approvals_needed} have to agree; {', '.join(view.approved_by) or 'nobody'} did")
    progress = view.progress
    skipped = "".join(f", {count:,} {reason}" for reason, count in progress.skipped.items())
    rate = f"; {progress.a_second:,.0f} a second" if progress.a_second else ""
    say(f"{progress.granted:,} granted{skipped}, {progress.left:,} left; cost {progress.cost:,} {view.currency}{rate}")
    if view.state in ("reverting", "reverted"):
        say(f"{progress.reverted:,} grants revoked, {progress.reverted_units:,} units")


def _show_preview(preview: dict[str, Any]) -> None:
    if "counted" not in preview:
        return
    how = "" if preview["counted"] == "exact" else f" (from {preview['looked_at']:,} of them, taken at random)"
    skipped = "".join(f", {count:,} {reason}" for reason, count in preview["skipped"].items())
    say(f"Would be granted to {preview['gets']:,}{skipped}{how}; cost {preview['cost']:,} {preview['currency']}")
    accounts = [(one["account"], one["left"], one["needed"], one["suffices"]) for one in preview["accounts"]]
    show_table(("account", "left", "needed", "suffices"), accounts)
    sample = [(one["user_id"], one["gets"], one["reason"], one["about"]) for one in preview["sample"]]
    show_table(("user", "gets it", "reason", "about"), sample)
