"""Each rule holds here, and fails on a tree in which a violation was planted."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture import rules

CHECKOUT = Path(__file__).parents[2]
# Rooms of infrastructure that know no driver: interfaces may open them.
OPEN_ROOMS = {"bootstrap", "settings", "local_stack", "clock", "garbage", "health", "logs"}

Rule = Callable[[Path], list[str]]


def contract(name: str) -> dict[str, list[str]]:
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(contract for contract in contracts if contract["id"] == name)


def rooms_without_a_rule(root: Path) -> list[str]:
    return rules.rooms_without_a_rule(root, set(contract("drivers")["protected_modules"]), OPEN_ROOMS)


def read_models_without_a_rule(root: Path) -> list[str]:
    return rules.read_models_without_a_rule(root, set(contract("read-models-apart")["modules"]))


PLANTED: list[tuple[Rule, str, str, str]] = [
    (rules.long_files, "domain/long.py", "x = 1\n" * 401, "domain/long.py: 401 lines"),
    (rules.long_functions, "tests/test_long.py", "def f():\n" + "    x = 1\n" * 70, "f has 71 lines"),
    (rules.vague_names, "application/utils.py", "", "application/utils.py"),
    (rules.vague_names, "projections/core/fold.py", "", "projections/core"),
    (rules.readers_of_the_environment, "interfaces/cli/x.py", "import os\nos.environ['X']\n", "interfaces/cli/x.py"),
    (rules.readers_of_the_environment, "domain/x.py", "from os import path, getenv\n", "domain/x.py"),
    (rules.clocks_in_the_domain, "domain/x.py", "import datetime\ndatetime.datetime.now()\n", "domain/x.py:2: now()"),
    (rules.clocks_in_the_domain, "domain/x.py", "from time import time\nimport time\ntime.time()\n", "time()"),
    (rooms_without_a_rule, "infrastructure/kafka/__init__.py", "", "kafka"),
    (read_models_without_a_rule, "projections/tag_board/projector.py", "", "tag_board"),
]


@pytest.mark.parametrize("rule", sorted({rule for rule, *_ in PLANTED}, key=lambda rule: rule.__name__))
def test_the_house_keeps_the_rule(rule: Rule) -> None:
    assert rule(CHECKOUT) == []


@pytest.mark.parametrize(("rule", "path", "text", "reported"), PLANTED)
def test_a_planted_violation_is_found(rule: Rule, path: str, text: str, reported: str, tmp_path: Path) -> None:
    for room in rules.ROOMS:
        (tmp_path / room).mkdir()
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)
    (violation,) = rule(tmp_path)
    assert reported in violation


def test_what_keeps_the_rules_is_not_found(tmp_path: Path) -> None:
    fine = "import os\nfrom datetime import datetime\n\n\ndef f(now: datetime) -> bool:\n" + "    x = 1\n" * 69
    (tmp_path / "application").mkdir()
    (tmp_path / "application" / "fine.py").write_text(fine)
    found = [rules.long_files, rules.long_functions, rules.vague_names, rules.readers_of_the_environment]
    assert [rule(tmp_path) for rule in found] == [[]] * len(found)
