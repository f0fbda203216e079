"""Everything that can be done with strategies."""

from dataclasses import dataclass

from application.reactions.react import React
from application.strategies.assign_strategy import AssignStrategy, EndAssignment
from application.strategies.change_strategy import ChangeStrategy
from application.strategies.define_strategy import DefineStrategy, LintStrategy
from application.strategies.ports import Strategies, StrategyQueries


@dataclass(frozen=True, slots=True)
class StrategyCommands:
    """Definitions and their way, users taken in and let go, and what happens by itself."""

    definitions: Strategies
    define: DefineStrategy
    lint: LintStrategy
    change: ChangeStrategy
    assign: AssignStrategy
    end: EndAssignment
    react: React
    queries: StrategyQueries
