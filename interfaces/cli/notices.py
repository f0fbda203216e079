"""`tierline model notice`: a version in words, for members."""

from typing import Annotated

import typer

from interfaces.cli.receipts import Lang
from interfaces.cli.shadows import models
from interfaces.cli.terminal import JsonOption, show_json
from interfaces.cli.tier_models import Scheme, named_version

__all__ = ["models"]


@models.command()
def notice(
    ctx: typer.Context,
    scheme: Scheme,
    against: Annotated[
        int | None, typer.Option(help="Compared with this version; left out: the one in force before it.")
    ] = None,
    lang: Annotated[Lang, typer.Option(help="Of the sentences.")] = Lang.ENGLISH,
    as_json: JsonOption = False,
) -> None:
    """What members are told of a version (公示): from when on, what changes, and all rules."""
    from application.tier_models.announce_tier_model import notice_json

    with ctx.obj.system("postgres") as system:
        name, version = named_version(scheme)
        found = system.announce_tier_model(name, version, lang.value, against=against)
    if as_json:
        show_json(notice_json(found))
    else:
        typer.echo(found.text)
