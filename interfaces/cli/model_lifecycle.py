"""`tierline model`: a version on its way into force, and out of it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.facts.instants import format_instant
from interfaces.cli.context import KeyOption as Key
from interfaces.cli.context import acting
from interfaces.cli.definitions import Note, named_version
from interfaces.cli.terminal import JsonOption, bar, instant_of, say, show_json
from interfaces.cli.tier_models import Scheme, What, app, resolved, view_json

if TYPE_CHECKING:
    from application.tier_models.ports import TierModelView
    from domain.tier_model.migration import Migration

Mode = Annotated[
    str | None, typer.Option(help="reassess (when left out), up-only, grandfather or soft-landing: who may fall, when.")
]
Until = Annotated[str | None, typer.Option(help="RFC 3339: up to when grandfather keeps tiers.")]
GraceDays = Annotated[int | None, typer.Option(help="For how many days soft-landing lets nobody fall.")]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="OLD=NEW", help="A tier of the version before, and the new one."),
]
Percent = Annotated[float | None, typer.Option(help="Of the users; the others stay on the version before.")]
Salt = Annotated[str | None, typer.Option(help="Whom a percentage reaches follows from it.")]
InsteadOf = Annotated[
    int | None, typer.Option(min=1, help="The version in force as you saw it: refused where it is another one.")
]


@app.command()
def submit(ctx: typer.Context, what: What, note: Note = "", key: Key = None, as_json: JsonOption = False) -> None:
    """Lay a version before somebody else, who may approve it. A file becomes a version, and is fitted, if need be."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, "draft and fit tier models")
        scheme, version = resolved(system, what, who.actor)
        with bar("fitting") as report:
            view = system.fit_tier_model(scheme, version, None, who.actor, report, only_needed=True)
        view = system.submit_tier_model(scheme, view.version, who.actor, note=note)
    _tell(view, as_json, f"{view.scheme} version {view.version} is {view.status}. Its content is {view.content_hash}.")


@app.command()
def approve(
    ctx: typer.Context,
    scheme: Scheme,
    content_hash: Annotated[
        str | None, typer.Option(help="Of the version that was looked at: a change since is refused.")
    ] = None,
    note: Note = "",
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Agree to a version that others have made."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, "approve tier models")
        name, version = named_version(scheme)
        view = system.approve_tier_model(name, version, who.actor, content_hash=content_hash, note=note)
    _tell(view, as_json, f"{view.scheme} version {view.version} is approved by {view.review.approved_by}.")


@app.command()
def reject(
    ctx: typer.Context,
    scheme: Scheme,
    reason: Annotated[str, typer.Option(help="Kept with the event.")],
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Send a submitted version back to its makers."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, "approve tier models")
        name, version = named_version(scheme)
        view = system.reject_tier_model(name, version, who.actor, reason=reason)
    _tell(view, as_json, f"{view.scheme} version {view.version} is sent back.")


@app.command()
def schedule(
    ctx: typer.Context,
    scheme: Scheme,
    at: Annotated[str, typer.Option(help="RFC 3339: from when on it is in force.")],
    notice_days: Annotated[int | None, typer.Option(help="At least so many days from now to then.")] = None,
    mode: Mode = None,
    until: Until = None,
    grace_days: GraceDays = None,
    mapping: Map = None,
    percent: Percent = None,
    salt: Salt = None,
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Let a version come into force by itself, at an instant that can be announced."""
    instant = instant_of(at)
    migration = migration_of(mode, until, grace_days, mapping, percent, salt)
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, "activate tier models")
        name, version = named_version(scheme)
        view = system.schedule_tier_model(
            name, version, who.actor, at=instant, notice_days=notice_days, migration=migration, as_admin=who.is_admin
        )
    when = format_instant(view.scheduled_at or 0)
    _tell(view, as_json, f"{view.scheme} version {view.version} comes into force at {when}.")


@app.command()
def unschedule(
    ctx: typer.Context, scheme: Scheme, reason: Note = "", key: Key = None, as_json: JsonOption = False
) -> None:
    """Take a schedule back whose instant has not come."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, "activate tier models")
        name, version = named_version(scheme)
        view = system.unschedule_tier_model(name, version, who.actor, reason=reason)
    _tell(view, as_json, f"{view.scheme} version {view.version} does not come into force by itself.")


@app.command()
def activate(
    ctx: typer.Context,
    what: What,
    mode: Mode = None,
    until: Until = None,
    grace_days: GraceDays = None,
    mapping: Map = None,
    percent: Percent = None,
    salt: Salt = None,
    instead_of: InsteadOf = None,
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Put a version in force; one that was in force before comes back. A file becomes a version, and is fitted, if need
    be."""
    migration = migration_of(mode, until, grace_days, mapping, percent, salt)
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, "activate tier models")
        scheme, version = resolved(system, what, who.actor)
        with bar("fitting") as report:
            view = system.fit_tier_model(scheme, version, None, who.actor, report, only_needed=True)
        named = {"migration": migration, "instead_of": instead_of, "as_admin": who.is_admin}
        view, position = system.activate_tier_model(scheme, view.version, who.actor, **named)
        system.nudges.evaluator()
    if as_json:
        show_json(view_json(view) | {"position": position})
        return
    reach = view.migration.get("percent", 100)
    say(f"{view.scheme} version {view.version} is in force{'' if reach == 100 else f' for {reach:g} % of the users'}.")


@app.command()
def retire(ctx: typer.Context, scheme: Scheme, key: Key = None, as_json: JsonOption = False) -> None:
    """Put a version away that is not to be used any more."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, "activate tier models")
        name, version = named_version(scheme)
        view = system.retire_tier_model(name, version, who.actor)
    _tell(view, as_json, f"{view.scheme} version {view.version} is retired.")


def migration_of(
    mode: str | None,
    until: str | None,
    grace_days: int | None,
    mapping: list[str] | None,
    percent: float | None,
    salt: str | None,
) -> "Migration | None":
    """What the options say; None when none is given. Raises MigrationInvalid, BadParameter."""
    from domain.tier_model.migration import migration_from_json

    pairs = [pair.partition("=") for pair in mapping or ()]
    odd = next((old for old, equals, new in pairs if not (old and equals and new)), None)
    if odd is not None:
        raise typer.BadParameter(f"{odd}: write OLD=NEW, two tiers", param_hint="--map")
    olds = [old for old, _, _ in pairs]
    twice = next((old for old in olds if olds.count(old) > 1), None)
    if twice is not None:
        raise typer.BadParameter(f"{twice} is mapped more than once: say once where it goes", param_hint="--map")
    given: dict[str, Any] = {
        "mode": mode,
        "until": until,
        "grace_days": grace_days,
        "mapping": {old: new for old, _, new in pairs} or None,
        "percent": percent,
        "salt": salt,
    }
    named = {name: value for name, value in given.items() if value is not None}
    return migration_from_json(named) if named else None


def _tell(view: "TierModelView", as_json: bool, text: str) -> None:
    show_json(view_json(view)) if as_json else say(text)
