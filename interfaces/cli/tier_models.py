"""`tierline model`: tier models from file to force."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.facts.instants import format_instant
from interfaces.cli.context import ACTOR
from interfaces.cli.definitions import Drafted, named_or_drafted, named_version, show_faults
from interfaces.cli.terminal import JsonOption, bar, instant_of, say, show_json, show_table

if TYPE_CHECKING:
    # Half a second of every other command's time: only commands that read models load what does.
    from application.tier_models.ports import TierModelView
    from domain.tier_model.spec import TierModelSpec

app = typer.Typer(no_args_is_help=True, help="Tier models: the versioned definitions of schemes.")

What = Annotated[str, typer.Argument(metavar="FILE|SCHEME[@VERSION]", help="A model file, or a version that is there.")]
Scheme = Annotated[str, typer.Argument(metavar="SCHEME[@VERSION]")]


@app.command()
def lint(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False)],
    alone: Annotated[
        bool, typer.Option("--alone", help="Do not look at the schemes and facts that there are.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Find what is wrong with model files, each beside the others. Exit code 1 for an error; a warning is none.

    Also beside the schemes and facts that there are, when Postgres runs; it is not started for this.
    """
    texts = {file: file.read_bytes() for file in files}
    beside = _beside(texts)
    if alone or not ctx.obj.runs("postgres"):
        from domain.tier_model.lint import lint_text

        found = {file: lint_text(text, beside[file] or None) for file, text in texts.items()}
    else:
        with ctx.obj.system("postgres") as system:
            found = {file: system.lint_tier_model(text, beside[file]) for file, text in texts.items()}
    show_faults({str(file): faults for file, faults in found.items()}, as_json)


def _beside(texts: dict[Path, bytes]) -> dict[Path, dict[str, "TierModelSpec"]]:
    """Of each file the models of the others; what cannot be read stands beside nothing. Raises BadParameter."""
    from domain.tier_model.spec import ModelInvalid, parse_model

    specs = {}
    for file, text in texts.items():
        with suppress(ModelInvalid):
            specs[file] = parse_model(text)
    schemes = [spec.scheme for spec in specs.values()]
    twice = next((scheme for scheme in schemes if schemes.count(scheme) > 1), None)
    if twice is not None:
        raise typer.BadParameter(f"two files are of scheme {twice}: look at them one after the other")
    return {file: {spec.scheme: spec for other, spec in specs.items() if other != file} for file in texts}


@app.command()
def schema(as_json: JsonOption = True) -> None:
    """The JSON Schema of a model file, for editors that complete and check while you type."""
    from domain.tier_model.spec import json_schema

    show_json(json_schema())


