"""What is done again where others were in the way."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
ATTEMPTS = 5


def persisting(work: Callable[[], T], passing: tuple[type[Exception], ...], attempts: int = ATTEMPTS) -> T:
    """What the work answers, one whole transaction: done again after errors that pass, so many times in all."""
    for _ in range(attempts - 1):
        try:
            return work()
        except passing:
            continue
    return work()
