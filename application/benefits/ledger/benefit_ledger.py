"""What is asked of the ledger of benefits."""

from dataclasses import dataclass

from application.benefits.ledger.ports import LedgerFigures
from application.benefits.ledger.verifications import LedgerVerifications


@dataclass(frozen=True, slots=True)
class BenefitLedger:
    """Sums over grants and their moves, and the proof that these are what the events say."""

    figures: LedgerFigures
    verifications: LedgerVerifications
