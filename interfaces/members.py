"""Members of a segment as texts: a line of NDJSON each, or a row of a table."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

_AT_ONCE = 200  # members in one text


class Counted:
    """Passes on what it is given, and counts it."""

    def __init__(self, members: Iterable[dict[str, Any]]) -> None:
        self._members, self.count = members, 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for member in self._members:
            self.count += 1
            yield member


def ndjson_texts(members: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """The documents, some hundred lines at a time."""
    encode = msgspec.json.Encoder().encode_lines
    chunk: list[dict[str, Any]] = []
    for member in members:
        chunk.append(member)
        if len(chunk) == _AT_ONCE:
            yield encode(chunk)
            chunk = []
    if chunk:
        yield encode(chunk)


def csv_texts(members: Iterable[dict[str, Any]], columns: Sequence[str]) -> Iterator[bytes]:
    """A column a scheme's tier and feature, and the tags, a line each: a tag may hold any other separator.

    A days_since is its last day.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["user_id", *columns, "tags"])
    for number, member in enumerate(members, 1):
        cells = [_cell(member, column) for column in columns]
        writer.writerow([member["user_id"], *cells, "\n".join(member.get("tags", []))])
        if number % _AT_ONCE == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _cell(member: dict[str, Any], column: str) -> Any:
    scheme, _, feature = column.partition(".")
    if scheme == "tier":
        return member["tiers"].get(feature)
    if scheme in ("pinned", "frozen"):
        return member.get(scheme, {}).get(feature)
    if scheme == "tag_value":
        return member.get("tag_values", {}).get(feature)
    found = member["features"].get(scheme, {}).get(feature)
    return member.get("days", {}).get(scheme, {}).get(feature) if found is None else found
