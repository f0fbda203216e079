"""docs/explaining-a-tier.md is true: every command on the page is run, in its order, and does what the page says."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

from tests.interfaces.cli.conftest import Run
from tests.interfaces.http.conftest import MODEL

PAGE = (Path(__file__).parents[3] / "docs" / "explaining-a-tier.md").read_text()
COMMANDS = [
    line.removeprefix("tierline ")
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


def test_the_page_is_true(tierline: Run, tmp_path: Path) -> None:
    model, facts = tmp_path / "value.yaml", tmp_path / "facts.ndjson"
    model.write_text(MODEL + "labels: {mid: {en: Mid}, spend: {en: Spend}}\n")
    fact = {"kind": "order", "occurred_at": "2026-01-10T00:00:00Z", "amount": 5_000, "currency": "USD"}
    facts.write_text(json.dumps(fact | {"fact_id": "o-1", "user_id": "u-1"}))
    tierline("model", "activate", str(model))
    tierline("facts", "import", "--history", str(facts))
    said: list[Any] = []
    for line in COMMANDS:
        event = said[2][1]["event_id"] if "$EVENT" in line else ""
        said.append(tierline(*(event if word == "$EVENT" else word for word in shlex.split(line))))
    english, chinese, history, receipt, proof = said
    assert (english["lang"], chinese["lang"]) == ("en", "zh-CN")
    told = english["explanations"]["value"]
    assert told["text"].splitlines()[1].startswith("For Mid it takes that Spend is at least USD 10.00 (now USD 0.00")
    assert "升至Mid还需：Spend不低于10.00美元" in chinese["explanations"]["value"]["text"]
    assert receipt[0]["receipt"] == history[1]["receipt"]
    assert proof["different"] == 0 and proof["checked"] > 0
