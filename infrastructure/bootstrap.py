"""The one wiring function: settings in, a system out that can do and answer everything. Used by tests too."""

import secrets
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

from application.compliance.verify_receipt import VerifyReceipt
from application.compliance.verify_receipts import VerifyReceipts
from application.evaluation.evaluate_due import EvaluateDue
from application.evaluation.evaluate_user import EvaluateUser
from application.facts.history_status import GetHistoryStatusHandler
from application.facts.open_history import OpenHistoryHandler
from application.facts.ports import FactKinds
from application.facts.record_facts import RecordFactsHandler
from application.facts.register_fact_kind import RegisterFactKindHandler
from application.facts.seal_history import SealHistoryHandler
from application.idempotency import OneAnswer
from application.overrides.decide_override import ApproveOverride, RejectOverride
from application.overrides.freeze_standing import FreezeStanding
from application.overrides.pin_tier import PinTier
from application.overrides.ports import OverrideRequests
from application.overrides.unfreeze_standing import UnfreezeStanding
from application.overrides.unpin_tier import UnpinTier
from application.queries import LedgerQueries, SegmentSearch
from application.standings.import_standings import ImportStandings
from application.tags.add_tag import AddTag
from application.tags.remove_tag import RemoveTag
from application.tier_models.activate_tier_model import ActivateTierModel
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
from infrastructure.clock import Clock
from infrastructure.compliance.records import PostgresRecords
from infrastructure.dramatiq.nudges import NudgeReceiver, Nudges
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.evaluation.openings import PostgresOpenings
from infrastructure.evaluation.override_requests import PostgresOverrideRequests
from infrastructure.event_store.application import Ledger
from infrastructure.event_store.tail import LogTail
from infrastructure.facts.fact_files import FactFile
from infrastructure.facts.fact_kinds import PostgresFactKinds
from infrastructure.facts.fact_log import PostgresFactLog
from infrastructure.facts.history_sessions import PostgresHistorySessions
from infrastructure.garbage import collect_rarely
from infrastructure.health import Health, PartMissing, PartOff
from infrastructure.learning import LEARNERS
from infrastructure.local_stack.server import Progress
from infrastructure.local_stack.stack import LocalStack
from infrastructure.opensearch.client import open_opensearch
from infrastructure.postgres.migrate import migrate
from infrastructure.postgres.pool import Pool, open_pool
from infrastructure.queries.cards import LedgerCards
from infrastructure.queries.ledger import PostgresLedgerQueries
from infrastructure.queries.segments import SearchSegment
from infrastructure.read_models.wiring import build_read_models
from infrastructure.redis.boards import Heartbeat, RedisBoard, live_workers
from infrastructure.redis.client import open_async_redis, open_redis
from infrastructure.security.api_keys import ApiKeys
from infrastructure.security.keyring import KEY_BYTES, Keyring
from infrastructure.security.one_answer import StoredAnswers
from infrastructure.settings import Settings
from infrastructure.tier_models.store import PostgresTierModels
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

_OWN_SERVERS = {
    "postgres": "TIERLINE_DATABASE_URL",
    "redis": "TIERLINE_REDIS_URL",
    "broker": "TIERLINE_BROKER_URL",
    "opensearch": "TIERLINE_OPENSEARCH_URL",
}
_NOWHERE = {"redis": "redis://127.0.0.1:9/0", "broker": "redis://127.0.0.1:9/0", "opensearch": "http://127.0.0.1:9"}


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
    add_tag: AddTag
    remove_tag: RemoveTag
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
    lint_tier_model: LintTierModel

    verify_receipt: VerifyReceipt
    verify_receipts: VerifyReceipts
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
    urls, off = _servers(settings, parts, progress)
    migrate(urls["postgres"])
    pool = open_pool(urls["postgres"], max_size=pool_size)
    keyring = Keyring(settings.master_key_bytes() or _own_master_key(settings.home))
    models, broker, search = open_redis(urls["redis"]), open_redis(urls["broker"]), open_opensearch(urls["opensearch"])
    clock, nudges = _clock(pool, settings), Nudges(urls["broker"])
    health = Health(_checks(pool, models, broker, search), _remedies())
    kinds, sessions = PostgresFactKinds(pool), PostgresHistorySessions(pool)
    evaluation, answers = PostgresEvaluationLedger(pool, keyring), StoredAnswers(urls["postgres"])
    tail, records = LogTail(pool, keyring), PostgresRecords(pool, keyring)
    tier_models = PostgresTierModels(pool, keyring, Ledger(pool, keyring))
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
        record_facts=RecordFactsHandler(PostgresFactLog(pool, keyring), kinds),
        fact_kinds=kinds,
        register_fact_kind=RegisterFactKindHandler(kinds),
        open_history=OpenHistoryHandler(sessions),
        seal_history=SealHistoryHandler(sessions),
        history_status=GetHistoryStatusHandler(sessions),
        evaluate_due=EvaluateDue(evaluation),
        evaluate_user=EvaluateUser(evaluation),
        add_tag=AddTag(evaluation),
        remove_tag=RemoveTag(evaluation),
        **_on_holds(pool, evaluation, settings),
        import_standings=ImportStandings(PostgresOpenings(pool, keyring, evaluation)),
        **_on_tier_models(tier_models, settings),
        verify_receipt=VerifyReceipt(records),
        verify_receipts=VerifyReceipts(records),
        tier_models=tier_models,
        tail=tail,
        ledger=PostgresLedgerQueries(pool, keyring),
        ledger_cards=LedgerCards(pool, keyring),
        cards=UserCardView(models),
        search_segment=SearchSegment(pool, UserSearchView(search, index_prefix)),
        read_models=build_read_models(pool, tail, models, search, index_prefix),
        lags=LagReader(RedisBoard(models)).lags,
        nudges=nudges,
        receive_nudges=lambda evaluator, projectors: NudgeReceiver(urls["broker"], evaluator, projectors),
        heartbeat=Heartbeat(broker),
        open_async_redis=lambda: open_async_redis(urls["redis"]),
        closers=[health.close, answers.close, nudges.close, models.close, broker.close, search.close, pool.close],
    )


