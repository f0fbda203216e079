"""`tierline grants`: what users were granted."""

import typer

app = typer.Typer(no_args_is_help=True, help="Grants: benefits given to users.")
