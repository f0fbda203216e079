"""The `tierline` command."""

import typer

from interfaces.cli import stack

app = typer.Typer(name="tierline", no_args_is_help=True, help="The book of record for user tiers.")
app.add_typer(stack.app, name="stack")


@app.callback()
def _tierline() -> None:
    """Keeps `stack` a sub-command even while it is the only one."""
