"""Wires what is asked of the ledger of benefits."""

from collections.abc import Mapping

from application.benefits.ledger.benefit_ledger import BenefitLedger
from application.benefits.ledger.verifications import LEDGER_VERIFICATION, LedgerVerificationJob, LedgerVerifications
from application.runs.ports import Job, Runs
from infrastructure.benefits.ledger import PostgresLedgerFigures
from infrastructure.benefits.ledger_records import PostgresLedgerRecords
from infrastructure.postgres.pool import Pool
from infrastructure.security.keyring import Keyring


def benefit_ledger(pool: Pool, keyring: Keyring, runs: Runs) -> BenefitLedger:
    """Over Postgres."""
    return BenefitLedger(
        figures=PostgresLedgerFigures(pool),
        verifications=LedgerVerifications(PostgresLedgerRecords(pool, keyring), runs),
    )


def ledger_jobs(pool: Pool, keyring: Keyring) -> Mapping[str, Job]:
    """What does a part of a verification, by its kind."""
    return {LEDGER_VERIFICATION: LedgerVerificationJob(PostgresLedgerRecords(pool, keyring))}
