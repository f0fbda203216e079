"""What a strategy file may say, and what is said about what it may not."""

import pytest

from domain.strategies.spec import StrategyInvalid, StrategySpec, as_plain, content_hash, read_strategy
from tests.domain.strategies.worded import TEXT, strategy

WHOLE = """
strategy: win-back
time_zone: Asia/Shanghai
currency: CNY
trigger: {held: value.low, for: 30 days}
where: "spend >= money(10.00)"
max_age: 6 hours
arms:
  coupon: {weight: 33.33, do: [{grant: ten-off}, {notify: sms, template: come-back}]}
  message: {weight: 33.33, do: [{notify: push, template: come-back}, {tag: contacted, days: 30 days}]}
  nothing: {weight: 33.34}
holdout: 12.5
salt: spring
when: {delay: 2 hours, quiet: {from: "21:00", to: "09:00"}, at_most: {times: 1, within: 30 days}}
lasts: 14 days
priority: 5
group: recovery
goal: {sum: order.amount, minus: refund.amount, within: 30 days}
"""


def test_what_is_stored_reads_back_to_the_same() -> None:
    spec, _ = read_strategy(WHOLE)
    again = StrategySpec.model_validate(as_plain(spec))
    assert again == spec and content_hash(again) == content_hash(spec)
    assert spec.design == {
        "weights": {"coupon": 33.33, "message": 33.33, "nothing": 33.34},
        "holdout": 12.5,
        "salt": "spring",
        "goal": {"sum": "order.amount", "minus": "refund.amount", "within": "30 days"},
    }
    assert (spec.benefits, spec.needs_approval, spec.is_experiment) == (["ten-off"], True, True)


def test_a_default_written_out_changes_nothing() -> None:
    assert content_hash(strategy()) == content_hash(strategy(max_age="1 day", lasts="30 days", priority=0))


def test_money_or_a_whole_audience_needs_approval_and_a_message_does_not() -> None:
    assert not strategy().needs_approval
    assert strategy(do=[{"grant": "ten-off"}]).needs_approval
    assert strategy(trigger={"every": "day", "at": "09:00"}).needs_approval


@pytest.mark.parametrize(
    ("wrong", "path", "told"),
    [
        ("[]", "", "is not a mapping"),
        (TEXT + "arm: {}", "arm", "Did you mean arms?"),
        (TEXT.replace("{entered: value.high}", "{enters: value.high}"), "trigger", "Write exactly one of entered"),
        (TEXT.replace("{entered: value.high}", "{entered: 3}"), "trigger.entered", "SCHEME.TIER"),
        (TEXT.replace("{entered: value.high}", "{entered: a, left: b}"), "trigger", "is no trigger"),
        (TEXT.replace("notify: sms", "mail: sms"), "do.0", "Write exactly one of grant, tag, notify, start"),
        (TEXT.replace("template: hello", "templte: hello"), "do.0.templte", "Did you mean template?"),
        (TEXT.replace("strategy: welcome", "strategy: Wel come"), "strategy", "is not spelled"),
        (TEXT.replace("Asia/Shanghai", "Asia/Nowhere"), "time_zone", "is not an IANA time zone"),
        (TEXT + "lasts: a while", "lasts", "must be a span"),
        (TEXT + 'when: {quiet: {from: "25:00", to: "09:00"}}', "when.quiet.from", "must be a time of day"),
        (TEXT + 'when: {quiet: {from: "09:00", to: "09:00"}}', "when.quiet", "begins and ends at one time"),
        (TEXT + "holdout: 10.005", "holdout", "has more than two decimals"),
        (TEXT + "holdout: 101", "holdout", "is out of place. Write at most 100"),
        (TEXT + "holdout: 10", "", "without a goal"),
        (TEXT + "goal: {count: order}", "goal", "is without a window"),
        (TEXT + "goal: {counts: order}", "goal", "is no feature"),
        (TEXT + "arms: {a: {weight: 100}}", "", "under do, or under arms"),
        (WHOLE.replace("33.34", "33.33"), "arms", "weights that add up to 99.99. Make it 100"),
        (WHOLE.replace("33.34", "0").replace("33.33", "50"), "arms", "an arm of weight 0"),
        (
            TEXT.replace("{entered: value.high}", "{every: month, at: '09:00'}"),
            "trigger",
            "has on for weeks and months",
        ),
        (TEXT.replace("{entered: value.high}", "{every: week, on: 8, at: '09:00'}"), "trigger", "from 1 (Monday)"),
        (TEXT.replace("{entered: value.high}", "{every: day}"), "trigger", "needs a time of day"),
        (TEXT.replace("{entered: value.high}", "{every: once, at: '09:00'}"), "trigger", "carried out once"),
    ],
)
def test_every_fault_names_its_place_and_what_to_write(wrong: str, path: str, told: str) -> None:
    with pytest.raises(StrategyInvalid) as refused:
        read_strategy(wrong)
    faults = {fault.path: f"{fault.message}. {fault.remedy}" for fault in refused.value.errors}
    assert path in faults and told in faults[path], faults
    assert all(fault.line is not None for fault in refused.value.errors)
