"""Strategies over the ledger. Called by bootstrap alone, and by tests."""

from collections.abc import Callable

from application.evaluation.evaluate_user import EvaluateUser
from application.reactions.react import React
from application.reactions.start_strategies_when_a_tier_changes import StartStrategiesWhenATierChanges
from application.reactions.start_strategies_when_a_user_joins_a_segment import StartStrategiesWhenAUserJoinsASegment
from application.strategies.assign_strategy import AssignStrategy, EndAssignment, EndAssignments
from application.strategies.carry_out_actions import CarryOutActions, MessageCap
from application.strategies.change_strategy import ChangeStrategy
from application.strategies.commands import StrategyCommands
from application.strategies.define_strategy import DefineStrategy, LintStrategy
from application.strategies.look_again import LookAgain
from application.tags.add_tag import AddTag
from infrastructure.benefits.desk import PostgresGrantDesk
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.event_store.application import Ledger
from infrastructure.event_store.tail import LogTail
from infrastructure.postgres.pool import Pool
from infrastructure.queries.strategies import PostgresStrategyQueries
from infrastructure.security.keyring import Keyring
from infrastructure.settings import Settings
from infrastructure.strategies.acting import PostgresActions
from infrastructure.strategies.definitions import PostgresStrategies
from infrastructure.strategies.desk import PostgresAssignmentDesk
from infrastructure.strategies.turns import PostgresReactions
from infrastructure.tags.wiring import tag_definitions


def build_strategies(
    pool: Pool, keyring: Keyring, evaluation: PostgresEvaluationLedger, settings: Settings
) -> StrategyCommands:
    """settings: who approves, who is held out of everything, how many messages there may be."""
    ledger = Ledger(pool, keyring)
    strategies, add_tag = PostgresStrategies(pool, ledger), AddTag(evaluation, tag_definitions(pool, ledger))
    desk = PostgresAssignmentDesk(pool, keyring)
    reactions = PostgresReactions(pool, keyring, LogTail(pool, keyring))
    evaluate_user, grants = EvaluateUser(evaluation), PostgresGrantDesk(pool, keyring)
    cap = None if settings.messages_at_most is None else MessageCap(*settings.messages_at_most)
    steps: list[Callable[[], object]] = [
        StartStrategiesWhenATierChanges(reactions, evaluate_user),
        StartStrategiesWhenAUserJoinsASegment(reactions, evaluate_user),
        LookAgain(desk, evaluate_user),
        CarryOutActions(PostgresActions(pool, keyring), desk, grants, add_tag, evaluate_user, cap),
        EndAssignments(desk, evaluate_user),
    ]
    return StrategyCommands(
        definitions=strategies,
        define=DefineStrategy(strategies),
        lint=LintStrategy(strategies),
        change=ChangeStrategy(strategies, settings.approvals, settings.holdout_percent),
        assign=AssignStrategy(strategies, desk, evaluate_user),
        end=EndAssignment(desk, evaluate_user),
        react=React(steps),
        queries=PostgresStrategyQueries(pool),
    )
