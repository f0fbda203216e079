"""The import rules of pyproject.toml, each with an import that breaks it."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.rules import ROOMS

CHECKOUT = Path(__file__).parents[2]

# By contract: where the import is planted, the import, and how the report names it.
PLANTED = {
    "rooms": ("application/planted_rooms.py", "import projections.catalogue"),
    "wiring": ("interfaces/cli/planted_wiring.py", "import infrastructure.bootstrap"),
    "drivers": ("interfaces/http/planted_drivers.py", "import infrastructure.event_store.append"),
    "edges-without-drivers": ("interfaces/http/planted_driver.py", "import psycopg"),
    "stores-of-views": ("projections/planted_client.py", "import redis"),
    "pure-inside": ("application/planted_framework.py", "import fastapi"),
    "pure-domain": ("domain/planted_clock.py", "import time"),
    "event-library": ("domain/planted_library.py", "import eventsourcing"),
    "read-models-apart": ("projections/user_card/planted_neighbour.py", "import projections.user_search.view"),
}


def lint(root: Path) -> str:
    """What import-linter says about a tree."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config", "pyproject.toml"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def planted_report(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("planted")
    for room in ROOMS:
        shutil.copytree(CHECKOUT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", root)
    for path, line in PLANTED.values():
        (root / path).write_text(f"{line}\n")
    return lint(root)


def contracts() -> dict[str, str]:
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    return {contract["id"]: contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}


def test_the_house_keeps_its_import_rules() -> None:
    report = lint(CHECKOUT)
    assert f"Contracts: {len(contracts())} kept, 0 broken." in report, report


def test_every_rule_has_a_planted_violation() -> None:
    assert PLANTED.keys() == contracts().keys()


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_import_is_found(name: str, planted_report: str) -> None:
    path, line = PLANTED[name]
    module = path.removesuffix(".py").replace("/", ".")
    # The report has a section for each broken contract, underlined.
    section = planted_report.split(f"\n{contracts()[name]}\n---")[1].split("\n\n\n")[0]
    assert f"{module} -> {line.removeprefix('import ')}" in section
