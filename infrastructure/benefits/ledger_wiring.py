"""Wires what is asked of the ledger of benefits."""

from application.benefits.ledger.benefit_ledger import BenefitLedger
from infrastructure.benefits.ledger import PostgresLedgerFigures
from infrastructure.postgres.pool import Pool


def benefit_ledger(pool: Pool) -> BenefitLedger:
    """Over Postgres."""
    return BenefitLedger(figures=PostgresLedgerFigures(pool))