def _on_holds(pool: Pool, ledger: PostgresEvaluationLedger, settings: Settings) -> dict[str, Any]:
    """What people can do to a standing, by its name in the system."""
    requests = PostgresOverrideRequests(pool)
    pin = PinTier(ledger, requests, settings.override_approval_from, settings.approvals)
    return {
        "pin_tier": pin,
        "unpin_tier": UnpinTier(ledger),
        "freeze_standing": FreezeStanding(ledger),
        "unfreeze_standing": UnfreezeStanding(ledger),
        "override_requests": requests,
        "approve_override": ApproveOverride(requests, pin),
        "reject_override": RejectOverride(requests),
    }


def _on_tier_models(models: PostgresTierModels, settings: Settings) -> dict[str, Any]:
    """What can be done with tier models, by its name in the system."""
    return {
        "create_tier_model": CreateTierModel(models),
        "fit_tier_model": FitTierModel(models, LEARNERS),
        "submit_tier_model": SubmitTierModel(models),
        "approve_tier_model": ApproveTierModel(models),
        "reject_tier_model": RejectTierModel(models),
        "schedule_tier_model": ScheduleTierModel(models, settings.approvals, settings.notice_days),
        "unschedule_tier_model": UnscheduleTierModel(models),
        "activate_tier_model": ActivateTierModel(models, settings.approvals),
        "carry_out_activations": CarryOutActivations(models),
        "retire_tier_model": RetireTierModel(models),
        "show_tier_model": ShowTierModel(models),
        "lint_tier_model": LintTierModel(models),
    }


def _clock(pool: Pool, settings: Settings) -> Clock:
    clock = Clock(pool)
    if settings.clock == "manual":
        clock.make_manual()
    return clock


def _admin_key(settings: Settings) -> str | None:
    return settings.admin_key.get_secret_value() if settings.admin_key else None


def _servers(
    settings: Settings, parts: Collection[str] | None, progress: Progress | None
) -> tuple[dict[str, str], dict[str, str]]:
    """URL of every part, and what is off."""
    given = {
        "postgres": settings.database_url,
        "redis": settings.redis_url,
        "broker": settings.broker_url,
        "opensearch": settings.opensearch_url,
    }
    urls = {name: url for name, url in given.items() if url}
    missing = [name for name in given if name not in urls]
    if not missing:
        return urls, {}
    stack = LocalStack(settings.home, settings.cache, settings.opensearch_heap_mb)
    status = stack.up([name for name in missing if parts is None or name in {*parts, "postgres"}], progress)
    off = {server.name: server.detail for server in status.failed}
    if "postgres" in off:
        raise PartMissing("postgres", off["postgres"])
    return _NOWHERE | stack.urls | urls, off


def _own_master_key(home: Path) -> bytes:
    """The embedded installation's master key, made once."""
    path = home / "master.key"
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f"master.key.{secrets.token_hex(4)}"
    draft.touch(mode=0o600)
    draft.write_bytes(secrets.token_bytes(KEY_BYTES))
    try:
        path.hardlink_to(draft)  # whoever comes first wins
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_bytes()


def _checks(pool: Pool, models: Redis, broker: Redis, search: OpenSearch) -> dict[str, Callable[[], str]]:
    def postgres() -> str:
        with pool.connection(timeout=2.0) as connection:
            row = connection.execute("select split_part(version(), ' on ', 1)").fetchone()
        return str(row[0]) if row else ""

    def opensearch() -> str:
        cluster = search.cluster.health(request_timeout=2)
        if cluster["status"] == "red":
            raise PartOff("the cluster's status is red")
        return f"cluster {cluster['cluster_name']} is {cluster['status']}"

    def worker() -> str:
        workers = live_workers(broker)
        if not workers:
            raise PartOff("no worker has said that it lives for five seconds")
        return f"{len(workers)} alive"

    return {
        "postgres": postgres,
        "redis": lambda: f"Redis {models.info('server')['redis_version']}",
        "broker": lambda: f"Redis {broker.info('server')['redis_version']}",
        "opensearch": opensearch,
        "worker": worker,
    }


def _remedies() -> dict[str, str]:
    servers = {
        part: f"`tierline stack up` starts the embedded one, {variable} names one of your own"
        for part, variable in _OWN_SERVERS.items()
    }
    return servers | {"worker": "`tierline run` keeps a worker running, and restarts one that dies"}
