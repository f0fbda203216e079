"""`tierline user pin` and the like, and `tierline overrides`: what people do to standings."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.facts.instants import format_instant
from domain.refusal import Refusal
from interfaces.cli.context import KeyOption, acting
from interfaces.cli.tables import CellInvalid, instant_in, read_rows, text_in
from interfaces.cli.terminal import JsonOption, bar, instant_of, say, show_json, show_table
from interfaces.cli.users import User
from interfaces.cli.users import app as users

if TYPE_CHECKING:
    from application.overrides.place import Held
    from application.overrides.ports import OverrideRequest, Wanted

overrides = typer.Typer(no_args_is_help=True, help="Pins in bulk, and pins that wait for a second person.")

SchemeArgument = Annotated[str, typer.Argument(metavar="SCHEME")]
Scope = Annotated[str, typer.Option(help="Of a scheme that is kept per merchant: which one.")]
Until = Annotated[str | None, typer.Option(help="When it ends by itself, RFC 3339; never when left out.")]
Reason = Annotated[str, typer.Option(help="Kept with the event.")]
RequestId = Annotated[str, typer.Argument(metavar="REQUEST_ID")]
_HOLD, _APPROVE = "pin and freeze tiers", "approve overrides"
_REQUIRED = ("user_id", "scheme", "tier", "reason")
_SHOWN = 100  # refused lines that are told, the first ones


@users.command()
def pin(
    ctx: typer.Context,
    user_id: User,
    scheme: SchemeArgument,
    tier: Annotated[str, typer.Argument(metavar="TIER")],
    reason: Reason,
    mode: Annotated[str, typer.Option(help="exact (on it), floor (not below it) or ceiling (not above it).")] = "exact",
    scope: Scope = "",
    until: Until = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold the user on a tier, until an instant or until `unpin`. From a set tier on a second person agrees first."""
    from application.overrides.ports import Wanted

    wanted = Wanted(user_id, scheme, tier, mode, reason, instant_of(until), scope)  # type: ignore[arg-type]
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, _HOLD)
        held = system.pin_tier(wanted, who.actor, as_admin=who.is_admin)
        if held.request_id is not None:
            waiting = f"waits for a second person: `tierline overrides approve {held.request_id}`"
            _tell(system, held, as_json, f"{user_id}'s pin on {tier} {waiting}.")
            return
        _tell(system, held, as_json, f"{user_id} is pinned on {scheme}: {mode} {tier}.", "was pinned so already")


