"""Which facts of a subject were seen by when, and the running hash over them that receipts carry."""

import hashlib
from bisect import bisect_left, bisect_right

import numpy as np

from domain.facts.table import FactTable, Seen, sorted_rows

_NOTHING = Seen(0, bytes(32))


def seen_hashes(contents: bytes, last: bytes = _NOTHING.hash) -> list[bytes]:
    """`last`, and the running SHA-256 after each of the content hashes (32 bytes each, in the order seen)."""
    hashes, sha256 = [last], hashlib.sha256
    for start in range(0, len(contents), 32):
        last = sha256(last + contents[start : start + 32]).digest()
        hashes.append(last)
    return hashes


class FactsSeen:
    """How many facts a subject's decisions had seen by an instant, and the running SHA-256 over them.

    Facts count from max(occurred_at, known_at) on, voids and voided facts too; order: that instant, then position.
    """

    def __init__(self, table: FactTable) -> None:
        visible = np.maximum(table.occurred_at, table.known_at)
        self._order = sorted_rows(table.subject, visible, table.position)
        self._listed: list[int] = visible[self._order].tolist()
        self._starts: list[int] = table.starts().tolist()
        self._table = table
        self._hashes: dict[int, list[bytes]] = {}

    def count(self, subject: int, instant: int) -> int:
        """Facts seen at the instant."""
        low, high = self._starts[subject], self._starts[subject + 1]
        return bisect_right(self._listed, instant, low, high) - low

    def digest(self, subject: int, count: int) -> str:
        """Running hash over the first `count` facts, in hex; not fewer than the table's `seen` says."""
        known = self._table.seen.get(subject, _NOTHING)
        hashes = self._hashes.get(subject)
        if hashes is None:
            rows = self._order[self._starts[subject] + known.facts : self._starts[subject + 1]]
            hashes = self._hashes[subject] = seen_hashes(self._table.content_hash[rows].tobytes(), known.hash)
        assert count >= known.facts, "a receipt asks for facts whose hashes were not read"
        return hashes[count - known.facts].hex()

    def newest(self, subject: int, instant: int) -> list[int]:
        """Table rows of the facts that became visible at exactly this instant."""
        low, high = self._starts[subject], self._starts[subject + 1]
        last = bisect_right(self._listed, instant, low, high)
        first = bisect_left(self._listed, instant, low, last)
        return self._order[first:last].tolist() if last > first else []
