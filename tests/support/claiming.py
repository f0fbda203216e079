"""`python -m tests.support.claiming DSN SHARE SHARES CLAIMS`: a process that claims for its share of users, once for
each, under a name of its own for each; a line for every answer. Killed, it may be run again with the same names."""

import sys
from concurrent.futures import ThreadPoolExecutor

from application.benefits.grant_benefit import GrantBenefit, grant_id_of
from domain.benefits.granting import GrantWanted
from domain.benefits.refusals import BudgetExhausted, StockExhausted
from infrastructure.benefits.desk import PostgresGrantDesk
from tests.support.ledger import LedgerSystem

_THREADS = 4


def claim(grant: GrantBenefit, number: int) -> str:
    """`granted`, or `refused`."""
    command_id = f"claimant/{number}"
    wanted = GrantWanted(
        grant_id_of(command_id), f"claimant-{number}", "coupon-10", actor="test", command_id=command_id
    )
    try:
        grant(wanted)
    except (BudgetExhausted, StockExhausted):
        return "refused"
    return "granted"


def main(dsn: str, share: int, shares: int, claims: int) -> None:
    """All claims of the share."""
    with LedgerSystem(dsn) as system, ThreadPoolExecutor(_THREADS) as threads:
        grant = GrantBenefit(PostgresGrantDesk(system.pool, system.keyring), system.evaluate_user)
        numbers = range(share, claims, shares)
        for number, answer in zip(numbers, threads.map(lambda number: claim(grant, number), numbers), strict=True):
            print(number, answer, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
