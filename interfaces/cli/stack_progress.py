"""What is shown on standard error while servers start: a line each on a terminal, plain lines elsewhere."""

import threading
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class StackProgress:
    """A context manager whose value is the `progress` callback of the local stack. Safe to call from many threads."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.fields[part]:<10}"),
            TextColumn("{task.description:<28}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._said: dict[str, str] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, part: str, what: str, share: float | None) -> None:
        """`share` done of `what`, 0 to 1; None when nobody can tell."""
        with self._lock:
            if self._console.is_terminal:
                self._draw(part, what, share)
            elif self._said.get(part) != what:
                self._said[part] = what
                self._console.print(f"{part}: {what}", highlight=False)

    def _draw(self, part: str, what: str, share: float | None) -> None:
        if part not in self._tasks:
            self._tasks[part] = self._bars.add_task("", part=part, total=None)
        self._bars.update(
            self._tasks[part], description=what, total=None if share is None else 1.0, completed=share or 0
        )
