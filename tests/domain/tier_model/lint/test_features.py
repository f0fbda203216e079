"""Windows beside the history there is; conditions on facts."""

import pytest

from tests.domain.tier_model.lint.small_models import ladder, told


def windowed(feature: str) -> str:
    return ladder('"extra >= 1"').replace("features:\n", f"features:\n  extra: {feature}\n")


@pytest.mark.parametrize(
    ("feature", "days_needed"),
    [
        ("{count: visit, within: 200 days}", 200),
        ("{count: visit, within: 30 weeks}", 210),
        ("{count: visit, within: 12 months}", 360),
        ("{count: visit, within: 1 year}", 360),
        ("{trend: count visit, within: 100 days}", 200),
        ("{count: visit, within: last year}", 365),
    ],
)
def test_a_window_longer_than_the_history_there_is(feature: str, days_needed: int) -> None:
    text = windowed(feature)
    assert told(text) == told(text, history_days=days_needed) == []
    ((severity, path, said),) = told(text, history_days=days_needed - 1)
    assert (severity, path) == ("warning", "features.extra.within")
    assert "further than the facts there are" in said and "Load the history first" in said


@pytest.mark.parametrize("window", ["", ", since: enrolment", ", within: this year"])
def test_other_windows_need_no_history(window: str) -> None:
    assert told(windowed(f"{{count: visit{window}}}"), history_days=90) == []


@pytest.mark.parametrize(
    ("condition", "severity", "said"),
    [
        ("channel = 'app' and channel = 'web'", "warning", "true for no values"),
        ("amount < money(0.00)", "warning", "true for no values"),
        ("amount >= money(0.00) or channel = 'app'", "", ""),  # amounts may be missing
        ("chanel >", "error", "breaks off"),
        ("page = null", "error", "Write is null"),
    ],
)
def test_conditions_on_facts(condition: str, severity: str, said: str) -> None:
    faults = told(windowed(f'{{count: visit, where: "{condition}"}}'))
    assert [(fault[0], fault[1]) for fault in faults] == ([(severity, "features.extra.where")] if severity else [])
    assert all(said in fault[2] for fault in faults)
