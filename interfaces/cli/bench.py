"""`tierline bench`: the figures of docs/benchmarks.md, measured here and now."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from infrastructure.local_stack.stack import LocalStack
from interfaces.cli.stack_progress import StackProgress
from interfaces.cli.terminal import JsonOption, complain, show_json, show_table, warn

_CHECKOUT = Path(__file__).parents[2]
_COLUMNS = ("name", "ratio", "goal", "value", "baseline", "unit", "note")
_LIST = "from benchmarks.catalogue import CATALOGUE; print('\\n'.join(CATALOGUE))"


def bench(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these.")] = None,
    full: Annotated[bool, typer.Option("--full", help="At the largest sizes, however long that takes.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run every benchmark on an embedded stack of its own. Exit code 1 when one could not be run."""
    if not (_CHECKOUT / "benchmarks").is_dir():
        raise typer.BadParameter("benchmarks are run from a checkout of the source")
    known = _python("-c", _LIST).stdout.split()
    unknown = [name for name in names or [] if name not in known]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]} is no benchmark; there are {', '.join(known)}")
    figures, failed = _measure(ctx, names or known, full)
    if as_json:
        show_json(figures)
    else:
        show_table(_COLUMNS, [[figure.get(column) for column in _COLUMNS] for figure in figures])
    if failed:
        raise typer.Exit(1)


def _measure(ctx: typer.Context, names: list[str], full: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """The figures, and the benchmarks that broke off."""
    home = Path(tempfile.mkdtemp(prefix="tierline-bench-"))
    stack = LocalStack(home, ctx.obj.settings.cache)
    figures: list[dict[str, Any]] = []
    failed = []
    try:
        with StackProgress() as progress:
            stack.up(progress=progress)
        for name in names:
            warn(f"{name} …")
            done = _python("-m", "benchmarks", name, str(home), *["--full"] * full)
            if done.returncode == 0:
                figures += json.loads(done.stdout.splitlines()[-1])
            else:
                failed.append(name)
                complain(f"{name} broke off:\n{_reason(done.stderr)}")
    finally:
        stack.down()
        shutil.rmtree(home, ignore_errors=True)
    return figures, failed


def _reason(stderr: str) -> str:
    """From the last traceback on: what libraries complain of at the exit comes after it, and is long."""
    return stderr[max(stderr.rfind("Traceback (most recent call last)"), 0) :][:6_000]


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=_CHECKOUT, capture_output=True, text=True, check=False)