@users.command()
def unpin(
    ctx: typer.Context,
    user_id: User,
    scheme: SchemeArgument,
    reason: Reason = "",
    scope: Scope = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lift a pin; the standing that it covered returns."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, _HOLD)
        held = system.unpin_tier(user_id, scheme, who.actor, scope=scope, reason=reason)
        _tell(system, held, as_json, f"{user_id} is not pinned on {scheme} any more.", "was not pinned")


@users.command()
def freeze(
    ctx: typer.Context,
    user_id: User,
    scheme: SchemeArgument,
    reason: Reason,
    scope: Scope = "",
    until: Until = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let nothing move the user's tier, until an instant or until `unfreeze`."""
    ends = instant_of(until)
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, _HOLD)
        held = system.freeze_standing(user_id, scheme, who.actor, scope=scope, reason=reason, until=ends)
        _tell(system, held, as_json, f"{user_id} is frozen on {scheme}.", "was frozen so already")


@users.command()
def unfreeze(
    ctx: typer.Context,
    user_id: User,
    scheme: SchemeArgument,
    reason: Reason = "",
    scope: Scope = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a freeze; what fell due meanwhile falls due now."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, _HOLD)
        held = system.unfreeze_standing(user_id, scheme, who.actor, scope=scope, reason=reason)
        _tell(system, held, as_json, f"{user_id} is not frozen on {scheme} any more.", "was not frozen")


@dataclass
class _Imported:
    """What came of a file of pins. waiting: for a second person; again: that were so already."""

    pinned: int = 0
    again: int = 0
    waiting: int = 0
    refused: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, line: int, name: str, value: object, remedy: str) -> None:
        """Count it, and keep the first of them."""
        self.refused += 1
        if len(self.faults) < _SHOWN:
            self.faults.append({"line": line, "field": name, "value": value, "remedy": remedy})


@overrides.command("import")
def import_pins(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", exists=True, dir_okay=False)],
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pin many users: columns user_id, scheme, tier, reason, and where wanted mode, scope, until.

    Interrupted, run it again with the same file: no pin is put twice. Exit code 1 when a line was refused; all others
    are done.
    """
    total = sum(1 for _ in _wanted(file))
    name = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    done = _Imported()
    with ctx.obj.system("postgres", "broker") as system, bar(file.name) as report:
        who = acting(system, key, _HOLD)
        for number, (line, wanted) in enumerate(_wanted(file), 1):
            if isinstance(wanted, CellInvalid):
                done.refuse(line, wanted.field, wanted.value, wanted.remedy)
                continue
            command_id = f"overrides:{name}:{line}"
            try:
                held = system.pin_tier(wanted, who.actor, as_admin=who.is_admin, command_id=command_id)
            except Refusal as refusal:
                blamed = refusal.complaints[0]
                done.refuse(line, blamed.field, blamed.value, blamed.remedy)
                continue
            done.waiting += held.request_id is not None
            done.pinned += held.changed and not held.again
            done.again += held.again or not (held.changed or held.request_id)
            report(number, total)
        system.nudges.projectors()
    if as_json:
        show_json(done)
    else:
        waits = f", {done.waiting} wait for a second person" if done.waiting else ""
        say(f"{done.pinned} pinned, {done.again} were so already{waits}, {done.refused} refused.")
        for fault in done.faults:
            say(f"  line {fault['line']}: {fault['field']} {fault['value']!r}: {fault['remedy']}")
    if done.refused:
        raise typer.Exit(1)


@overrides.command()
def requests(
    ctx: typer.Context,
    status: Annotated[str | None, typer.Option(help="Only these: waiting, approved or rejected.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Pins that wait, or waited, for a second person; the latest first."""
    from application.overrides.ports import REQUEST_STATUSES

    if status is not None and status not in REQUEST_STATUSES:
        raise typer.BadParameter(f"{status}: use one of {', '.join(REQUEST_STATUSES)}", param_hint="--status")
    with ctx.obj.system("postgres") as system:
        found = system.override_requests.list(status, 1_000)
    if as_json:
        show_json([_request_json(request) for request in found])
        return
    rows = [
        (r.request_id, r.status, r.wanted.user_id, r.wanted.scheme, f"{r.wanted.mode} {r.wanted.tier}", r.requested_by)
        for r in found
    ]
    show_table(("request", "status", "user", "scheme", "pin", "asked for by"), rows)


@overrides.command()
def approve(
    ctx: typer.Context,
    request_id: RequestId,
    note: Annotated[str, typer.Option(help="Kept with the request.")] = "",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Agree to a pin that somebody else asked for; it is put at once."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, _APPROVE)
        request, _ = system.approve_override(request_id, who.actor, note=note)
        system.nudges.projectors()
    _tell_request(request, as_json)


@overrides.command()
def reject(
    ctx: typer.Context, request_id: RequestId, reason: Reason, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Refuse a pin that somebody else asked for."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _APPROVE)
        request = system.reject_override(request_id, who.actor, reason=reason)
    _tell_request(request, as_json)


def _wanted(file: Path) -> Iterator[tuple[int, "Wanted | CellInvalid"]]:
    from application.overrides.ports import Wanted

    for line, cells in read_rows(file, _REQUIRED, ("mode", "scope", "until")):
        try:
            user_id, scheme, tier, reason = (text_in(cells, name) for name in _REQUIRED)
            mode: Any = cells["mode"] or "exact"
            yield line, Wanted(user_id, scheme, tier, mode, reason, instant_in(cells, "until"), cells["scope"])
        except CellInvalid as invalid:
            yield line, invalid


def _tell(system: Any, held: "Held", as_json: bool, done: str, nothing: str = "") -> None:
    if held.changed:
        system.nudges.projectors()
    if as_json:
        show_json({"changed": held.changed, "position": held.position, "request_id": held.request_id})
    else:
        say(done if held.changed or held.request_id else f"The user {nothing}.")


def _tell_request(request: "OverrideRequest", as_json: bool) -> None:
    if as_json:
        show_json(_request_json(request))
    else:
        wanted = request.wanted
        say(f"{wanted.user_id}'s pin on {wanted.tier} is {request.status} by {request.decided_by}.")


def _request_json(request: "OverrideRequest") -> dict[str, Any]:
    wanted = request.wanted
    return {
        "request_id": request.request_id,
        "status": request.status,
        "user_id": wanted.user_id,
        "scheme": wanted.scheme,
        "scope": wanted.scope,
        "tier": wanted.tier,
        "mode": wanted.mode,
        "until": None if wanted.until is None else format_instant(wanted.until),
        "reason": wanted.reason,
        "requested_by": request.requested_by,
        "requested_at": format_instant(request.requested_at),
        "decided_by": request.decided_by,
        "decided_at": None if request.decided_at is None else format_instant(request.decided_at),
        "note": request.note,
    }
