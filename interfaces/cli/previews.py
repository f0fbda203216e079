"""`tierline model preview`: what a version would change."""

from typing import Any

import typer

from interfaces.cli.context import KeyOption, acting
from interfaces.cli.definitions import named_version
from interfaces.cli.model_lifecycle import GraceDays, Map, Mode, Percent, Salt, Until, app, migration_of
from interfaces.cli.runs import performed
from interfaces.cli.terminal import JsonOption, bar, complain, say, show_json, show_table
from interfaces.cli.tier_models import Scheme

__all__ = ["app"]


@app.command()
def preview(
    ctx: typer.Context,
    scheme: Scheme,
    mode: Mode = None,
    until: Until = None,
    grace_days: GraceDays = None,
    mapping: Map = None,
    percent: Percent = None,
    salt: Salt = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count who would move where, and why, if the version came into force now. Nothing is changed."""
    from application.previews.preview_tier_model import shown

    migration = migration_of(mode, until, grace_days, mapping, percent, salt)
    with ctx.obj.system("postgres") as system, bar("deciding everybody") as report:
        who = acting(system, key, "preview and shadow tier models")
        name, version = named_version(scheme)
        _, run_id = system.preview_tier_model(name, version, who.actor, migration=migration)
        found = shown(performed(system, lambda: system.preview_tier_model.get(run_id), run_id, report))
    if as_json:
        show_json(found)
    else:
        _show(found)
    if found["state"] == "failed":
        raise typer.Exit(1)


def _show(found: dict[str, Any]) -> None:
    for error in found["errors"]:
        complain(error)
    for scheme, impact in found["schemes"].items():
        counts = ", ".join(f"{impact[name]:,} {what}" for name, what in _COUNTS.items() if impact[name])
        say(f"{scheme}: {impact['moved']:,} of {sum(impact['before'].values()):,} would move; {counts or 'no more'}.")
        tiers = list(dict.fromkeys([*impact["tiers"], *impact["before"]]))
        rows = [(tier, impact["before"].get(tier, 0), impact["after"].get(tier, 0)) for tier in tiers]
        show_table(("tier", "before", "after"), rows)
        show_table(("from", "to", "how many"), [(move["from"], move["to"], move["count"]) for move in impact["moves"]])
        for why in impact["why"]:
            say(f"  {why['count']:,} by {why['clause']}, {why['rule']}")
    for one in found["breaks"]:
        say(f"It leaves {one['kind']} {one['name']} without a meaning: {one['path']}: {one['error']}")
    for one in found["sample"][:20]:
        missing = "; ".join(f"{part.get('of')} {part.get('is')}" for part in one["receipt"].get("missing", []))
        place = f"{one['scheme']} @ {one['scope']}" if one["scope"] else one["scheme"]
        say(f"  {one['user_id']} ({place}): {one['from']} → {one['to']}{f'; {missing}' if missing else ''}")


_COUNTS = {
    "entered": "are given a first tier",
    "up": "up",
    "down": "down",
    "renamed": "renamed",
    "deferred": "begin a grace",
    "above": "stand above their rule",
    "promised": "of these kept by a promise",
}
