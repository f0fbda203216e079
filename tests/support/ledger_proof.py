"""The ledger of benefits held against its events, in this process."""

from typing import Any

from application.benefits.ledger.verifications import LEDGER_VERIFICATION, LedgerVerificationJob, LedgerVerifications
from application.benefits.ledger.verifications import shown as as_answered
from application.runs.perform_runs import PerformRuns
from infrastructure.benefits.ledger_records import PostgresLedgerRecords
from infrastructure.postgres.pool import Pool
from infrastructure.runs.store import PostgresRuns
from infrastructure.security.keyring import Keyring


def proof_of(pool: Pool, keyring: Keyring, user_id: str | None = None) -> dict[str, Any]:
    """What a whole verification finds."""
    records, runs = PostgresLedgerRecords(pool, keyring), PostgresRuns(pool, keyring)
    verifications = LedgerVerifications(records, runs)
    perform = PerformRuns(runs, {LEDGER_VERIFICATION: LedgerVerificationJob(records)})
    run_id = verifications.ask("test", user_id).run_id
    while perform(run_id):
        pass
    return as_answered(verifications.get(run_id))


def problems_of(found: dict[str, Any]) -> set[str]:
    """Names of what was found."""
    return {name for name, count in found["problems"].items() if count}
