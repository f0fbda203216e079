"""`tierline projections`, `tierline verify` and `tierline key`: keeping an installation right."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
import typer

from interfaces.cli.terminal import JsonOption, bar, say, show_json, show_table

projections = typer.Typer(no_args_is_help=True, help="Read models: how far each is, and what can be done with one.")
verify = typer.Typer(no_args_is_help=True, help="Proofs: that what is shown equals what is recorded.")
keys = typer.Typer(no_args_is_help=True, help="API keys. Only a hash of each secret is kept.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="user_card, user_search or transitions.")]


@projections.command()
def status(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Version, position and lag of every read model."""
    with ctx.obj.system() as system:
        statuses = system.read_models.status()
    if as_json:
        show_json(statuses)
        return
    rows = [
        (
            one.name,
            one.version,
            one.status,
            one.position,
            one.lag_events,
            f"{one.lag_seconds:.1f}",
            len(one.parked),
            one.building and f"version {one.building['version']} at {one.building['position']}",
        )
        for one in statuses
    ]
    show_table(("name", "version", "status", "position", "lag", "lag seconds", "parked", "building"), rows)


@projections.command()
def rebuild(ctx: typer.Context, name: Name, as_json: JsonOption = False) -> None:
    """Build the next version beside the one in use, and switch when it has caught up. Interrupted, it goes on later."""
    with ctx.obj.system() as system, bar(f"rebuilding {name}") as report:
        version = system.read_models.rebuild(name, report)
    if as_json:
        show_json({"name": name, "version": version})
    else:
        say(f"{name} answers from version {version}.")


@projections.command()
def pause(ctx: typer.Context, name: Name, as_json: JsonOption = False) -> None:
    """Let it stand still; it goes on answering."""
    with ctx.obj.system() as system:
        system.read_models.pause(name)
    if as_json:
        show_json({"name": name, "status": "paused"})
    else:
        say(f"{name} stands still.")


@projections.command()
def resume(ctx: typer.Context, name: Name, as_json: JsonOption = False) -> None:
    """Let it go on, and try its parked users again."""
    with ctx.obj.system() as system:
        freed = system.read_models.resume(name)
    if as_json:
        show_json({"name": name, "status": "serving", "freed": freed})
    else:
        say(f"{name} goes on; {freed} parked users freed.")


@projections.command()
def parked(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of this read model alone.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Users whose record could not be projected, and why. `resume` tries them again."""
    with ctx.obj.system() as system:
        names = [name] if name is not None else [one.name for one in system.read_models.status()]
        rows = [(one, row) for one in names for row in system.read_models.parked(one)]
    if as_json:
        show_json([{"name": one, **row._asdict()} for one, row in rows])
    else:
        shown = [(one, row.subject_id, row.position, row.parked_at, row.error) for one, row in rows]
        show_table(("name", "subject", "position", "since", "why"), shown)


@verify.command("read-models")
def verify_read_models(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Hold Redis and OpenSearch against the fold of the log. Exit code 0 only when they are equal."""
    with ctx.obj.system() as system:
        findings = system.read_models.verify()
    shown = {
        "users": findings["user_card"].checked,
        "redis": _found(findings["user_card"]),
        "opensearch": _found(findings["user_search"]),
        "transitions": _found(findings["transitions"]),
    }
    if as_json:
        show_json(shown)
    else:
        rows = [(name, one.checked, one.missing, one.different, one.extra) for name, one in findings.items()]
        show_table(("read model", "checked", "missing", "different", "extra"), rows)
    if not all(found.equal for found in findings.values()):
        raise typer.Exit(1)


@keys.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose it is, for the list.")],
    role: Annotated[str, typer.Option(help="service, operator, analyst, compliance, approver or admin.")] = "service",
    as_json: JsonOption = False,
) -> None:
    """Make a key. It is shown this once."""
    with ctx.obj.system("postgres") as system:
        key, token = system.keys.create(name, role)
    if as_json:
        show_json({"key_id": key.key_id, "name": key.name, "role": key.role, "key": token})
    else:
        say(f"Key {key.key_id} ({key.role}), shown this once:\n{token}")


@keys.command("list")
def list_keys(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """All keys, revoked ones too, without their secrets."""
    with ctx.obj.system("postgres") as system:
        found = system.keys.all_keys()
    if as_json:
        show_json(found)
    else:
        rows = [(key.key_id, key.name, key.role, _day(key.created_at), _day(key.revoked_at)) for key in found]
        show_table(("key", "name", "role", "created", "revoked"), rows)


@keys.command()
def revoke(ctx: typer.Context, key_id: str, as_json: JsonOption = False) -> None:
    """Stop a key from working, within a few seconds everywhere."""
    with ctx.obj.system("postgres") as system:
        system.keys.revoke(key_id)
    if as_json:
        show_json({"key_id": key_id, "revoked": True})
    else:
        say(f"Key {key_id} is revoked.")


def _day(instant: datetime | None) -> str | None:
    return None if instant is None else f"{instant:%Y-%m-%d %H:%M}"


def _found(findings: Any) -> dict[str, int]:
    found = msgspec.structs.asdict(findings)
    return {name: found[name] for name in ("missing", "different", "extra")}
