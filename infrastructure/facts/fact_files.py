"""Files of facts: NDJSON (plain or gzip), CSV, Parquet. Each is read as a stream, whatever its size."""

import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from application.facts.record_facts import Sent
from domain.refusal import Complaint, Refusal

if TYPE_CHECKING:  # slow to load, and only tables need it
    import duckdb

_FIELDS = frozenset({"fact_id", "user_id", "kind", "occurred_at", "source", "amount", "currency"})
_JSON_FIELDS = frozenset({"attributes", "lines"})
_ROWS_AT_ONCE = 2_500
_NDJSON = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")

Converter = Callable[[Any], Any]


class FileOfFactsUnreadable(Refusal):
    """A file that cannot be read as facts at all."""

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        super().__init__(f"{path} cannot be read: {reason}.", Complaint("file", str(path), remedy))


class FactFile:
    """Iterate over it for its facts as sent. done, of size: how much is read; both in bytes, or in rows of a table.

    A CSV or Parquet table has a column for each field; `attributes` and `lines` hold JSON text or nested values, and
    every other column is an attribute (`attributes.NAME` too). A CSV attribute is text unless its column says
    otherwise: `NAME:int`, `NAME:float`, `NAME:bool`. An empty cell is a field left out. source: for facts without one.
    """

    def __init__(self, path: Path, source: str | None = None) -> None:
        self.path, self.done = path, 0
        self._source = source
        if not path.is_file():
            raise FileOfFactsUnreadable(path, "there is no such file", "give the path of a file")
        self._is_text = path.name.endswith(_NDJSON)
        if not self._is_text and path.suffix not in (".csv", ".parquet"):
            endings = ", ".join((*_NDJSON, ".csv", ".parquet"))
            raise FileOfFactsUnreadable(path, "its ending says nothing", f"use one of {endings}")
        self.size = path.stat().st_size if self._is_text else self._count()

    def __iter__(self) -> Iterator[Sent]:
        facts = self._lines() if self._is_text else self._rows()
        if self._source is None:
            return facts
        source = self._source
        return (_with_source(fact, source) for fact in facts)

    def _lines(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as raw, _unzipped(raw, self.path) as lines:
                for number, line in enumerate(lines):
                    if number % _ROWS_AT_ONCE == 0:
                        self.done = raw.tell()
                    yield line
                self.done = self.size
        except (OSError, EOFError) as error:
            raise FileOfFactsUnreadable(self.path, str(error), "check the file, and import it again") from error

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        import duckdb

        try:
            with duckdb.connect() as connection:
                answer = connection.execute(f"select {self._columns(connection)} from {self._table()}")
                columns = [_column(name[0], self.path.suffix == ".csv") for name in answer.description or ()]
                while rows := answer.fetchmany(_ROWS_AT_ONCE):
                    for row in rows:
                        yield _row_to_sent(columns, row)
                    self.done += len(rows)
        except duckdb.Error as error:
            raise self._no_table(error) from error

    def _count(self) -> int:
        import duckdb

        try:
            with duckdb.connect() as connection:
                row = connection.execute(f"select count(*) from {self._table()}").fetchone()
        except duckdb.Error as error:
            raise self._no_table(error) from error
        return int(row[0]) if row else 0

    def _table(self) -> str:
        path = str(self.path).replace("'", "''")
        if self.path.suffix == ".csv":
            return f"read_csv('{path}', all_varchar = true, header = true)"
        return f"read_parquet('{path}')"

    def _columns(self, connection: "duckdb.DuckDBPyConnection") -> str:
        """Instants with a zone as UTC text, whatever zone this machine is in."""
        columns = []
        for name, kind, *_ in connection.execute(f"describe select * from {self._table()}").fetchall():
            quoted = '"' + str(name).replace('"', '""') + '"'
            text = f"strftime({quoted} at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') as {quoted}"
            columns.append(text if kind == "TIMESTAMP WITH TIME ZONE" else quoted)
        return ", ".join(columns)

    def _no_table(self, error: Exception) -> FileOfFactsUnreadable:
        return FileOfFactsUnreadable(self.path, str(error).splitlines()[0], "check that it is a table with a header")


def _unzipped(raw: IO[bytes], path: Path) -> IO[bytes]:
    return io.BufferedReader(gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw


def _with_source(fact: Sent, source: str) -> Sent:
    if isinstance(fact, bytes):
        try:
            value = json.loads(fact)
        except ValueError:
            return fact
        if not isinstance(value, dict):
            return fact
        fact = value
    return {**fact, "source": source} if fact.get("source") is None else fact


def _column(header: str, typed_by_header: bool) -> tuple[str, str, Converter]:
    """(field, attribute or '', how to read a cell)."""
    if header in _JSON_FIELDS:
        return header, "", _nested
    if header in _FIELDS:
        return header, "", _whole if header == "amount" and typed_by_header else _plain
    name = header.removeprefix("attributes.")
    bare, _, kind = name.rpartition(":")
    if typed_by_header and bare and kind in _CONVERTERS:
        return "attributes", bare, _CONVERTERS[kind]
    return "attributes", name, _plain


def _row_to_sent(columns: list[tuple[str, str, Converter]], row: tuple[Any, ...]) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for (field, attribute, convert), cell in zip(columns, row, strict=True):
        if cell is None:
            continue
        if attribute:
            attributes[attribute] = convert(cell)
        else:
            sent[field] = convert(cell)
    if attributes:
        nested = sent.get("attributes", {})
        sent["attributes"] = {**nested, **attributes} if isinstance(nested, dict) else nested
    return sent


def _plain(cell: Any) -> Any:
    """A table's own value as JSON has it."""
    if isinstance(cell, datetime):
        return (cell if cell.tzinfo is None else cell.astimezone(UTC)).isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return int(cell) if cell == cell.to_integral_value() and cell.as_tuple().exponent == 0 else float(cell)
    return cell


def _nested(cell: Any) -> Any:
    """JSON text, or a value that is nested already; text that is no JSON is left for the check to refuse."""
    if isinstance(cell, str):
        try:
            return json.loads(cell)
        except ValueError:
            return cell
    if isinstance(cell, dict):
        return {name: _plain(item) for name, item in cell.items() if item is not None}
    if isinstance(cell, list):
        return [_nested(item) if isinstance(item, dict) else _plain(item) for item in cell]
    return cell


def _whole(cell: str) -> int | float | str:
    """A number as it is spelt; what is none stays text, for the check to refuse."""
    for read in (int, float):
        try:
            return read(cell)
        except ValueError:
            continue
    return cell


def _float(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


def _bool(cell: str) -> bool | str:
    return {"true": True, "false": False}.get(cell.strip().lower(), cell)


_CONVERTERS: Mapping[str, Converter] = {"int": _whole, "float": _float, "bool": _bool}
