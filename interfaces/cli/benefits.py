"""`tierline benefit`: benefits from file to force."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.facts.instants import format_instant
from interfaces.cli.context import KeyOption as Key
from interfaces.cli.context import acting
from interfaces.cli.definitions import Drafted, Note, named_or_drafted, named_version, show_faults
from interfaces.cli.terminal import JsonOption, say, show_json, show_table

if TYPE_CHECKING:
    # As with models: only commands that read definitions load what does.
    from application.benefits.definitions.ports import BenefitView

app = typer.Typer(no_args_is_help=True, help="Benefits: the versioned definitions of what can be granted.")

What = Annotated[
    str, typer.Argument(metavar="FILE|BENEFIT[@VERSION]", help="A benefit file, or a version that is there.")
]
Benefit = Annotated[str, typer.Argument(metavar="BENEFIT[@VERSION]")]
_DRAFT, _APPROVE, _ACTIVATE = (
    "draft benefits and define budgets",
    "approve benefits and budgets",
    "activate and retire benefits",
)


@app.command()
def lint(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False)],
    alone: Annotated[
        bool, typer.Option("--alone", help="Do not look at the schemes and budgets that there are.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Find what is wrong with benefit files. Exit code 1 for an error; a warning is none.

    Also beside the schemes and budgets that there are, when Postgres runs; it is not started for this.
    """
    from domain.benefits.lint import lint_text

    texts = {file: file.read_bytes() for file in files}
    if alone or not ctx.obj.runs("postgres"):
        found = {file: lint_text(text) for file, text in texts.items()}
    else:
        with ctx.obj.system("postgres") as system:
            found = {file: system.benefits.lint(text) for file, text in texts.items()}
    show_faults({str(file): faults for file, faults in found.items()}, as_json)


@app.command()
def draft(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)],
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Take a file in as the next version; the content of a version that is there is that version again."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _DRAFT)
        name, version = _resolved(system, str(file), who.actor)
        view = system.benefits.show(name, version)
    _tell(view, as_json, f"{view.benefit} version {view.version} is {view.status}.")


@app.command()
def submit(ctx: typer.Context, what: What, note: Note = "", key: Key = None, as_json: JsonOption = False) -> None:
    """Lay a version before somebody else, who may approve it. A file becomes a version."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _DRAFT)
        name, version = _resolved(system, what, who.actor)
        view = system.benefits.submit(name, version, who.actor, note=note)
    _tell(view, as_json, f"{view.benefit} version {view.version} is {view.status}. Its content is {view.content_hash}.")


@app.command()
def approve(
    ctx: typer.Context,
    benefit: Benefit,
    content_hash: Annotated[
        str | None, typer.Option(help="Of the version that was looked at: a change since is refused.")
    ] = None,
    note: Note = "",
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Agree to a version that others have made."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _APPROVE)
        name, version = named_version(benefit)
        view = system.benefits.approve(name, version, who.actor, content_hash=content_hash, note=note)
    _tell(view, as_json, f"{view.benefit} version {view.version} is approved by {view.review.approved_by}.")


@app.command()
def reject(
    ctx: typer.Context,
    benefit: Benefit,
    reason: Annotated[str, typer.Option(help="Kept with the event.")],
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Send a submitted version back to its makers."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _APPROVE)
        name, version = named_version(benefit)
        view = system.benefits.reject(name, version, who.actor, reason=reason)
    _tell(view, as_json, f"{view.benefit} version {view.version} is sent back.")


@app.command()
def activate(ctx: typer.Context, what: What, key: Key = None, as_json: JsonOption = False) -> None:
    """Let a version be granted instead of the one before; one that was in force comes back. A file becomes one."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _ACTIVATE)
        name, version = _resolved(system, what, who.actor)
        view, position = system.benefits.activate(name, version, who.actor, as_admin=who.is_admin)
    if as_json:
        show_json(_shown(view) | {"position": position})
        return
    by = f", approved by {view.review.approved_by}" if view.review.approved_by else ""
    say(f"{view.benefit} version {view.version} is in force{by}.")


@app.command()
def retire(ctx: typer.Context, benefit: Benefit, key: Key = None, as_json: JsonOption = False) -> None:
    """Grant a version no more; what was granted can be redeemed."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _ACTIVATE)
        name, version = named_version(benefit)
        view = system.benefits.retire(name, version, who.actor)
    _tell(view, as_json, f"{view.benefit} version {view.version} is retired.")


@app.command("list")
def list_benefits(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """All versions of all benefits."""
    with ctx.obj.system("postgres") as system:
        views = system.benefits.versions.versions()
    if as_json:
        show_json([_shown(view) for view in views])
        return
    rows = [
        (view.benefit, view.version, view.status, view.spec["kind"], view.spec["labels"]["zh-CN"],
         view.spec["unit_cost"], view.spec.get("budget"))
        for view in views
    ]  # fmt: skip
    show_table(("benefit", "version", "status", "kind", "名称", "unit cost", "budget"), rows)


@app.command()
def show(ctx: typer.Context, benefit: Benefit, as_json: JsonOption = False) -> None:
    """A version with its whole spec: the one in force, or the latest, unless a number is given."""
    with ctx.obj.system("postgres") as system:
        view = system.benefits.show(*named_version(benefit))
    if as_json:
        show_json(_shown(view))
        return
    say(f"{view.benefit} version {view.version}: {view.status}")
    for name, value in view.spec.items():
        say(f"  {name}: {value}")


@app.command()
def schema(as_json: JsonOption = True) -> None:
    """The JSON Schema of a benefit file, for editors that complete and check while you type."""
    from domain.benefits.spec import json_schema

    show_json(json_schema())


def _resolved(system: Any, what: str, actor: str) -> tuple[str, int | None]:
    """The version that is meant; a file is taken in first."""

    def draft(text: bytes) -> Drafted:
        view, faults = system.benefits.draft(text, actor)
        return view.benefit, view.version, faults

    return named_or_drafted(what, draft)


def _shown(view: "BenefitView") -> dict[str, Any]:
    """A version, as printed."""
    from application.definitions.shown import shown_review

    return {
        "benefit": view.benefit,
        "version": view.version,
        "status": view.status,
        "content_hash": view.content_hash,
        "created_at": format_instant(view.created_at),
        "created_by": view.created_by,
        "activated_at": None if view.activated_at is None else format_instant(view.activated_at),
        "review": shown_review(view.review),
        "spec": view.spec,
    }


def _tell(view: "BenefitView", as_json: bool, text: str) -> None:
    show_json(_shown(view)) if as_json else say(text)
