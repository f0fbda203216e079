"""Reads YAML or JSON text into plain values that remember their place in the text.

A small, safe part of YAML: no anchors, tags or merge keys, no second document, no key twice, bounded size and depth.
Plain words follow YAML 1.2: only true and false are booleans, so `on`, `no` and `2017-01-01` stay text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from domain.refusal import Refusal
from domain.tier_model.spec.faults import Fault

Path = tuple[str | int, ...]
Refuse = Callable[[list[Fault]], Refusal]
"""Makes the refusal of a text with these faults."""
MAX_CHARACTERS = 100_000
MAX_DEPTH = 20

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]{1,3})?")
_WORDS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NULLS = {"", "~", "null", "Null", "NULL"}


@dataclass(slots=True)
class Source:
    """What was read: the data, and for each path the line and column (from 1) of its key, or of its item in a list."""

    text: str
    data: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    starts: dict[Path, int] = field(default_factory=dict)  # offsets of scalars in the text, behind an opening quote

    def place(self, path: Path) -> tuple[int, int] | tuple[None, None]:
        """Line and column of a path, or of the nearest one around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return None, None

    def place_within(self, path: Path, written: str, line: int, column: int) -> tuple[int, int] | tuple[None, None]:
        """The place in the file of a place (from 1) in a text value; the value's own where it is folded or escaped."""
        start = self.starts.get(path)
        if start is None or not self.text.startswith(written, start):
            return self.place(path)
        offset = start + sum(len(part) for part in written.splitlines(keepends=True)[: line - 1]) + column - 1
        before = self.text[:offset]
        return before.count("\n") + 1, offset - before.rfind("\n")


def read_source(text: str | bytes, keys: str, refuse: Refuse) -> Source:
    """YAML or JSON to a Source. keys: those that a definition has at least, for remedies.

    Raises what refuse makes, with the place of what cannot be read.
    """
    try:
        return _Reader(_decoded(text), keys).read()
    except _Unreadable as problem:
        raise refuse([problem.fault]) from None


class _Unreadable(Exception):
    """Carries a fault out of the reader."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def _decoded(text: str | bytes) -> str:
    if isinstance(text, bytes):
        if len(text) > 4 * MAX_CHARACTERS:
            raise _invalid("is too long", f"Write at most {MAX_CHARACTERS:,} characters")
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as problem:
            raise _invalid(f"is not UTF-8 (byte {problem.start})", "Save the file as UTF-8") from None
    if len(text) > MAX_CHARACTERS:
        raise _invalid("is too long", f"Write at most {MAX_CHARACTERS:,} characters")
    text = text.removeprefix("\ufeff")
    # JSON may be indented with tabs, which YAML refuses; outside of strings a space says the same in the same column.
    return text.replace("\t", " ") if text.lstrip().startswith("{") else text


def _invalid(message: str, remedy: str, mark: Any = None, path: Path = (), value: Any = None) -> _Unreadable:
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
    return _Unreadable(Fault(".".join(map(str, path)), line, column, value, message, remedy))


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read."""

    path: Path
    holder: Any
    key: str | None = None


class _Reader:
    """Builds values from YAML events, one after the other, without recursion."""

    def __init__(self, text: str, keys: str) -> None:
        self.source = Source(text)
        self.keys = keys
        self.open: list[_Open] = []
        self.documents = 0

    def read(self) -> Source:
        try:
            for event in yaml.parse(self.source.text, Loader=yaml.SafeLoader):
                self._take(event)
        except yaml.MarkedYAMLError as problem:
            said = problem.problem or "it cannot be read"
            raise _invalid(
                f"is not YAML: {said}",
                "Check quotes, colons and indentation",
                problem.problem_mark,
            ) from None
        except yaml.YAMLError as problem:
            raise _invalid(
                "is not YAML: it has a character that is not text",
                "Remove it",
                value=str(problem),
            ) from None
        except (ValueError, IndexError, OverflowError):
            raise _invalid("is not YAML: an escape in it is broken", "Check the quoted texts") from None
        if not self.documents:
            raise _invalid("is empty", f"Write {self.keys}")
        return self.source

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise _invalid(
                    "is a second document",
                    "Keep one definition in one file",
                    event.start_mark,
                )
        elif isinstance(event, yaml.AliasEvent):
            raise _invalid(
                "uses an alias (*)",
                "Write the value out",
                event.start_mark,
                self._path_here(),
            )
        elif isinstance(event, yaml.NodeEvent):
            if event.anchor is not None or getattr(event, "tag", None) not in (
                None,
                "!",
            ):
                raise _invalid(
                    "uses an anchor (&) or a tag (!)",
                    "Write the plain value",
                    event.start_mark,
                    self._path_here(),
                )
            self._node(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.open.pop()

    def _node(self, event: Any) -> None:
        top = self.open[-1] if self.open else None
        if top is not None and isinstance(top.holder, dict) and top.key is None:
            self._key(top, event)
            return
        path = self._path_here()
        if top is None or isinstance(top.holder, list):
            self.source.places[path] = _place(event)
        if isinstance(event, yaml.ScalarEvent):
            self.source.starts[path] = _start(event)
            self._put(top, self._scalar(event, path))
            return
        if len(self.open) >= MAX_DEPTH:
            raise _invalid(
                "is nested too deeply",
                f"Write at most {MAX_DEPTH} levels",
                event.start_mark,
                path[:3],
            )
        holder: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(top, holder)
        self.open.append(_Open(path, holder))

    def _key(self, top: _Open, event: Any) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise _invalid(
                "has a key that is not text",
                "Use plain words as keys",
                event.start_mark,
                top.path,
            )
        key = _joined(event.value) if event.style in ("'", '"') else event.value
        if not isinstance(key, str) or "\0" in key or (key == "<<" and event.style is None):
            raise _invalid(
                "has a key that cannot be used",
                "Use plain words as keys",
                event.start_mark,
                top.path,
            )
        if key in top.holder:
            raise _invalid("is there twice", "Keep one", event.start_mark, (*top.path, key))
        top.key = key
        self.source.places[(*top.path, key)] = _place(event)

    def _scalar(self, event: Any, path: Path) -> Any:
        value = _joined(event.value)
        if value is None:
            raise _invalid(
                "has half a character in it",
                "Write the whole character",
                event.start_mark,
                path,
            )
        if "\0" in value:
            raise _invalid("has U+0000 in it", "Remove it: it cannot be stored", event.start_mark, path)
        return value if event.style is not None else _resolved(value)

    def _put(self, top: _Open | None, value: Any) -> None:
        if top is None:
            self.source.data = value
        elif isinstance(top.holder, list):
            top.holder.append(value)
        else:
            top.holder[top.key] = value
            top.key = None

    def _path_here(self) -> Path:
        if not self.open:
            return ()
        top = self.open[-1]
        return (
            (*top.path, len(top.holder))
            if isinstance(top.holder, list)
            else (*top.path, *([top.key] if top.key else []))
        )


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _start(event: Any) -> int:
    return int(event.start_mark.index) + (event.style in ("'", '"'))


def _joined(text: str) -> str | None:
    """JSON spells some characters as two halves: join them. None when one is alone."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


def _resolved(word: str) -> Any:
    """A plain scalar by the rules of YAML 1.2's core schema (numbers with leading zeros and hexadecimals stay text)."""
    if word in _NULLS:
        return None
    if word in _WORDS:
        return _WORDS[word]
    if _INTEGER.fullmatch(word):
        return int(word)
    return float(word) if _FLOAT.fullmatch(word) else word
