"""Do what long questions ask, a part at a time."""

from collections.abc import Callable, Mapping

from application.runs.ports import Job, Runs, RunTaken
from domain.refusal import Refusal


class PerformRuns:
    """For a worker's loop, and for whoever waits for the answer. Any number may do so at once."""

    def __init__(self, runs: Runs, jobs: Mapping[str, Job]) -> None:
        """jobs: by kind."""
        self._runs, self._jobs = runs, jobs

    def __call__(self, run_id: str | None = None, kept: Callable[[], None] = lambda: None) -> bool:
        """One part (of one run); whether there was any. kept: told whenever it has got on.

        A part that cannot be done says why and is not tried again.
        """
        part = self._runs.take(list(self._jobs), run_id, kept)
        if part is None:
            return False
        try:
            self._jobs[part.kind](part)
        except RunTaken:
            return True
        except Refusal as refusal:
            self._runs.end(part, str(refusal))
        except (ValueError, LookupError, AssertionError, TypeError) as error:
            self._runs.end(part, f"{type(error).__name__}: {error}")
        else:
            self._runs.end(part)
        return True
