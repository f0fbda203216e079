"""`tierline strategy`: strategies from file to end, and users taken in."""

from pathlib import Path
from typing import Annotated, Any

import typer

from interfaces.cli.context import KeyOption, acting
from interfaces.cli.runs import performed
from interfaces.cli.tables import read_rows
from interfaces.cli.terminal import JsonOption, bar, say, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="Strategies: what to do for whom, with arms and a holdout.")
bulk = typer.Typer(no_args_is_help=True, help="A strategy for many at once: preview, run, pause, cancel, revert.")
app.add_typer(bulk, name="bulk")

File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)]
Name = Annotated[str, typer.Argument(metavar="STRATEGY")]
UserId = Annotated[str, typer.Argument(metavar="USER_ID")]
BulkId = Annotated[str, typer.Argument(metavar="ID", help="As the preview told it.")]
Note = Annotated[str, typer.Option(help="Kept with the event.")]
Hash = Annotated[str | None, typer.Option(help="Of what was looked at: a change since is refused.")]
DEFINE, RUN = "define and submit strategies and campaigns", "start, pause, end and retire strategies and campaigns"
APPROVE, ASSIGN = "approve strategies and campaigns", "assign strategies"


@app.command()
def lint(ctx: typer.Context, file: File, as_json: JsonOption = False) -> None:
    """Find what is wrong with a strategy file, beside models and benefits that there are. Exit code 1 for an error."""
    with ctx.obj.system("postgres") as system:
        tell_faults(system.strategies.lint(file.read_bytes()), as_json)


