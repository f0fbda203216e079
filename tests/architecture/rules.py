"""The house's rules that no linter knows, each a function from a tree's root to the list of its violations."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOMS = ("domain", "application", "projections", "interfaces", "infrastructure")
_TREES = (*ROOMS, "tests", "benchmarks", "examples")
_FILE_LINES = 400
_FUNCTION_LINES = 70
_VAGUE = {"service", "manager", "helper", "helpers", "utils", "common", "base", "core", "handlers", "models"}
_CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"}
STORED_NAME = re.compile(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*\.v[1-9][0-9]*")


def long_files(root: Path) -> list[str]:
    """Files of more than 400 lines."""
    counted = ((path, len(path.read_text().splitlines())) for path in _sources(root, _TREES))
    return [f"{path.relative_to(root)}: {lines} lines" for path, lines in counted if lines > _FILE_LINES]


def long_functions(root: Path) -> list[str]:
    """Functions of more than 70 lines."""
    return [
        f"{path.relative_to(root)}: {node.name} has {lines} lines"
        for path in _sources(root, _TREES)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > _FUNCTION_LINES
    ]


def vague_names(root: Path) -> list[str]:
    """Files and folders whose name says nothing."""
    paths = {part for path in _sources(root, _TREES) for part in (path, path.parent)}
    return sorted(str(path.relative_to(root)) for path in paths if path.stem in _VAGUE)


def readers_of_the_environment(root: Path) -> list[str]:
    """Files of the product, settings.py apart, that read environment variables."""
    return [
        str(path.relative_to(root))
        for path in _sources(root, ROOMS)
        if path != root / "infrastructure" / "settings.py"
        if re.search(r"\b(os\.environ|os\.getenv|from os import .*\b(environ|getenv)\b)", path.read_text())
    ]


def clocks_in_the_domain(root: Path) -> list[str]:
    """Calls in the domain that ask what time it is."""
    return [
        f"{path.relative_to(root)}:{node.lineno}: {node.func.attr}()"
        for path in _sources(root, ("domain",))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in _CLOCKS and ast.unparse(node.func.value).split(".")[-1] in {"datetime", "date", "time"}
    ]


def rooms_without_a_rule(root: Path, protected: set[str], open_rooms: set[str]) -> list[str]:
    """Modules and packages of infrastructure that no import rule speaks of."""
    folder = root / "infrastructure"
    rooms = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    return sorted(rooms - {"__init__"} - open_rooms - {name.removeprefix("infrastructure.") for name in protected})


def read_models_without_a_rule(root: Path, apart: set[str]) -> list[str]:
    """Read models that the independence rule does not name."""
    folders = {path.parent.name for path in (root / "projections").glob("*/projector.py")}
    return sorted(folders - {name.removeprefix("projections.") for name in apart})


def bad_event_names(topics: dict[str, str | None], allowed: set[str]) -> list[str]:
    """`topics`: stored name by event class. Names that are not explicit and stable, or not in the allow-list."""
    return [
        f"{event_class}: {topic}"
        for event_class, topic in topics.items()
        if topic is None or not STORED_NAME.fullmatch(topic) or topic not in allowed
    ]


def _sources(root: Path, trees: tuple[str, ...]) -> Iterator[Path]:
    for tree in trees:
        yield from sorted((root / tree).rglob("*.py"))
