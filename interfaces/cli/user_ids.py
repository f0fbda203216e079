"""`tierline user ids`, `link`, `merge` and `split`: several user ids of one user."""

from typing import Annotated

import typer

from interfaces.cli.context import KeyOption, acting
from interfaces.cli.holds import users
from interfaces.cli.terminal import JsonOption, say, show_json

__all__ = ["users"]

User = Annotated[str, typer.Argument(metavar="USER_ID")]
_MERGE = "link, merge and split user ids"


@users.command()
def ids(ctx: typer.Context, user_id: User, as_json: JsonOption = False) -> None:
    """All ids of the user."""
    with ctx.obj.system("postgres") as system:
        found = system.identities.user_ids(user_id)
    if as_json:
        show_json({"user_id": user_id, "user_ids": found})
    else:
        say("\n".join(found))


@users.command()
def link(
    ctx: typer.Context,
    user_id: User,
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="An id that names nobody yet.")],
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let another user id name the user as well."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, _MERGE)
        done = system.identities.link(user_id, alias, who.actor)
        system.nudges.projectors()
    if as_json:
        show_json({"user_id": user_id, "alias": alias, "user_ids": done.user_ids, "changed": done.changed})
    else:
        say(f"{alias} {'names' if done.changed else 'named already'} {user_id}.")


@users.command()
def merge(
    ctx: typer.Context,
    user_id: User,
    other_user_id: Annotated[str, typer.Argument(metavar="OTHER_USER_ID", help="Who goes over to the first.")],
    reason: Annotated[str, typer.Option(help="Kept with the events.")],
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Two users are one: the first stays, with the facts and the ids of the other."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, _MERGE)
        done = system.identities.merge(user_id, other_user_id, who.actor, reason=reason)
        system.evaluate_user(user_id)
        system.nudges.projectors()
    if as_json:
        show_json(
            {"user_id": user_id, "other_user_id": other_user_id, "user_ids": done.user_ids, "facts_copied": done.facts}
        )
    else:
        say(f"{', '.join(done.user_ids)} are one user now; {done.facts} facts were copied.")


@users.command()
def split(
    ctx: typer.Context,
    user_id: User,
    other_ids: Annotated[list[str], typer.Argument(metavar="OTHER_ID...", help="Ids of the user that leave.")],
    reason: Annotated[str, typer.Option(help="Kept with the events.")],
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Some ids of the user are somebody else's: they leave, with the facts that they brought, and name a new user."""
    with ctx.obj.system("postgres", "broker") as system:
        who = acting(system, key, _MERGE)
        done = system.identities.split(user_id, other_ids, who.actor, reason=reason)
        for one in (user_id, other_ids[0]):
            system.evaluate_user(one)
        system.nudges.projectors()
    if as_json:
        show_json(
            {
                "user_id": user_id,
                "user_ids": done.user_ids,
                "new_user_ids": done.new_user_ids,
                "facts_copied": done.facts,
                "facts_voided": done.voided,
            }
        )
    else:
        say(f"{', '.join(done.new_user_ids)} left {user_id} and name a new user; {done.facts} facts were copied.")
