"""Everything that can be done with strategies."""

from collections.abc import Callable
from dataclasses import dataclass

from application.campaigns.commands import CampaignCommands
from application.reactions.react import React
from application.strategies.assign_in_bulk import AssignInBulk
from application.strategies.assign_strategy import AssignStrategy, EndAssignment
from application.strategies.change_strategy import ChangeStrategy
from application.strategies.define_strategy import DefineStrategy, LintStrategy
from application.strategies.look_after import LookAfterStrategies
from application.strategies.message_ports import Messages
from application.strategies.outcome_ports import Assignments
from application.strategies.ports import Strategies, StrategyQueries
from application.strategies.send_messages import SendMessages


@dataclass(frozen=True, slots=True)
class StrategyCommands:
    """Definitions and their way, users taken in and let go, and what happens by itself: start_when_tiers_change,
    carry_out_actions, and everything else in keep_up. Each answers something true when it has done anything."""

    definitions: Strategies
    define: DefineStrategy
    lint: LintStrategy
    change: ChangeStrategy
    assign: AssignStrategy
    end: EndAssignment
    start_when_tiers_change: Callable[[], bool]
    carry_out_actions: Callable[[], int]
    keep_up: React
    send: SendMessages
    messages: Messages
    assignments: Assignments
    look_after: LookAfterStrategies
    queries: StrategyQueries
    bulk: AssignInBulk
    campaigns: CampaignCommands
