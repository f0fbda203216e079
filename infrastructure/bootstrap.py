"""The one wiring function: settings in, a system out that can do and answer everything. Used by tests too."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import opensearchpy
import psycopg
import psycopg_pool
import redis
from opensearchpy import OpenSearch
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from application.benefits.catalogue import BenefitCatalogue
from application.benefits.grants import Grants
from application.benefits.ledger.benefit_ledger import BenefitLedger
from application.bulk_grants.bulk_grants import BulkGrants
from application.compliance.verifications import VERIFICATION, VerificationJob, Verifications
from application.compliance.verify_receipt import VerifyReceipt
from application.effects.measure_model_effect import MeasureModelEffect
from application.evaluation.evaluate_due import EvaluateDue
from application.evaluation.evaluate_user import EvaluateUser
from application.evaluation.explain_user import ExplainUser
from application.facts.history_status import GetHistoryStatusHandler
from application.facts.open_history import OpenHistoryHandler
from application.facts.ports import FactKinds
from application.facts.record_facts import RecordFactsHandler
from application.facts.register_fact_kind import RegisterFactKindHandler
from application.facts.seal_history import SealHistoryHandler
from application.idempotency import OneAnswer
from application.identity.desk import IdentityDesk
from application.overrides.decide_override import ApproveOverride, RejectOverride
from application.overrides.freeze_standing import FreezeStanding
from application.overrides.pin_tier import PinTier
from application.overrides.ports import OverrideRequests
from application.overrides.unfreeze_standing import UnfreezeStanding
from application.overrides.unpin_tier import UnpinTier
from application.previews.preview_tier_model import PREVIEW, PreviewJob, PreviewTierModel
from application.queries import LedgerQueries, SegmentSearch
from application.runs.perform_runs import PerformRuns
from application.runs.ports import Part
from application.segments.desk import SegmentDesk
from application.shadow.show_shadow import ShowShadow
from application.shadow.start_shadow import StartShadow
from application.shadow.stop_shadow import StopShadow
from application.standings.import_standings import ImportStandings
from application.strategies.commands import StrategyCommands
from application.tags.add_tag import AddTag
from application.tags.desk import TagDesk
from application.tags.remove_tag import RemoveTag
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.announce_tier_model import AnnounceTierModel
from application.tier_models.approve_tier_model import ApproveTierModel
from application.tier_models.carry_out_activations import CarryOutActivations
from application.tier_models.create_tier_model import CreateTierModel
from application.tier_models.fit_tier_model import FitTierModel
from application.tier_models.lint_tier_model import LintTierModel
from application.tier_models.ports import TierModels
from application.tier_models.reject_tier_model import RejectTierModel
from application.tier_models.retire_tier_model import RetireTierModel
from application.tier_models.schedule_tier_model import ScheduleTierModel
from application.tier_models.show_tier_model import ShowTierModel
from application.tier_models.submit_tier_model import SubmitTierModel
from application.tier_models.unschedule_tier_model import UnscheduleTierModel
from infrastructure.benefits.bulk_wiring import build_bulk_grants
from infrastructure.benefits.grants_wiring import build_grants, issued_benefits
from infrastructure.benefits.ledger_wiring import benefit_ledger, ledger_jobs
from infrastructure.benefits.wiring import benefit_catalogue
from infrastructure.clock import Clock
from infrastructure.compliance.records import PostgresRecords
from infrastructure.dramatiq.nudges import NudgeReceiver, Nudges
from infrastructure.effects.wiring import effect_jobs
from infrastructure.evaluation import approval_tiers
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.evaluation.openings import PostgresOpenings
from infrastructure.evaluation.snapshot import PostgresSnapshots
from infrastructure.evaluation.wiring import wired_holds, wired_users
from infrastructure.event_store.application import Ledger
from infrastructure.event_store.tail import LogTail
from infrastructure.facts.fact_files import FactFile
from infrastructure.facts.wiring import wired_facts
from infrastructure.garbage import collect_rarely
from infrastructure.health import Health
from infrastructure.local_stack.server import Progress
from infrastructure.opensearch.client import open_opensearch
from infrastructure.postgres.migrate import migrate
from infrastructure.postgres.pool import Pool, open_pool
from infrastructure.queries.cards import LedgerCards
from infrastructure.queries.ledger import PostgresLedgerQueries
from infrastructure.queries.segments import SearchSegment
from infrastructure.read_models.wiring import build_read_models
from infrastructure.redis.boards import Heartbeat, RedisBoard
from infrastructure.redis.client import open_async_redis, open_redis
from infrastructure.runs.store import PostgresRuns
from infrastructure.security.api_keys import ApiKeys
from infrastructure.security.keyring import Keyring
from infrastructure.security.one_answer import StoredAnswers
from infrastructure.servers import checks, own_master_key, remedies, servers
from infrastructure.settings import Settings
from infrastructure.strategies.wiring import build_strategies, checked
from infrastructure.tags.wiring import wired_tags
from infrastructure.tier_models.dependents import PostgresDependents
from infrastructure.tier_models.store import PostgresTierModels
from infrastructure.tier_models.wiring import wired_tier_models
from projections.lag import LagReader
from projections.read_models import ReadModels
from projections.target import ReadModelUnavailable
from projections.user_card.view import UserCardView
from projections.user_search.view import UserSearchView

OUTAGES: Mapping[type[Exception], str] = {
    psycopg.OperationalError: "postgres",
    psycopg_pool.PoolTimeout: "postgres",
    redis.ConnectionError: "redis",
    redis.TimeoutError: "redis",
    opensearchpy.ConnectionError: "opensearch",
    ReadModelUnavailable: "opensearch",
}
"""Drivers' ways of saying that a part does not answer."""


