"""The `tierline` command: everything mounted, and every failure told in one clear text."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from application.compliance.damage import RecordDamaged
from domain.refusal import Refusal
from infrastructure.health import PartMissing
from infrastructure.local_stack.server import PartBroken
from infrastructure.local_stack.supervise import KeepsDying
from infrastructure.settings import SettingsError
from interfaces.cli import (
    bench,
    benefits,
    budgets,
    bulk_grants,
    bulk_tags,
    campaigns,
    demo,
    doctor,
    effects,
    facts,
    granting,
    holds,
    ledger,
    messages,
    notices,
    run,
    segments,
    stack,
    standings,
    upkeep,
    user_ids,
    verification,
)
from interfaces.cli.context import CliContext
from interfaces.cli.terminal import complain

REFUSED, MISUSED, PART_OFF = 1, 2, 3

cli = typer.Typer(
    name="tierline",
    no_args_is_help=True,
    help="The book of record for user tiers.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.command("demo")(demo.demo)
cli.command("run")(run.run)
cli.add_typer(stack.app, name="stack")
cli.add_typer(facts.app, name="facts")
cli.add_typer(notices.models, name="model")
cli.add_typer(benefits.app, name="benefit")
cli.add_typer(budgets.app, name="budget")
granting.app.add_typer(bulk_grants.app, name="bulk")
cli.add_typer(granting.app, name="grants")
cli.add_typer(holds.users, name="user")
cli.add_typer(user_ids.users, name="user")
cli.add_typer(holds.overrides, name="overrides")
cli.add_typer(standings.app, name="standings")
cli.add_typer(ledger.app, name="ledger")
cli.add_typer(effects.app, name="scheme")
cli.add_typer(segments.app, name="segment")
cli.add_typer(bulk_tags.tags, name="tag")
cli.add_typer(messages.app, name="strategy")
cli.add_typer(campaigns.app, name="campaign")
cli.add_typer(upkeep.projections, name="projections")
cli.add_typer(verification.verify, name="verify")
cli.add_typer(upkeep.keys, name="key")
cli.command("doctor")(doctor.doctor)
cli.command("bench")(bench.bench)


def app() -> None:
    """Entry of the `tierline` script."""
    sys.exit(command(sys.argv[1:]))


def _build(*arguments: Any, **options: Any) -> Any:
    from infrastructure.bootstrap import build  # all there is: a command that needs none of it starts without

    return build(*arguments, **options)


def _open_fact_file(*arguments: Any) -> Any:
    from infrastructure.bootstrap import open_fact_file

    return open_fact_file(*arguments)


def command(arguments: Sequence[str], wire: Callable[..., Any] = _build) -> int:
    """Run one command; its exit code: 0, 1 refused, 2 misused, 3 a part is off, 130 interrupted."""
    try:
        cli(list(arguments), prog_name="tierline", obj=CliContext(wire, _open_fact_file))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except Refusal as refusal:
        _tell(refusal)
        return REFUSED
    except RecordDamaged as damaged:
        complain(str(damaged))
        return REFUSED
    except SettingsError as error:
        complain(str(error))
        return MISUSED
    except (PartMissing, PartBroken, KeepsDying) as error:
        complain(str(error))
        return PART_OFF
    except Exception as error:
        part = _part_that_is_off(error)
        if part is None:
            raise
        complain(f"{part} does not answer: {error}\n`tierline doctor` says which parts are off, and what to do.")
        return PART_OFF
    return 0


def _part_that_is_off(error: Exception) -> str | None:
    """The part whose driver says so; None for any other error."""
    from infrastructure.bootstrap import OUTAGES

    return next((OUTAGES[kind] for kind in type(error).__mro__ if kind in OUTAGES), None)


def _tell(refusal: Refusal) -> None:
    complain(str(refusal))
    for blamed in refusal.complaints:
        if blamed.remedy not in str(refusal):
            known = blamed.value is None or str(blamed.value) in str(refusal)
            complain(f"  {blamed.field}{'' if known else f' {blamed.value!r:.200}'}: {blamed.remedy}")


if __name__ == "__main__":
    app()
