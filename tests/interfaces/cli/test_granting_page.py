"""The second half of docs/benefits.md is true: its story is run, each command on its day."""

import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from domain.benefits import refusals
from domain.facts.instants import parse_instant
from domain.refusal import Refusal
from infrastructure.bootstrap import System, build
from infrastructure.settings import load_settings
from tests.interfaces.cli.conftest import Run
from tests.interfaces.cli.test_benefits import block

ROOT = Path(__file__).parents[3]
STORY = (ROOT / "docs" / "benefits.md").read_text().partition("\n## Granting")[2]
BLOCKS = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", STORY, re.MULTILINE | re.DOTALL)
ABOUT_DEFINITIONS = {"StockBelowPromised"}


class Teller:
    """Tells the story. names: what stands for a word that starts with $; $GRANT is the last grant."""

    def __init__(self, tierline: Run, system: System) -> None:
        self.tierline, self.system = tierline, system
        self.names: dict[str, str] = {}

    def on(self, day: str) -> None:
        """At noon in Shanghai, when all that was due is done."""
        noon = parse_instant(f"{day}T04:00:00Z")
        if noon > self.system.clock.now():
            self.system.clock.set(noon)
        self.keep_up()

    def keep_up(self) -> None:
        while self.system.evaluate_due() or self.system.grants.keep_up():
            pass

    def does(self, line: str) -> Any:
        answer = self.tierline(*self._words(line))
        self.keep_up()
        if line.startswith("tierline grants give"):
            self.names["$GRANT"] = answer["grant_id"]
        return answer

    def refuses(self, line: str) -> str:
        said = re.sub(r"\.\d+Z", "Z", self.tierline(*self._words(line), code=1))
        return said.replace(self.names["$GRANT"], "$GRANT")

    def _words(self, line: str) -> list[str]:
        return [self.names.get(word, word) for word in shlex.split(line.removeprefix("tierline "))]


@pytest.fixture
def teller(tierline: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Teller]:
    """ten-off in force as the first half leaves it, Olive an operator and Bob an approver, and the page's files."""
    monkeypatch.chdir(tmp_path)
    Path("ten-off.yaml").write_text(block("yaml benefit"))
    for kind, name, text in BLOCKS:
        if kind in ("yaml", "ndjson"):
            Path(name).write_text(text)
    system = build(load_settings(), parts={"postgres"}, pool_size=4)
    system.clock.make_manual()
    teller = Teller(tierline, system)
    teller.on("2026-03-01")
    teller.names["$OLIVE"] = tierline("key", "create", "Olive", "--role", "operator")["key"]
    teller.names["$BOB"] = tierline("key", "create", "Bob", "--role", "approver")["key"]
    tierline("model", "activate", "member.yaml")
    tierline("budget", "define", "membership", "--amount", "1800000", "--currency", "CNY")
    tierline("benefit", "activate", "ten-off.yaml")
    tierline("facts", "import", "facts.ndjson")
    yield teller
    system.close()


def test_every_block_is_of_a_kind_that_is_run_and_every_answer_follows_commands() -> None:
    kinds = [kind for kind, _, _ in BLOCKS]
    assert set(kinds) == {"yaml", "ndjson", "sh", "answer", "refused"}
    assert {before for before, kind in pairwise(kinds) if kind == "answer"} == {"sh"}


@pytest.mark.timeout(300)
def test_the_story_is_true(teller: Teller) -> None:
    answer: Any = None
    for kind, told, text in BLOCKS:
        if kind == "sh":
            teller.on(told)
            for line in text.splitlines():
                answer = teller.does(line)
        elif kind == "answer":
            assert holds(json.loads(text), answer), f"{text}{json.dumps(answer)}"
        elif kind == "refused":
            teller.on(told)
            for line, said in re.findall(r"^\$ (.*)\n((?:[^$].*\n?)+)", text, re.MULTILINE):
                assert teller.refuses(line).strip() == said.strip()
    assert answer["status"] == "revoked"
    assert len(teller.tierline("grants", "list", "ann", "--status", "clawed-back")) == 2


def test_every_refusal_of_granting_and_redeeming_is_on_the_page() -> None:
    kinds = [one for one in vars(refusals).values() if isinstance(one, type) and issubclass(one, Refusal)]
    names = {one.__name__ for one in kinds if one is not Refusal} - ABOUT_DEFINITIONS
    table = STORY.rpartition("| problem |")[2]
    assert {re.sub("(?<!^)([A-Z])", r"-\1", name).lower() for name in names} == set(
        re.findall(r"`([a-z-]{9,})`", table)
    )


def holds(told: Any, found: Any) -> bool:
    """Whether all that is told is found; more may be."""
    if isinstance(told, dict):
        return isinstance(found, dict) and all(key in found and holds(said, found[key]) for key, said in told.items())
    if isinstance(told, list):
        same_length = isinstance(found, list) and len(told) == len(found)
        return same_length and all(map(holds, told, found))
    return bool(told == found)
