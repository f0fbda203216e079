"""`tierline tag`: what tags mean, and who has them."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.facts.instants import format_instant
from interfaces.cli.context import KeyOption, acting
from interfaces.cli.terminal import JsonOption, instant_of, say, show_json, show_table

if TYPE_CHECKING:
    from domain.tags.definition import TagSpec

app = typer.Typer(no_args_is_help=True, help="Tags: what they mean, who has them, in bulk.")

Name = Annotated[str, typer.Argument(metavar="TAG", help="1 to 64 characters without quotes.")]
User = Annotated[str, typer.Argument(metavar="USER_ID")]
Reason = Annotated[str, typer.Option(help="Kept with the event.")]
ValueOption = Annotated[str | None, typer.Option(help="Of a tag that is defined with values.")]
Until = Annotated[str | None, typer.Option(help="When it ends by itself, RFC 3339; never when left out.")]
Owner = Annotated[str, typer.Option(help="Who answers for it.")]
Meaning = Annotated[str, typer.Option(help="What it says of a user.")]
Category = Annotated[str, typer.Option(help="Where it belongs.")]
Type = Annotated[str, typer.Option("--type", help="flag, number, text or choice.")]
Options = Annotated[list[str] | None, typer.Option("--option", help="A value of a choice.")]
Labels = Annotated[list[str] | None, typer.Option("--label", metavar="LANG=TEXT", help="zh-CN=贵宾, en=VIP.")]
Rule = Annotated[str, typer.Option(help="A condition that keeps it up, as segments have it.")]
Origin = Annotated[str, typer.Option(help="The system that it is imported from.")]

_TAG, _DEFINE = "tag users", "define tags and segments"


@app.command()
def define(
    ctx: typer.Context,
    tag: Name,
    owner: Owner,
    meaning: Meaning,
    category: Category = "",
    type_: Type = "flag",
    option: Options = None,
    label: Labels = None,
    rule: Rule = "",
    origin: Origin = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Define a tag, or revise it if it is there: what it says, of which type it is, which rule keeps it up."""
    spec = _spec(owner, meaning, category, type_, option, label, rule, origin)
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, _DEFINE)
        there = system.tags.definitions.find(tag) is not None
        act = system.tags.define.revise if there else system.tags.define
        view, position = act(tag, spec, who.actor)
        _told(view, position, as_json, "revised" if there and position else "as it was" if there else "defined")


@app.command("list")
def list_tags(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """All tags that are defined, and how many users have each."""
    from application.tags.show_tags import shown_tag

    with ctx.obj.system("postgres", "redis", "opensearch") as system:
        found = [shown_tag(tag) for tag in system.tags.show.all()]
    if as_json:
        show_json(found)
        return
    rows = [
        (tag["name"], tag["status"], tag["type"], tag["lineage"]["source"], tag["owner"], tag["users"], tag["meaning"])
        for tag in found
    ]
    show_table(("tag", "status", "type", "source", "owner", "users", "meaning"), rows)


@app.command()
def show(ctx: typer.Context, tag: Name, as_json: JsonOption = False) -> None:
    """What a tag means, where it comes from, and how many users have it."""
    from application.tags.show_tags import shown_tag

    with ctx.obj.system("postgres", "redis", "opensearch") as system:
        found = shown_tag(system.tags.show(tag))
    if as_json:
        show_json(found)
        return
    say(f"{found['name']} ({found['status']}): {found['meaning']}")
    say(f"  {found['type']} of {found['owner']}, {found['users']} users")
    for language, text in found["labels"].items():
        say(f"  {language}: {text}")
    lineage = found["lineage"]
    if lineage["condition"]:
        say(f"  by the rule {lineage['condition']}")
    rule = found["rule"]
    if rule is not None:
        done = f"{rule['users_done']:,} of {rule['users']:,} users"
        say(f"  the rule is {rule['state']}: {done}, {rule['behind']} positions behind")
        for error in rule["errors"]:
            say(f"  {error}")
    if lineage["origin"]:
        say(f"  from {lineage['origin']}")


@app.command()
def retire(
    ctx: typer.Context, tag: Name, reason: Reason = "", key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Give the tag to nobody any more; who has it keeps it."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, _DEFINE)
        view, position = system.tags.retire(tag, who.actor, reason=reason)
        _told(view, position, as_json, "retired")


@app.command()
def add(
    ctx: typer.Context,
    user_id: User,
    tag: Name,
    value: ValueOption = None,
    until: Until = None,
    reason: Reason = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a tag on a user; whatever reads it is decided at once."""
    ends = instant_of(until)
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, _TAG)
        given = value_in(system, tag, value)
        change = system.add_tag(user_id, tag, who.actor, until=ends, reason=reason, value=given)
        _changed(system, user_id, change, "is tagged", "was tagged so already", as_json)


@app.command()
def remove(
    ctx: typer.Context,
    user_id: User,
    tag: Name,
    reason: Reason = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a tag off a user; whatever reads it is decided at once."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, _TAG)
        change = system.remove_tag(user_id, tag, who.actor, reason=reason)
        _changed(system, user_id, change, "is no longer tagged", "was not tagged", as_json)


def value_in(system: Any, tag: str, text: str | None) -> Any:
    """An option's text as a value of the tag's type; what is no number stays a text, and is refused as one."""
    found = system.tags.definitions.find(tag)
    if text is None or found is None or found.spec.get("type") != "number":
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float) else text


def _changed(system: Any, user_id: str, change: Any, done: str, nothing: str, as_json: bool) -> None:
    if change.changed:
        system.nudges.projectors()
    if as_json:
        until = None if change.until is None else format_instant(change.until)
        show_json({"user_id": user_id, **asdict(change), "until": until})
    else:
        value = "" if change.value is None else f" = {change.value}"
        say(f"{user_id} {done if change.changed else nothing}: {change.tag}{value}")


def _told(view: Any, position: int, as_json: bool, what: str) -> None:
    from application.tags.show_tags import ShownTag, shown_tag

    if as_json:
        show_json(shown_tag(ShownTag(view, None)) | {"position": position})
    else:
        say(f"{view.name} is {what}.")


def _spec(
    owner: str,
    meaning: str,
    category: str,
    type_: str,
    options: list[str] | None,
    labels: list[str] | None,
    rule: str,
    origin: str,
) -> "TagSpec":
    from domain.tags.definition import Lineage, TagSpec

    if rule and origin:
        raise typer.BadParameter("--rule and --origin: a tag has one source, give one of them")
    named = {}
    for label in labels or []:
        language, sign, text = label.partition("=")
        if not sign:
            raise typer.BadParameter(f"--label {label}: write LANG=TEXT, such as zh-CN=贵宾")
        named[language] = text
    lineage = Lineage("rule" if rule else "imported" if origin else "manual", origin, rule)
    kind: Any = type_
    return TagSpec(owner, meaning, category, kind, tuple(options or ()), named, lineage)