@app.command()
def define(ctx: typer.Context, file: File, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Take a strategy file in: a new name is defined, of one that is there the content is replaced."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, DEFINE)
        _tell(system.strategies.define(file.read_bytes(), who.actor), as_json)


@app.command("list")
def list_strategies(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """All of them."""
    from application.strategies.show_strategy import shown

    with ctx.obj.system("postgres") as system:
        views = [shown(view) for view in system.strategies.definitions.views()]
    if as_json:
        show_json(views)
        return
    columns = ("strategy", "version", "status", "campaign", "started_at")
    show_table(columns, [tuple(view[column] for column in columns) for view in views])
    for view in views:
        _tell_fault(view)


@app.command()
def show(ctx: typer.Context, strategy: Name, as_json: JsonOption = False) -> None:
    """One, with its spec."""
    with ctx.obj.system("postgres") as system:
        _tell(system.strategies.definitions.view(strategy), as_json)


@app.command()
def progress(ctx: typer.Context, strategy: Name, as_json: JsonOption = False) -> None:
    """Whom it has taken in, by arm, whom it has not and why, and whether the split is as it was meant."""
    from application.strategies.show_strategy import shown_progress

    with ctx.obj.system("postgres") as system:
        view = system.strategies.definitions.view(strategy)
        found = shown_progress(view, system.strategies.queries.progress(strategy))
    if as_json:
        show_json(found)
        return
    say(f"{strategy}: {found['status']}")
    _tell_fault(found)
    _tell_arms(found)
    show_table(("not taken in", "users"), sorted(found["skipped"].items()))
    why = [
        (f"{state}: {reason}", users)
        for state, reasons in found["messages"]["why"].items()
        for reason, users in sorted(reasons.items())
    ]
    show_table(("messages", "users"), [("sent", found["messages"]["sent"]), *why])
    chance = found["sample_ratio_p"]
    say(f"A split at least as uneven by chance: arms {chance['arms']:.3g}, holdout {chance['holdout']:.3g}")


@app.command()
def submit(
    ctx: typer.Context, strategy: Name, note: Note = "", key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Lay it before somebody else, who may approve it."""
    _change(ctx, key, DEFINE, as_json, "submit", strategy, note=note)


@app.command()
def approve(
    ctx: typer.Context,
    strategy: Name,
    content_hash: Hash = None,
    note: Note = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Agree to what others have made."""
    _change(ctx, key, APPROVE, as_json, "approve", strategy, content_hash=content_hash, note=note)


@app.command()
def reject(
    ctx: typer.Context,
    strategy: Name,
    reason: Annotated[str, typer.Option(help="Kept with the event.")],
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send it back to its makers."""
    _change(ctx, key, APPROVE, as_json, "reject", strategy, reason=reason)


@app.command()
def start(ctx: typer.Context, strategy: Name, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Let it run from now on; a paused one goes on."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, RUN)
        _tell(system.strategies.change.start(strategy, who.actor, as_admin=who.is_admin), as_json)


@app.command()
def pause(
    ctx: typer.Context, strategy: Name, reason: Note = "", key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Let it rest: it takes nobody in and does nothing."""
    _change(ctx, key, RUN, as_json, "pause", strategy, reason=reason)


@app.command()
def end(
    ctx: typer.Context, strategy: Name, reason: Note = "", key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """End it for good, with its assignments."""
    _change(ctx, key, RUN, as_json, "end", strategy, reason=reason)


@app.command()
def retire(ctx: typer.Context, strategy: Name, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Put it away."""
    _change(ctx, key, RUN, as_json, "retire", strategy)


@app.command()
def assign(
    ctx: typer.Context,
    user_id: UserId,
    strategy: Name,
    arm: Annotated[str | None, typer.Option(help="Drawn, as for everybody, when left out.")] = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a user in by hand."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, ASSIGN)
        taken = system.strategies.assign(user_id, strategy, who.actor, arm=arm)
        system.nudges.projectors()
    told = {
        "user_id": user_id,
        "assignment_id": taken.assignment_id.hex,
        "arm": taken.arm,
        "holdout": taken.holdout or None,
    }
    show_json(told) if as_json else say(f"{user_id} is in {strategy}: {taken.arm or f'held out ({taken.holdout})'}")


@app.command()
def unassign(
    ctx: typer.Context,
    user_id: UserId,
    strategy: Name,
    reason: Note = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a user go."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, ASSIGN)
        ended = system.strategies.end(user_id, strategy, who.actor, reason=reason)
        system.nudges.projectors()
    told = {"user_id": user_id, "strategy": strategy, "assignment_id": ended}
    show_json(told) if as_json else say(f"{user_id} is in {strategy} no more.")


@app.command("dry-run")
def dry_run(ctx: typer.Context, strategy: Name, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Whom it would reach, whom not and why, and at what cost, if its audience came by now. Nothing is done."""
    with ctx.obj.system("postgres") as system, bar("looking at everybody") as report:
        who = acting(system, key, DEFINE)
        made = system.strategies.bulk.dry_run(strategy, who.actor)
        performed(system, lambda: system.strategies.bulk.run_of(made), made.preview_id, report)
        shown = system.strategies.bulk.shown(system.strategies.bulk.get(made.bulk_id))
    _tell_bulk(shown, as_json)


@bulk.command()
def preview(
    ctx: typer.Context,
    strategy: Name,
    where: Annotated[str, typer.Option(help="A segment's condition.")] = "",
    segment: Annotated[str, typer.Option(metavar="NAME", help="A saved segment, as it is now.")] = "",
    file: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", exists=True, dir_okay=False, help="A column user_id.")
    ] = None,
    arm: Annotated[str | None, typer.Option(help="Drawn when left out.")] = None,
    reason: Note = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Whom it would take in, how and at what cost, and whom not and why. Nothing is done yet."""
    from application.strategies.bulk_ports import BulkWanted

    users = None if file is None else [cells["user_id"] for _, cells in read_rows(file, ["user_id"], [])]
    with ctx.obj.system("postgres") as system, bar("looking at users") as report:
        who = acting(system, key, RUN)
        wanted = BulkWanted(strategy, where, users is not None, arm, reason, segment=segment)
        made = system.strategies.bulk.preview(wanted, who.actor, users)
        performed(system, lambda: system.strategies.bulk.run_of(made), made.preview_id, report)
        shown = system.strategies.bulk.shown(system.strategies.bulk.get(made.bulk_id))
    _tell_bulk(shown, as_json)


@bulk.command()
def run(ctx: typer.Context, bulk_id: BulkId, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Do it, here and beside any worker; one that was paused or cancelled goes on with those who are left."""
    with ctx.obj.system("postgres", "broker") as system, bar("assigning") as report:
        who = acting(system, key, RUN)
        begun = system.strategies.bulk.run(bulk_id, who.actor, as_admin=who.is_admin)
        performed(system, lambda: system.strategies.bulk.run_of(begun), begun.run_id, report)
        system.nudges.projectors()
        shown = system.strategies.bulk.shown(system.strategies.bulk.get(bulk_id))
    _tell_bulk(shown, as_json)


@bulk.command()
def revert(ctx: typer.Context, bulk_id: BulkId, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """End the assignments that it made and that go on."""
    with ctx.obj.system("postgres", "broker") as system, bar("taking back") as report:
        who = acting(system, key, RUN)
        begun = system.strategies.bulk.revert(bulk_id, who.actor)
        performed(system, lambda: system.strategies.bulk.run_of(begun), begun.revert_id, report)
        system.nudges.projectors()
        shown = system.strategies.bulk.shown(system.strategies.bulk.get(bulk_id))
    _tell_bulk(shown, as_json)


@bulk.command("pause")
def pause_bulk(ctx: typer.Context, bulk_id: BulkId, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Let it rest; run lets it go on."""
    _turn(ctx, bulk_id, key, "pause", as_json)


@bulk.command()
def cancel(ctx: typer.Context, bulk_id: BulkId, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Break it off; what is done stays done."""
    _turn(ctx, bulk_id, key, "cancel", as_json)


@bulk.command("show")
def show_bulk(ctx: typer.Context, bulk_id: BulkId, as_json: JsonOption = False) -> None:
    """How far it is."""
    with ctx.obj.system("postgres") as system:
        _tell_bulk(system.strategies.bulk.shown(system.strategies.bulk.get(bulk_id)), as_json)


def tell_faults(faults: list[Any], as_json: bool) -> None:
    """What a lint has found; exit code 1 for any."""
    from dataclasses import asdict

    if as_json:
        show_json([asdict(fault) for fault in faults])
    else:
        for fault in faults:
            say(f"{fault.severity}: {fault}")
        say(f"{len(faults)} errors." if faults else "No errors.")
    if faults:
        raise typer.Exit(1)


def _tell_fault(shown: dict[str, Any]) -> None:
    fault = shown["fault"]
    if fault is not None:
        say(f"{shown['strategy']} reaches nobody since {fault['since']}: {fault['path']}: {fault['error']}")


def _tell_arms(found: dict[str, Any]) -> None:
    """What was done, and what came of it."""
    plain, reported = ("assigned", "live", "exposed", "redeemed", "converted"), ("exposed", "clicked", "ordered")
    rows = [
        (
            one["arm"] or f"held out ({one['holdout']})",
            *(one[name] for name in plain),
            *(one["reported"][name] for name in reported),
        )
        for one in found["arms"]
    ]
    show_table(("arm", *plain, *(f"reported {name}" for name in reported)), rows)
    for finding in found["findings"]:
        say(f"{finding['assignments']} who are held out ({finding['holdout']}) are reported as {finding['reported']}!")


def _change(
    ctx: typer.Context, key: str | None, permission: str, as_json: bool, what: str, strategy: str, **named: Any
) -> None:
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, permission)
        _tell(getattr(system.strategies.change, what)(strategy, who.actor, **named), as_json)


def _turn(ctx: typer.Context, bulk_id: str, key: str | None, what: str, as_json: bool) -> None:
    with ctx.obj.system("postgres") as system:
        acting(system, key, RUN)
        turned = getattr(system.strategies.bulk, what)(bulk_id)
        _tell_bulk(system.strategies.bulk.shown(turned), as_json)


def _tell(view: Any, as_json: bool) -> None:
    from application.strategies.show_strategy import shown_whole

    if as_json:
        show_json(shown_whole(view))
        return
    say(f"{view.strategy} version {view.version} is {view.status}. Its content is {view.content_hash}.")


def _tell_bulk(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(shown)
        return
    say(
        f"{shown['id']}: {shown['strategy']}, {shown['state']}, {shown['users_done']:,} of {shown['users']:,} looked at"
    )
    for title, counts in (("would be", shown["would"]), ("so far", shown["so_far"])):
        if counts is None:
            continue
        rows = [(f"assigned: {arm}", users) for arm, users in sorted(counts["assigned"].items())]
        rows += [(f"held out: {whose}", users) for whose, users in sorted(counts["held"].items())]
        rows += [(f"not taken in: {reason}", users) for reason, users in sorted(counts["skipped"].items())]
        show_table((title, "users"), [*rows, ("not for them", counts["not_addressed"])])
        for currency, cost in counts.get("cost", {}).items():
            say(f"Grants would cost {cost:,} {currency} in minor units.")
    if shown["unknown"]:
        say(f"{shown['unknown']:,} are not known, such as {', '.join(shown['unknown_first'][:5])}")
