"""Strategies over the ledger. Called by bootstrap alone, and by tests."""

from collections.abc import Callable, Mapping

from application.campaigns.change_campaign import ChangeCampaign
from application.campaigns.commands import CampaignCommands
from application.campaigns.define_campaign import DefineCampaign
from application.campaigns.show_campaign import ShowCampaign
from application.evaluation.evaluate_user import EvaluateUser
from application.queries import SegmentSearch
from application.reactions.fold_back_what_came_of_assignments import FoldBackWhatCameOfAssignments
from application.reactions.react import React
from application.reactions.start_strategies_when_a_tier_changes import StartStrategiesWhenATierChanges
from application.reactions.start_strategies_when_a_user_joins_a_segment import StartStrategiesWhenAUserJoinsASegment
from application.runs.ports import Job
from application.strategies.assign_in_bulk import BULK_ASSIGNMENT, AssignInBulk
from application.strategies.assign_strategy import AssignStrategy, EndAssignment, EndAssignments
from application.strategies.bulk_job import BulkAssignmentJob
from application.strategies.carry_out_actions import CarryOutActions, MessageCap
from application.strategies.change_strategy import ChangeStrategy
from application.strategies.commands import StrategyCommands
from application.strategies.define_strategy import DefineStrategy, LintStrategy
from application.strategies.look_after import LookAfterStrategies
from application.strategies.look_again import LookAgain
from application.strategies.send_messages import SendMessages
from application.strategies.settle_user import SettleUser
from application.tags.add_tag import AddTag
from domain.segments.definition import SegmentSpec
from infrastructure.benefits.desk import PostgresGrantDesk
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.event_store.application import Ledger
from infrastructure.event_store.tail import LogTail
from infrastructure.health import PartFaulty
from infrastructure.postgres.pool import Pool
from infrastructure.queries.assignments import PostgresAssignments
from infrastructure.queries.messages import PostgresMessages
from infrastructure.queries.strategies import PostgresStrategyQueries
from infrastructure.runs.store import PostgresRuns
from infrastructure.security.keyring import Keyring
from infrastructure.settings import Settings
from infrastructure.strategies.acting import PostgresActions
from infrastructure.strategies.bulk import PostgresBulkAssignments
from infrastructure.strategies.campaigns import PostgresCampaigns
from infrastructure.strategies.definitions import PostgresStrategies
from infrastructure.strategies.desk import PostgresAssignmentDesk
from infrastructure.strategies.outbox import PostgresOutbox
from infrastructure.strategies.outcomes import PostgresOutcomes
from infrastructure.strategies.receiver import WebhookReceiver
from infrastructure.strategies.turns import PostgresReactions
from infrastructure.tags.wiring import tag_definitions


def build_strategies(
    pool: Pool,
    keyring: Keyring,
    evaluation: PostgresEvaluationLedger,
    runs: PostgresRuns,
    settings: Settings,
    search: SegmentSearch,
    segment_of: Callable[[str], SegmentSpec],
) -> tuple[StrategyCommands, Mapping[str, Job]]:
    """What can be done with strategies and campaigns, and who does the parts of long work.

    settings: who approves, who is held out of everything, how many messages there may be. search: counts who is in
    two audiences. segment_of: what a saved segment says.
    """
    ledger = Ledger(pool, keyring)
    strategies, add_tag = PostgresStrategies(pool, ledger), AddTag(evaluation, tag_definitions(pool, ledger))
    desk = PostgresAssignmentDesk(pool, keyring)
    reactions = PostgresReactions(pool, keyring, LogTail(pool, keyring))
    evaluate_user, grants = EvaluateUser(evaluation), PostgresGrantDesk(pool, keyring)
    settle = SettleUser(evaluate_user)
    cap = None if settings.messages_at_most is None else MessageCap(*settings.messages_at_most)
    bulks = PostgresBulkAssignments(pool, keyring)
    bulk = AssignInBulk(
        strategies, desk, bulks, runs, settings.approvals, settings.assignment_approval_from, segment_of
    )
    define = DefineStrategy(strategies)
    change = ChangeStrategy(strategies, settings.approvals, settings.holdout_percent)
    receiver, max_age = receiver_of(settings), settings.messages_max_age.micros
    messages = PostgresMessages(pool, receiver is not None)
    campaigns, queries = PostgresCampaigns(pool, ledger), PostgresStrategyQueries(pool, messages)
    change_campaign = ChangeCampaign(campaigns, strategies, change, settings.approvals)
    steps: list[Callable[[], object]] = [
        StartStrategiesWhenAUserJoinsASegment(reactions, settle),
        LookAgain(desk, settle),
        FoldBackWhatCameOfAssignments(PostgresOutcomes(pool, keyring), settle),
        EndAssignments(desk, settle),
        bulk.begin_rounds,
        change_campaign.carry_out,
    ]
    commands = StrategyCommands(
        definitions=strategies,
        define=define,
        lint=LintStrategy(strategies),
        change=change,
        assign=AssignStrategy(strategies, desk, evaluate_user),
        end=EndAssignment(desk, evaluate_user),
        start_when_tiers_change=StartStrategiesWhenATierChanges(reactions, settle),
        carry_out_actions=CarryOutActions(PostgresActions(pool, keyring), desk, grants, add_tag, settle, cap),
        keep_up=React(steps),
        send=SendMessages(PostgresOutbox(pool, keyring), receiver, settle, cap, max_age),
        messages=messages,
        assignments=PostgresAssignments(pool),
        look_after=LookAfterStrategies(strategies, messages),
        queries=queries,
        bulk=bulk,
        campaigns=CampaignCommands(
            definitions=campaigns,
            define=DefineCampaign(campaigns, strategies, define),
            change=change_campaign,
            show=ShowCampaign(campaigns, strategies, queries, lambda where: search(where, (), 0, None, ()).total),
        ),
    )
    return commands, {BULK_ASSIGNMENT: BulkAssignmentJob(bulks, desk, settle)}


def checked(look_after: LookAfterStrategies) -> str:
    """For whoever asks how this installation is. Raises PartFaulty."""
    found = look_after()
    if found.faults:
        raise PartFaulty("; ".join(found.faults))
    return found.summary


def receiver_of(settings: Settings) -> WebhookReceiver | None:
    """The operator's sending system, where one is named."""
    if settings.messages_url is None or settings.messages_secret is None:
        return None
    return WebhookReceiver(settings.messages_url, settings.messages_secret.get_secret_value())
