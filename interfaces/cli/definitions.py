"""What commands on versioned definitions, tier models and benefits, share."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.terminal import say, show_json, warn

if TYPE_CHECKING:
    from domain.tier_model.spec.faults import Fault

Drafted = tuple[str, int, "Sequence[Fault]"]
"""Name and version of what a file became, and the lint's warnings."""

Note = Annotated[str, typer.Option(help="Kept with the event.")]


def named_version(what: str) -> tuple[str, int | None]:
    """NAME or NAME@VERSION. Raises BadParameter."""
    name, _, version = what.partition("@")
    if version and not version.isdigit():
        raise typer.BadParameter(f"{what}: write a version as a number, such as {name}@2")
    return name, int(version) if version else None


def named_or_drafted(what: str, draft: Callable[[bytes], Drafted]) -> tuple[str, int | None]:
    """NAME[@VERSION], or a file, which is drafted. Raises BadParameter."""
    path = Path(what)
    if not path.is_file():
        if path.suffix in (".yaml", ".yml", ".json"):
            raise typer.BadParameter(f"{what}: there is no such file")
        return named_version(what)
    name, version, faults = draft(path.read_bytes())
    for fault in faults:
        warn(str(fault))
    return name, version


def show_faults(found: "dict[str, list[Fault]]", as_json: bool) -> None:
    """Of each file what is wrong with it. Ends the command with 1 where there is an error."""
    faults = [(file, fault) for file, its in found.items() for fault in its]
    errors = sum(fault.severity == "error" for _, fault in faults)
    if as_json:
        show_json([{"file": file, **asdict(fault)} for file, fault in faults])
    else:
        for file, fault in faults:
            say(f"{file}: {fault.severity}: {fault}" if len(found) > 1 else f"{fault.severity}: {fault}")
        say(f"{errors} errors." if errors else "No errors.")
    if errors:
        raise typer.Exit(1)
