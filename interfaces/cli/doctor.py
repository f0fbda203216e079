"""`tierline doctor`: is every part as it should be, and if not, why, and what to do."""

import sys
from dataclasses import asdict
from typing import Any

import typer

from infrastructure.health import PartMissing, PartState
from infrastructure.local_stack.supervise import child_status
from interfaces.cli.terminal import JsonOption, say, show_json, show_table


def doctor(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Check every part. Exit code 0 only when all that should answer do."""
    parts = [_python(), *_parts(ctx)]
    if as_json:
        show_json([asdict(part) for part in parts])
    else:
        show_table(("part", "status", "what it says"), [(part.name, part.status, part.detail) for part in parts])
        for part in parts:
            if part.remedy:
                say(f"{part.name}: {part.remedy}")
    if any(part.status == "off" for part in parts):
        raise typer.Exit(1)


def _python() -> PartState:
    version = ".".join(str(number) for number in sys.version_info[:3])
    return PartState("python", "on", f"{version} in {sys.prefix}", "")


def _parts(ctx: typer.Context) -> list[PartState]:
    try:
        with ctx.obj.system() as system:
            return _asked(ctx, system)
    except PartMissing as missing:
        return [PartState(missing.name, "off", missing.detail, "mend what it says, then ask again")]


def _asked(ctx: typer.Context, system: Any) -> list[PartState]:
    """What each part says; the embedded stack's own words where it could not start one."""
    served = bool(child_status(ctx.obj.settings.home))
    parts = []
    for part in system.health.parts():
        if part.name in system.off:
            parts.append(PartState(part.name, "off", system.off[part.name], part.remedy))
        elif part.name == "worker" and part.status == "off" and not served:
            parts.append(PartState("worker", "resting", "nothing is decided until `tierline run` runs", ""))
        else:
            parts.append(part)
    return parts
