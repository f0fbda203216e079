"""The page on strategies: its files are read, and it names every trigger, action, key and reason that there is."""

import re
from pathlib import Path
from typing import get_args

from application.strategies.message_ports import NO_RECEIVER
from application.strategies.send_messages import UNDECIDED
from domain.campaigns.spec import read_campaign
from domain.strategies.admission import Reason
from domain.strategies.consent import MINOR, OPT_OUT, RISK_LISTED, UNSUBSCRIBED
from domain.strategies.outcomes import ASSIGNMENT_ID, GRANT_ID, OUTCOME, OUTCOMES
from domain.strategies.sending import MESSAGE_REASONS, PAUSED, QUIET
from domain.strategies.spec import StrategySpec, read_strategy
from domain.strategies.spec.action import ACTION_KEYS
from domain.strategies.spec.trigger import TRIGGER_KEYS
from domain.strategies.timing import TIME_ZONE

PAGE = (Path(__file__).parents[3] / "docs" / "strategies.md").read_text()


def test_its_files_are_right() -> None:
    strategy, campaign = re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)
    assert read_strategy(strategy)[0].design["weights"] == {"coupon": 50, "message": 50}
    assert read_campaign(campaign)[0].budget == "spring-money"


def test_its_triggers_and_actions_are_right_and_complete() -> None:
    cells = re.findall(r"^\| (`\{.+?) \|", PAGE.replace("\\|", "/"), re.MULTILINE)
    written = [text for cell in cells for text in re.findall(r"`(\{.+?\})`", cell)]
    examples = [text.replace("day/week/month", "month").replace("BENEFIT", "b") for text in written]
    keys = [re.match(r"\{(\w+):", one)[1] for one in examples]  # type: ignore[index]
    assert set(keys) == {*TRIGGER_KEYS, *ACTION_KEYS}
    for key, one in zip(keys, examples, strict=True):
        trigger, action = (one, "{tag: t}") if key in TRIGGER_KEYS else ("{by: hand}", one.replace("STRATEGY", "s-2"))
        read_strategy(f"strategy: s\ntime_zone: UTC\ncurrency: USD\ntrigger: {trigger}\ndo: [{action}]\n")


def test_it_names_every_key_reason_and_attribute() -> None:
    own = {info.alias or name for name, info in StrategySpec.model_fields.items()}
    told = own - {"strategy", "label", "time_zone", "currency"}
    for name in (*OUTCOMES, "redeemed", OUTCOME, ASSIGNMENT_ID, GRANT_ID, "doubtful"):
        assert f"`{name}`" in PAGE, name
    waits = (PAUSED, QUIET, NO_RECEIVER, UNDECIDED)
    for name in (
        *told,
        *get_args(Reason),
        *MESSAGE_REASONS,
        *waits,
        OPT_OUT,
        MINOR,
        RISK_LISTED,
        UNSUBSCRIBED,
        TIME_ZONE,
    ):
        assert f"`{name}`" in PAGE or f"`{name}`" in PAGE.replace("`do`, or `arms`", "`do` `arms`"), name
