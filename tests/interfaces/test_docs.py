"""The pages on HTTP and the command line name everything that there is, and nothing else."""

import re
from pathlib import Path

import click
import typer

from application.access import PERMISSIONS, Permission, Role
from interfaces.cli.main import cli
from interfaces.http import main as http

DOCS = Path(__file__).parents[2] / "docs"


def test_every_command_is_on_the_page() -> None:
    page = (DOCS / "cli.md").read_text()
    group = typer.main.get_command(cli)
    assert isinstance(group, click.Group) or hasattr(group, "commands")
    for name, command in group.commands.items():
        line = next((line for line in page.splitlines() if f"`tierline {name}" in line), None)
        assert line is not None, f"tierline {name}"
        for sub in getattr(command, "commands", {}):
            lines = [line for line in page.splitlines() if f"tierline {name} " in line or f"tierline {name}\\" in line]
            assert any(re.search(rf"\b{re.escape(sub)}\b", line) for line in lines), f"tierline {name} {sub}"


def test_every_route_is_on_the_page() -> None:
    page = (DOCS / "http.md").read_text()
    for module in http._ROUTERS:
        for route in module.router.routes:
            last = route.path.rstrip("/").rsplit("/", 1)[-1]
            named = "{" in last or last in page
            assert named, route.path
            resource = "/".join(route.path.split("/")[:3])
            assert resource in page, route.path


def test_every_request_of_a_release_is_one_that_there_is() -> None:
    page = (DOCS / "releasing-a-model.md").read_text()
    asked = re.findall(r"`(GET|POST|DELETE) (V2|/v1/[^ `?{]+)([^ `?{]*)", page)
    there = {
        (method, re.sub(r"{scheme}/versions/{version}", "value/versions/2", route.path))
        for module in http._ROUTERS
        for route in module.router.routes
        for method in route.methods
    }
    assert len(asked) >= 16
    for method, start, rest in asked:
        path = start.replace("V2", "/v1/tier-models/value/versions/2") + rest
        assert (method, path.replace("/versions/1/", "/versions/2/")) in there, path


def test_the_table_of_roles_is_the_one_in_force() -> None:
    page = (DOCS / "http.md").read_text()
    rows = {
        cells[0].strip(): [cell.strip() == "✓" for cell in cells[1:]]
        for line in page.splitlines()
        if line.startswith("| ") and len(cells := line.strip("| \n").split("|")) == 7
    }
    told = {
        Permission.RECORD_FACTS: "record facts; evaluate and tag users",
        Permission.EVALUATE: "record facts; evaluate and tag users",
        Permission.TAG_USERS: "record facts; evaluate and tag users",
        Permission.READ_HISTORY: "read users' histories; verify a receipt that was read there",
        Permission.VERIFY: "verify all receipts, and the ledger",
        Permission.SEARCH: "search segments; read distributions and flows",
        Permission.DRAFT_MODELS: "draft, fit and submit tier models",
        Permission.APPROVE_MODELS: "approve, reject, schedule, activate and retire tier models",
        Permission.ACTIVATE_MODELS: "approve, reject, schedule, activate and retire tier models",
        Permission.DRAFT_BENEFITS: "draft, revise and submit benefits; define, change, close budgets",
        Permission.ACTIVATE_BENEFITS: "activate and retire benefits; stop grants",
        Permission.STOP_GRANTS: "activate and retire benefits; stop grants",
        Permission.APPROVE_BENEFITS: "approve and reject benefits; approve budgets; lift stops of grants",
        Permission.LIFT_STOPS: "approve and reject benefits; approve budgets; lift stops of grants",
    }
    for permission, words in told.items():
        allowed = [role in PERMISSIONS[permission] for role in Role]
        row = next(cells for name, cells in rows.items() if name == words)
        assert row == allowed[: len(row)], permission