@dataclass
class System:
    """Everything wired. `close` it."""

    settings: Settings
    urls: Mapping[str, str]
    off: Mapping[str, str]
    """Parts of the embedded stack that did not come up, and why."""
    pool: Pool
    keyring: Keyring
    redis: Redis
    broker: Redis
    opensearch: OpenSearch
    outages: Mapping[type[Exception], str]
    clock: Clock
    keys: ApiKeys
    one_answer: OneAnswer
    health: Health

    record_facts: RecordFactsHandler
    fact_kinds: FactKinds
    register_fact_kind: RegisterFactKindHandler
    open_history: OpenHistoryHandler
    seal_history: SealHistoryHandler
    history_status: GetHistoryStatusHandler
    evaluate_due: EvaluateDue
    evaluate_user: EvaluateUser
    explain_user: ExplainUser
    add_tag: AddTag
    remove_tag: RemoveTag
    tags: TagDesk
    segments: SegmentDesk
    identities: IdentityDesk
    pin_tier: PinTier
    unpin_tier: UnpinTier
    freeze_standing: FreezeStanding
    unfreeze_standing: UnfreezeStanding
    override_requests: OverrideRequests
    approve_override: ApproveOverride
    reject_override: RejectOverride
    import_standings: ImportStandings
    create_tier_model: CreateTierModel
    fit_tier_model: FitTierModel
    submit_tier_model: SubmitTierModel
    approve_tier_model: ApproveTierModel
    reject_tier_model: RejectTierModel
    schedule_tier_model: ScheduleTierModel
    unschedule_tier_model: UnscheduleTierModel
    activate_tier_model: ActivateTierModel
    carry_out_activations: CarryOutActivations
    retire_tier_model: RetireTierModel
    show_tier_model: ShowTierModel
    announce_tier_model: AnnounceTierModel
    preview_tier_model: PreviewTierModel
    measure_model_effect: MeasureModelEffect
    perform_runs: PerformRuns
    start_shadow: StartShadow
    stop_shadow: StopShadow
    show_shadow: ShowShadow
    lint_tier_model: LintTierModel
    benefits: BenefitCatalogue

    grants: Grants
    benefit_ledger: BenefitLedger
    bulk_grants: BulkGrants
    strategies: StrategyCommands

    verify_receipt: VerifyReceipt
    verifications: Verifications
    tier_models: TierModels

    tail: LogTail
    ledger: LedgerQueries
    ledger_cards: LedgerCards
    cards: UserCardView
    search_segment: SegmentSearch
    read_models: ReadModels
    lags: Callable[[], Mapping[str, Any]]
    nudges: Nudges
    receive_nudges: Callable[[Callable[[], None], Callable[[], None]], NudgeReceiver]
    """Made from what wakes the evaluator and what wakes the projectors."""
    heartbeat: Heartbeat
    open_async_redis: Callable[[], AsyncRedis]

    closers: list[Callable[[], object]]

    def close(self) -> None:
        """Let go of every connection. The servers go on."""
        for close in self.closers:
            close()


def open_fact_file(path: Path, source: str | None = None) -> FactFile:
    """A file of facts, for `record_facts`. Raises FileOfFactsUnreadable."""
    return FactFile(path, source)


