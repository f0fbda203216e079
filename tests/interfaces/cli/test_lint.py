"""`tierline model lint`: files beside each other and beside what is in force, said as the API says it."""

from pathlib import Path

import pytest

from tests.interfaces.cli.conftest import Run
from tests.interfaces.http.conftest import MODEL

READER = """
scheme: care
dimension: behaviour
time_zone: UTC
currency: USD
unordered: true
tiers: [winback, none]
default: none
features:
  recency: {days_since: order}
rules:
  winback: {enter: "tier.value = 'top' and recency > 30"}
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A model, and one that reads a tier which the first does not have."""
    value, care = tmp_path / "value.yaml", tmp_path / "care.yaml"
    value.write_text(MODEL)
    care.write_text(READER)
    return str(value), str(care)


def test_files_are_held_against_each_other(tierline: Run, files: tuple[str, str]) -> None:
    value, care = files
    assert tierline("model", "lint", "--alone", care) == []
    faults = tierline("model", "lint", "--alone", value, care, code=1)
    assert {fault["file"] for fault in faults} == {care}
    assert (faults[0]["severity"], faults[0]["path"], faults[0]["line"]) == ("error", "rules.winback.enter", 12)
    assert "low, mid, high" in faults[0]["remedy"]
    page = tierline("model", "lint", "--alone", value, care, code=1, as_json=False)
    assert f"{care}: error:" in page and "1 errors." in page


def test_a_file_stands_in_for_the_version_in_force(tierline: Run, files: tuple[str, str]) -> None:
    value, care = files
    tierline("model", "activate", value)
    faults = tierline("model", "lint", care, code=1)
    assert [fault["severity"] for fault in faults].count("error") == 1
    Path(value).write_text(MODEL.replace("high", "top"))
    assert [fault for fault in tierline("model", "lint", value, care) if fault["severity"] == "error"] == []


def test_two_files_of_one_scheme_are_misused(tierline: Run, files: tuple[str, str], tmp_path: Path) -> None:
    again = tmp_path / "again.yaml"
    again.write_text(MODEL)
    assert "value" in tierline("model", "lint", "--alone", files[0], str(again), code=2)
