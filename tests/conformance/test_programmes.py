"""Public programmes: their models have no faults, and their timelines go as their rules say, worked out by hand.

A folder a programme: `rules.md` the public rule and what of it is not expressed, `model.yaml`, `timeline*.txt`.
"""

import re
from pathlib import Path

import pytest

from domain.tier_model.lint import lint_text
from domain.tier_model.spec import parse_model
from tests.support.stories import read_story, told_by_the_product, told_by_the_reference, without_clauses

HERE = Path(__file__).parent
PROGRAMMES = sorted(path.parent for path in HERE.glob("*/model.yaml"))
TIMELINES = sorted(HERE.glob("*/timeline*.txt"))


def _name(path: Path) -> str:
    return path.relative_to(HERE).with_suffix("").as_posix()


@pytest.mark.parametrize("programme", PROGRAMMES, ids=_name)
def test_the_model_has_no_faults(programme: Path) -> None:
    assert [str(fault) for fault in lint_text((programme / "model.yaml").read_text())] == []


@pytest.mark.parametrize("programme", PROGRAMMES, ids=_name)
def test_every_name_is_labelled_in_two_languages(programme: Path) -> None:
    spec = parse_model((programme / "model.yaml").read_text())
    named = {name for name, label in spec.labels.items() if label.zh_cn and label.en}
    assert named == {spec.scheme, *spec.tiers, *spec.features, *spec.scores}


@pytest.mark.parametrize("programme", PROGRAMMES, ids=_name)
def test_the_rule_has_its_source_and_its_limits(programme: Path) -> None:
    rules = (programme / "rules.md").read_text()
    assert {"## Source", "## Rule", "## Expressed", "## Assumed", "## Not expressed"} <= set(rules.splitlines())
    assert list(programme.glob("timeline*.txt"))


@pytest.mark.parametrize("timeline", TIMELINES, ids=_name)
def test_the_product_decides_as_the_rules_say(timeline: Path) -> None:
    story = read_story(timeline.read_text())
    model = (timeline.parent / "model.yaml").read_text()
    assert told_by_the_product(model, story.facts, story.until) == story.decisions


@pytest.mark.parametrize("timeline", TIMELINES, ids=_name)
def test_the_reference_decides_as_the_rules_say(timeline: Path) -> None:
    story = read_story(timeline.read_text())
    model = (timeline.parent / "model.yaml").read_text()
    assert told_by_the_reference(model, story.facts, story.until) == without_clauses(story.decisions)


def test_the_page_of_programmes_names_each_of_them_once() -> None:
    page = (HERE.parents[1] / "docs" / "programmes.md").read_text()
    named = re.findall(r"\(\.\./tests/conformance/([a-z0-9-]+)/rules\.md\)", page)
    assert sorted(named) == [programme.name for programme in PROGRAMMES]
