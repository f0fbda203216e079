"""Lists of users as they are sent: CSV or NDJSON, line by line, of any length."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from application.bulk_grants.ports import Listed

ListFormat = Literal["csv", "ndjson"]
COLUMN = "user_id"


def listed(lines: Iterable[bytes], written: ListFormat) -> Iterator[Listed]:
    """Each line that is not empty. CSV: a column user_id under a heading, or one column without; NDJSON: a text, or an
    object with user_id."""
    return _csv(lines) if written == "csv" else _ndjson(lines)


def listed_ids(user_ids: Iterable[str]) -> Iterator[Listed]:
    """A list that was sent as one."""
    return (_named(number, user_id) for number, user_id in enumerate(user_ids, 1))


def _csv(lines: Iterable[bytes]) -> Iterator[Listed]:
    column: int | None = None
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            cells = next(csv.reader([text]), [])
        except UnicodeDecodeError:
            yield Listed(number, "", "is not UTF-8")
            continue
        except csv.Error:
            yield Listed(number, "", "is no CSV")
            continue
        if not text:
            continue
        if column is None:
            headings = [cell.strip().lower() for cell in cells]
            column = headings.index(COLUMN) if COLUMN in headings else 0
            if COLUMN in headings:
                continue
        yield _named(number, cells[column]) if column < len(cells) else Listed(number, "", "has too few columns")


def _ndjson(lines: Iterable[bytes]) -> Iterator[Listed]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found: Any = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            yield Listed(number, "", "is no JSON")
            continue
        user_id = found.get(COLUMN) if isinstance(found, dict) else found
        yield _named(number, user_id) if isinstance(user_id, str) else Listed(number, "", "names no user_id")


def _named(number: int, user_id: str) -> Listed:
    found = user_id.strip()
    if not found:
        return Listed(number, "", "names no user_id")
    if "\0" in found:  # no text in the database holds one
        return Listed(number, "", "is no user_id")
    return Listed(number, found)
