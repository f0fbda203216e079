"""`tierline budget`: money set aside for benefits."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.facts.instants import format_instant
from interfaces.cli.context import KeyOption as Key
from interfaces.cli.context import acting
from interfaces.cli.terminal import JsonOption, instant_of, say, show_json, show_table

if TYPE_CHECKING:
    from application.budgets.ports import BudgetView

app = typer.Typer(no_args_is_help=True, help="Budgets: what benefits may cost, as a whole or in each period.")

Name = Annotated[str, typer.Argument(metavar="BUDGET")]
Reason = Annotated[str, typer.Option(help="Kept with the event.")]
_DEFINE, _APPROVE = "draft benefits and define budgets", "approve benefits and budgets"


@app.command()
def define(
    ctx: typer.Context,
    name: Name,
    amount: Annotated[int, typer.Option(help="Minor units, of the whole or of each period.")],
    currency: Annotated[str, typer.Option(help="Such as CNY.")],
    time_zone: Annotated[str, typer.Option(help="In which periods begin.")] = "Asia/Shanghai",
    parent: Annotated[str, typer.Option(help="The budget that is charged along.")] = "",
    period: Annotated[str, typer.Option(help="month, quarter or year: a fresh amount in each.")] = "",
    starts_at: Annotated[str | None, typer.Option(help="RFC 3339: not charged before.")] = None,
    ends_at: Annotated[str | None, typer.Option(help="RFC 3339: not charged from then on.")] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="LANG=TEXT", help="A name for people: zh-CN=…, en=….")
    ] = None,
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Set money aside, for good but for its amount and end. Much money waits for a second person."""
    from domain.budgets.terms import BudgetTerms

    pairs = [one.partition("=") for one in label or ()]
    odd = next((language for language, equals, text in pairs if not (language and equals and text)), None)
    if odd is not None:
        raise typer.BadParameter(f"{odd}: write LANG=TEXT, such as en=Spring", param_hint="--label")
    labels = {language: text for language, _, text in pairs}
    spans = (instant_of(starts_at), instant_of(ends_at))
    terms = BudgetTerms(amount, currency, time_zone, parent, period, *spans, labels)
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _DEFINE)
        view = system.benefits.define_budget(name, terms, who.actor, as_admin=who.is_admin)
    _tell(view, as_json)


@app.command()
def change(
    ctx: typer.Context,
    name: Name,
    amount: Annotated[int | None, typer.Option(help="Minor units; as it is when left out.")] = None,
    ends_at: Annotated[str | None, typer.Option(help="RFC 3339, or never; as it is when left out.")] = None,
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Give it another amount or end; of a budget of periods from this one on. Never below what is promised."""
    changes: dict[str, Any] = {} if amount is None else {"amount": amount}
    if ends_at is not None:
        changes["ends_at"] = None if ends_at == "never" else instant_of(ends_at)
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _DEFINE)
        view = system.benefits.change_budget(name, changes, who.actor, as_admin=who.is_admin)
    _tell(view, as_json)


@app.command()
def approve(
    ctx: typer.Context,
    name: Name,
    proposed_at: Annotated[
        str | None, typer.Option(help="Of what was looked at: another proposal since is refused.")
    ] = None,
    key: Key = None,
    as_json: JsonOption = False,
) -> None:
    """Agree to money that somebody else has asked for."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _APPROVE)
        view = system.benefits.approve_budget(name, who.actor, proposed_at=instant_of(proposed_at))
    _tell(view, as_json)


@app.command()
def close(ctx: typer.Context, name: Name, reason: Reason = "", key: Key = None, as_json: JsonOption = False) -> None:
    """Charge nothing more to it; what is reserved can be redeemed."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _DEFINE)
        view = system.benefits.close_budget(name, who.actor, reason=reason)
    _tell(view, as_json)


@app.command()
def reopen(ctx: typer.Context, name: Name, reason: Reason = "", key: Key = None, as_json: JsonOption = False) -> None:
    """Charge it again, with what was left."""
    with ctx.obj.system("postgres") as system:
        who = acting(system, key, _DEFINE)
        view = system.benefits.reopen_budget(name, who.actor, reason=reason)
    _tell(view, as_json)


@app.command("list")
def list_budgets(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """All budgets, those that wait for a second person included."""
    with ctx.obj.system("postgres") as system:
        views = system.benefits.show_budget.all()
    if as_json:
        show_json([_shown(view) for view in views])
        return
    rows = [
        (view.budget, view.status, view.terms.parent or None, view.terms.period or "whole", view.terms.amount,
         view.terms.currency, view.accounts[-1].left if view.accounts else None,
         view.waiting.terms.amount if view.waiting else None)
        for view in views
    ]  # fmt: skip
    show_table(("budget", "status", "in", "of each", "amount", "currency", "left", "waits"), rows)


@app.command()
def show(ctx: typer.Context, name: Name, as_json: JsonOption = False) -> None:
    """What of it is promised and spent, for each period that was charged."""
    with ctx.obj.system("postgres") as system:
        view = system.benefits.show_budget(name)
    _tell(view, as_json)
    if view.accounts and not as_json:
        rows = [
            (_instant(account.starts_at) or "whole", account.allowed, account.reserved, account.spent, account.left)
            for account in view.accounts
        ]
        show_table(("from", "allowed", "reserved", "spent", "left"), rows)


def _shown(view: "BudgetView") -> dict[str, Any]:
    """A budget, as printed."""
    terms, waits = view.terms, view.waiting
    return {
        "budget": view.budget,
        "status": view.status,
        **terms.to_json(),
        "starts_at": _instant(terms.starts_at),
        "ends_at": _instant(terms.ends_at),
        "changed_at": _instant(view.changed_at),
        "accounts": [
            {
                "starts_at": _instant(account.starts_at),
                "allowed": account.allowed,
                "reserved": account.reserved,
                "spent": account.spent,
                "left": account.left,
            }
            for account in view.accounts
        ],
        "children": list(view.children),
        "waiting": waits
        and {
            "amount": waits.terms.amount,
            "ends_at": _instant(waits.terms.ends_at),
            "proposed_by": waits.proposed_by,
            "proposed_at": _instant(waits.proposed_at),
        },
    }


def _instant(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _tell(view: "BudgetView", as_json: bool) -> None:
    if as_json:
        show_json(_shown(view))
        return
    each = f" a {view.terms.period}" if view.terms.period else ""
    say(f"{view.budget}: {view.status}, {view.terms.amount} {view.terms.currency}{each}.")
    if view.waiting is not None:
        wanted = f"{view.waiting.terms.amount} {view.terms.currency}{each}"
        say(f"  {wanted} waits for a second person: `tierline budget approve {view.budget}`")