def build(
    settings: Settings,
    *,
    parts: Collection[str] | None = None,
    index_prefix: str = "",
    progress: Progress | None = None,
    pool_size: int = 16,
) -> System:
    """Start the embedded servers that are needed and not running, migrate, and wire.

    parts: those that will be used, all when None; Postgres always is. index_prefix: before every OpenSearch index, so
    that several installations share a cluster. Raises PartMissing without Postgres; any other missing part switches
    off only what needs it.
    """
    urls, off = servers(settings, parts, progress)
    migrate(urls["postgres"])
    pool = open_pool(urls["postgres"], max_size=pool_size)
    keyring = Keyring(settings.master_key_bytes() or own_master_key(settings.home))
    models, broker, search = open_redis(urls["redis"]), open_redis(urls["broker"]), open_opensearch(urls["opensearch"])
    clock, nudges = _clock(pool, settings), Nudges(urls["broker"])
    evaluation, answers = PostgresEvaluationLedger(pool, keyring), StoredAnswers(urls["postgres"])
    tail, records = LogTail(pool, keyring), PostgresRecords(pool, keyring)
    ledger, segments = Ledger(pool, keyring), SearchSegment(pool, UserSearchView(search, index_prefix))
    tier_models = PostgresTierModels(pool, keyring, ledger)
    runs, queries = PostgresRuns(pool, keyring), PostgresLedgerQueries(pool, keyring)
    on_tags, tag_jobs = wired_tags(pool, keyring, ledger, tail, runs, evaluation, segments)
    saved = on_tags["segments"].live
    strategies, strategy_jobs = build_strategies(pool, keyring, evaluation, runs, settings, segments, saved)
    health = _health(pool, (models, broker, search), lambda: checked(strategies.look_after), queries, settings)
    collect_rarely()
    return System(
        settings=settings,
        urls=urls,
        off=off,
        pool=pool,
        keyring=keyring,
        redis=models,
        broker=broker,
        opensearch=search,
        outages=OUTAGES,
        clock=clock,
        keys=ApiKeys(pool, _admin_key(settings)),
        one_answer=answers,
        health=health,
        **wired_facts(pool, keyring),
        **wired_users(evaluation, queries),
        bulk_grants=build_bulk_grants(pool, keyring, ledger, evaluation, segments.members, settings),
        benefit_ledger=benefit_ledger(pool, keyring, runs),
        **on_tags | {"strategies": strategies},
        **wired_holds(pool, evaluation, settings),
        import_standings=ImportStandings(PostgresOpenings(pool, keyring, evaluation)),
        **wired_tier_models(pool, keyring, tier_models, runs, settings),
        **_on_giving(pool, keyring, ledger, evaluation, settings),
        perform_runs=PerformRuns(runs, {**_jobs(pool, keyring, tier_models, records), **tag_jobs, **strategy_jobs}),
        verify_receipt=VerifyReceipt(records),
        verifications=Verifications(records, runs, tier_models),
        tier_models=tier_models,
        tail=tail,
        ledger=queries,
        ledger_cards=LedgerCards(pool, keyring),
        cards=UserCardView(models),
        search_segment=segments,
        read_models=build_read_models(pool, tail, models, search, index_prefix),
        lags=LagReader(RedisBoard(models)).lags,
        nudges=nudges,
        receive_nudges=lambda evaluator, projectors: NudgeReceiver(urls["broker"], evaluator, projectors),
        heartbeat=Heartbeat(broker),
        open_async_redis=lambda: open_async_redis(urls["redis"]),
        closers=[health.close, answers.close, nudges.close, models.close, broker.close, search.close, pool.close],
    )


def _health(
    pool: Pool,
    servers: tuple[Redis, Redis, OpenSearch],
    strategies: Callable[[], str],
    queries: PostgresLedgerQueries,
    settings: Settings,
) -> Health:
    asked = checks(pool, *servers, strategies) | approval_tiers.checks(queries, settings.override_approval_from)
    return Health(asked, remedies())


def _jobs(
    pool: Pool, keyring: Keyring, models: PostgresTierModels, records: PostgresRecords
) -> Mapping[str, Callable[[Part], None]]:
    """What does a part of a long question, by its kind."""
    previews = PreviewJob(models, PostgresSnapshots(pool, keyring), issued_benefits(pool), PostgresDependents(pool))
    ours: dict[str, Callable[[Part], None]] = {PREVIEW: previews, VERIFICATION: VerificationJob(records)}
    return {**ours, **ledger_jobs(pool, keyring), **effect_jobs(models, pool, keyring)}


def _on_giving(
    pool: Pool, keyring: Keyring, ledger: Ledger, evaluation: PostgresEvaluationLedger, settings: Settings
) -> dict[str, Any]:
    """What can be given, what is, and what gives by itself, by its name in the system."""
    return {
        "benefits": benefit_catalogue(pool, ledger, settings),
        "grants": build_grants(pool, keyring, ledger, LogTail(pool, keyring), EvaluateUser(evaluation)),
    }


def _clock(pool: Pool, settings: Settings) -> Clock:
    clock = Clock(pool)
    if settings.clock == "manual":
        clock.make_manual()
    return clock


def _admin_key(settings: Settings) -> str | None:
    return settings.admin_key.get_secret_value() if settings.admin_key else None
