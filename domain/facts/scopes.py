"""Facts by scope: those of each subject and value of an attribute, such as the merchant, as subjects of their own."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.facts.table import VOID, FactTable, Int64s


@dataclass(frozen=True, slots=True)
class Scopes:
    """Each (subject, value) that facts name, by subject and code point, as one subject of `table`.

    owner: its subject in the table that it was made of; value: that of the attribute.
    """

    table: FactTable
    owner: npt.NDArray[np.int32]
    value: tuple[str, ...]


def scopes_of(table: FactTable, attribute: str, also: Iterable[tuple[int, str]] = ()) -> Scopes:
    """Facts that carry the attribute as a text, one subject a value. Its attributes must have been read. Voids carry
    nothing: what they void is gone from its scope in any case. also: (subject, value) pairs that need no fact."""
    rows, pairs = [], []
    voids = table.is_kind(VOID)
    for row, attributes in enumerate(table.attributes.tolist()):
        value = attributes.get(attribute) if attributes else None
        if isinstance(value, str) and value and not voids[row]:
            rows.append(row)
            pairs.append((int(table.subject[row]), value))
    scopes = sorted({*pairs, *also})
    number = {pair: index for index, pair in enumerate(scopes)}
    subject = np.array([number[pair] for pair in pairs], dtype=np.int32)
    order = np.argsort(subject, kind="stable")  # rows stay by occurred_at and position
    picked: Int64s = np.array(rows, dtype=np.int64)[order]
    return Scopes(
        table.taken(picked, subject[order], len(scopes)),
        np.array([owner for owner, _ in scopes], dtype=np.int32),
        tuple(value for _, value in scopes),
    )
