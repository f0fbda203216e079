"""Long work that answers a question, in parts that any number of processes take up, leave and go on with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from uuid import UUID

from domain.refusal import Complaint, Refusal

RunState = Literal["waiting", "running", "done", "failed"]
Finding = tuple[UUID, dict[str, Any]]
"""A subject, and what was found about it (plain values)."""


@dataclass(frozen=True, slots=True)
class Run:
    """A question and how far its answer is. done, total: subjects. results: of each part, as far as it is.

    findings: about single subjects, `user_id` among them; of whom everything was erased there is none.
    """

    run_id: str
    kind: str
    parameters: Mapping[str, Any]
    requested_by: str
    requested_at: int
    state: RunState
    done: int
    total: int
    results: Sequence[Mapping[str, Any]]
    errors: Sequence[str]
    findings: Sequence[Mapping[str, Any]] = field(default_factory=list)


class RunTaken(Exception):
    """Somebody else has gone on with the part: we were silent for too long."""


class Part(Protocol):
    """One part under way."""

    @property
    def run_id(self) -> str:
        """Of the whole."""
        ...

    @property
    def kind(self) -> str:
        """Of question."""
        ...

    @property
    def number(self) -> int:
        """From 0."""
        ...

    @property
    def parts(self) -> int:
        """Of the run."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What was asked."""
        ...

    @property
    def after(self) -> UUID | None:
        """The last subject that was done before, None to begin."""
        ...

    @property
    def result(self) -> Mapping[str, Any]:
        """As kept with it."""
        ...

    def keep(
        self, done: int, total: int, after: UUID | None, result: Mapping[str, Any], findings: Sequence[Finding] = ()
    ) -> None:
        """How far it is. findings: further ones. Raises RunTaken."""
        ...


class Runs(Protocol):
    """All of them."""

    def add(self, kind: str, parameters: Mapping[str, Any], actor: str, parts: int) -> str:
        """Ask; answers the id."""
        ...

    def get(self, run_id: str, kind: str) -> Run:
        """Raises UnknownRun."""
        ...

    def latest(self, kind: str, parameters: Mapping[str, Any], *, state: RunState | None = None) -> Run | None:
        """The last that was asked with these parameters among its own."""
        ...

    def take(self, kinds: Sequence[str], run_id: str | None, kept: Callable[[], None] = lambda: None) -> Part | None:
        """A part that nobody works on, the oldest run's first; None when there is none. kept: told of every keep()."""
        ...

    def end(self, part: Part, error: str = "") -> None:
        """It is done, or failed for good."""
        ...


Job = Callable[[Part], None]
"""Does a part, from where it was left."""


class UnknownRun(Refusal):
    """No run of this kind has this id."""

    def __init__(self, run_id: str, kind: str) -> None:
        super().__init__(
            f"There is no {kind} {run_id[:200]!r}.", Complaint("id", run_id, f"use the id that the {kind} was answered")
        )