@app.command()
def fit(
    ctx: typer.Context,
    what: What,
    at: Annotated[str | None, typer.Option(help="RFC 3339; now when left out.")] = None,
    learner: Annotated[str | None, typer.Option(help="What trains learned scores: gradient-boosting.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit what a version leaves open, on what users' features are at an instant: cuts, and scores that are learned.

    It also freezes how many users lie in each bin, to compare with later.
    """
    instant = instant_of(at)
    with ctx.obj.system("postgres", "broker") as system:
        scheme, version = resolved(system, what)
        with bar("reading facts") as report:
            view = system.fit_tier_model(scheme, version, instant, ACTOR, report, learner=learner)
    _show(view, as_json)


@app.command()
def preset(
    name: Annotated[str | None, typer.Argument(help="Which; left out: a list of all.")] = None,
    scheme: Annotated[str, typer.Option(help="The scheme that it is to be of.")] = "rfm",
    currency: Annotated[str, typer.Option(help="Of all amounts.")] = "CNY",
    time_zone: Annotated[str, typer.Option(help="In which days turn over.")] = "Asia/Shanghai",
    as_json: JsonOption = False,
) -> None:
    """Print a ready model file to start from, or list them."""
    from domain.tier_model.presets import PRESETS, model_text

    if name is not None:
        text = model_text(name, scheme=scheme, currency=currency, time_zone=time_zone)
        show_json({"name": name, "text": text}) if as_json else typer.echo(text, nl=False)
    elif as_json:
        show_json([{"name": one.name, "label": {"zh-CN": one.zh_cn, "en": one.en}} for one in PRESETS.values()])
    else:
        show_table(("preset", "名称", "what"), [(one.name, one.zh_cn, one.en) for one in PRESETS.values()])


@app.command()
def show(ctx: typer.Context, scheme: Scheme, as_json: JsonOption = False) -> None:
    """A version with its whole spec: the one in force, or the latest, unless a number is given."""
    with ctx.obj.system("postgres") as system:
        name, version = named_version(scheme)
        view = system.show_tier_model(name, version)
    _show(view, as_json)


@app.command("list")
def list_models(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """All versions of all schemes."""
    with ctx.obj.system("postgres") as system:
        views = system.tier_models.versions()
    if as_json:
        show_json([view_json(view) for view in views])
        return
    rows = [
        (view.scheme, view.version, view.status, format_instant(view.created_at), view.created_by) for view in views
    ]
    show_table(("scheme", "version", "status", "created", "by"), rows)


def resolved(system: Any, what: str, actor: str = ACTOR) -> tuple[str, int | None]:
    """The version that is meant; a file is taken in first."""

    def draft(text: bytes) -> Drafted:
        view, faults = system.create_tier_model(text, actor)
        return view.scheme, view.version, faults

    return named_or_drafted(what, draft)


def view_json(view: "TierModelView") -> dict[str, Any]:
    """A version, as printed."""
    from application.definitions.shown import shown_review

    return {
        "scheme": view.scheme,
        "version": view.version,
        "status": view.status,
        "content_hash": view.content_hash,
        "unfitted": list(view.unfitted),
        "created_at": format_instant(view.created_at),
        "created_by": view.created_by,
        "activated_at": None if view.activated_at is None else format_instant(view.activated_at),
        "scheduled_at": None if view.scheduled_at is None else format_instant(view.scheduled_at),
        "migration": view.migration,
        "review": shown_review(view.review),
        "spec": view.spec,
    }


def _show(view: "TierModelView", as_json: bool) -> None:
    if as_json:
        show_json(view_json(view))
        return
    say(f"{view.scheme} version {view.version}: {view.status}")
    _tell_review(view)
    fitted = view.spec.get("fitted", {})
    for name, score in view.spec.get("scores", {}).items():
        if "cuts" in score:
            users = fitted.get("baseline", {}).get(name)
            say(f"  {name}: cuts {score['cuts']}" + (f", users in each bin {users}" if users else ""))
        if name in fitted.get("learned", {}):
            _tell_learned(name, score, fitted["learned"][name])
    for tier, rule in view.spec.get("rules", {}).items():
        say(f"  {tier}: {rule}")


def _tell_review(view: "TierModelView") -> None:
    """By whom and when it was submitted, approved, rejected, scheduled and activated."""
    review = view.review
    said = [
        ("submitted", review.submitted_by, review.submitted_at, review.note),
        ("approved", review.approved_by, review.approved_at, review.approval),
        ("rejected", review.rejected_by, review.rejected_at, review.reason),
        ("comes into force", "", view.scheduled_at, ""),
        ("last activated", "" if review.approved_by else "nobody's approval", view.activated_at, ""),
    ]
    for what, who, at, why in said:
        if at is not None:
            say(f"  {what} at {format_instant(at)}{f' by {who}' if who else ''}{f': {why}' if why else ''}")


def _tell_learned(name: str, score: dict[str, Any], trained: dict[str, Any]) -> None:
    """How well it foretells what was not shown to it, beside plain spend."""
    validation = trained["validation"]
    say(
        f"  {name}: learned from {', '.join(score['learned'])} of {trained['subjects']} users at "
        f"{format_instant(trained['trained_at'])}, sha256 {trained['sha256']}"
    )
    for what, quality in ((f"{name} on", validation["model"]), ("  plain spend on", validation["plain"])):
        say(
            f"    {what} the {validation['subjects']} users of the next {score['horizon']}: "
            f"Spearman {quality['spearman']}, normalised Gini {quality['gini']}"
        )
