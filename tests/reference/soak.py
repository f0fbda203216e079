"""Compares as many random cases as one has patience for, and can go on where it stopped.

    python -m tests.reference.soak --cases 1000000 --state .soak

A case is one subject's whole timeline under some versions of one to three schemes. Every seed makes a batch of them.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.reference.agreement import difference
from tests.reference.cases import make_case
from tests.reference.product import foresee

SUBJECTS = 32
SPANS = (5, 6, 8, 11, 14) * 5 + (40, 90)  # days: most of what happens, happens within a few
_FIRST = 10_000_000
_FORESEEN_DAYS = 40
_SECONDS_BETWEEN_LINES = 10.0


def soak(first: int, cases: int, told: Callable[[int, int], None]) -> str | None:
    """The first difference in `cases` cases of the seeds from `first` on; None when all agree.

    told: called after every seed with the next one and how many cases have agreed so far.
    """
    agreed, seed = 0, first
    while agreed < cases:
        found = difference(make_case(seed, SUBJECTS, SPANS))
        if found is not None:
            return found
        agreed, seed = agreed + SUBJECTS, seed + 1
        told(seed, agreed)
    return None


def main() -> int:
    """Prints the rate as it goes; 1 at the first difference, which it prints in its smallest form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="first", type=int, help="the first seed; default: what the state file says")
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--state", type=Path, help="holds the next seed, for the next run to go on from")
    asked = parser.parse_args()
    first = asked.first
    if first is None:
        first = int(asked.state.read_text()) if asked.state and asked.state.exists() else _FIRST
    foresee(_FORESEEN_DAYS)
    found = soak(first, asked.cases, _Progress(asked.cases, asked.state))
    print(found or f"{asked.cases:,} cases agree", flush=True)
    return 1 if found else 0


class _Progress:
    """Writes the state and, now and then, a line."""

    def __init__(self, cases: int, state: Path | None) -> None:
        self._cases, self._state = cases, state
        self._began = self._said = time.monotonic()

    def __call__(self, seed: int, agreed: int) -> None:
        now = time.monotonic()
        if now - self._said < _SECONDS_BETWEEN_LINES and agreed < self._cases:
            return
        self._said = now
        if self._state:
            self._state.write_text(f"{seed}\n")
        print(f"{agreed:,} of {self._cases:,} agree, {agreed / (now - self._began):,.0f} a second", flush=True)


if __name__ == "__main__":
    sys.exit(main())
