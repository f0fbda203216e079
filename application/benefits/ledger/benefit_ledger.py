"""What is asked of the ledger of benefits."""

from dataclasses import dataclass

from application.benefits.ledger.ports import LedgerFigures


@dataclass(frozen=True, slots=True)
class BenefitLedger:
    """Sums over grants and their moves."""

    figures: LedgerFigures
