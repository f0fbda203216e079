"""Files with a header and a row a line, as people keep them in spreadsheets."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import typer

from domain.facts.instants import parse_instant


class CellInvalid(Exception):
    """A cell that cannot be read: its column, its text, and what to do."""

    def __init__(self, field: str, value: object, remedy: str) -> None:
        self.field, self.value, self.remedy = field, value, remedy
        super().__init__(f"{field} {value!r}: {remedy}")


def read_rows(path: Path, required: Sequence[str], optional: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """(line number, cells without the spaces around them) of a CSV file, in UTF-8. A missing cell is empty.

    Raises BadParameter for a header that lacks a column or has one that nobody knows, and for what is no text.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            header = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = header
            _require(path, header, required, optional)
            for row in reader:
                cells = {name: (row.get(name) or "").strip() for name in (*required, *optional)}
                if any(cells.values()):
                    yield reader.line_num, cells
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{path} is not UTF-8: save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise typer.BadParameter(f"{path} is not CSV: {error}") from None


def instant_in(cells: Mapping[str, str], field: str) -> int | None:
    """RFC 3339 to microseconds; None for an empty cell. Raises CellInvalid."""
    if not cells[field]:
        return None
    try:
        return parse_instant(cells[field])
    except ValueError as error:
        raise CellInvalid(field, cells[field], str(error)) from None


def text_in(cells: Mapping[str, str], field: str) -> str:
    """Raises CellInvalid for an empty cell."""
    if not cells[field]:
        raise CellInvalid(field, "", "is required: give it")
    return cells[field]


def _require(path: Path, header: Sequence[str], required: Sequence[str], optional: Sequence[str]) -> None:
    missing = [name for name in required if name not in header]
    unknown = [name for name in header if name not in (*required, *optional)]
    if missing or unknown or len(set(header)) < len(header):
        wrong = f"lacks {missing[0]!r}" if missing else f"has {unknown[0]!r}" if unknown else "names a column twice"
        columns = ", ".join([*required, *(f"[{name}]" for name in optional)])
        raise typer.BadParameter(f"the first line of {path} {wrong}: its columns are {columns}")
