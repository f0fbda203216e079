"""One answer per idempotency key: what a caller sends again does not happen again."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from domain.refusal import Complaint, Refusal


class Answer(NamedTuple):
    """What a write answered: an HTTP-like status and the JSON body."""

    status: int
    body: bytes


class OneAnswer(Protocol):
    """Remembers the answers of writes by the caller's key."""

    def __call__(self, caller: str, key: str, request_hash: bytes, write: Callable[[], Answer]) -> tuple[Answer, bool]:
        """The answer of `write`, run at most once to its end, and whether it was remembered.

        A refusal raised by `write` frees the key again. After a crash half way the write runs anew: every write is
        idempotent on its own. Raises IdempotencyKeyReused, or StillRunning after a bounded wait.
        """
        ...


class IdempotencyKeyReused(Refusal):
    """The key came with another request before."""

    def __init__(self, key: str) -> None:
        super().__init__(
            "This Idempotency-Key was used for another request.",
            Complaint("Idempotency-Key", key, "use a fresh key for each request, and the same one only to repeat it"),
        )


class IdempotencyKeyInvalid(Refusal):
    """The key is empty, too long or not printable."""

    def __init__(self, key: str, longest: int) -> None:
        super().__init__(
            "This Idempotency-Key cannot be kept.",
            Complaint("Idempotency-Key", key[:longest], f"give 1 to {longest} printable ASCII characters"),
        )


class StillRunning(Refusal):
    """The first request with this key has not ended yet."""

    def __init__(self, key: str) -> None:
        super().__init__(
            "The first request with this Idempotency-Key is still running.",
            Complaint("Idempotency-Key", key, "repeat the request in a second"),
        )
