"""What can be done with facts, wired."""

from typing import Any

from application.facts.history_status import GetHistoryStatusHandler
from application.facts.open_history import OpenHistoryHandler
from application.facts.record_facts import RecordFactsHandler
from application.facts.register_fact_kind import RegisterFactKindHandler
from application.facts.seal_history import SealHistoryHandler
from infrastructure.facts.fact_kinds import PostgresFactKinds
from infrastructure.facts.fact_log import PostgresFactLog
from infrastructure.facts.history_sessions import PostgresHistorySessions
from infrastructure.postgres.pool import Pool
from infrastructure.security.keyring import Keyring
from infrastructure.strategies.references import PostgresReferences


def wired_facts(pool: Pool, keyring: Keyring) -> dict[str, Any]:
    """What can be done with facts, by its name in the system."""
    kinds, sessions = PostgresFactKinds(pool), PostgresHistorySessions(pool)
    return {
        "record_facts": RecordFactsHandler(PostgresFactLog(pool, keyring), kinds, PostgresReferences(pool)),
        "fact_kinds": kinds,
        "register_fact_kind": RegisterFactKindHandler(kinds),
        "open_history": OpenHistoryHandler(sessions),
        "seal_history": SealHistoryHandler(sessions),
        "history_status": GetHistoryStatusHandler(sessions),
    }
