"""How far the rule of a tag is: held against everybody, and following what changes since."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from application.reactions.when_a_subject_changes_its_rule_tags_follow import RULE_TAG
from application.runs.ports import Runs
from domain.facts.instants import format_instant


@dataclass(frozen=True, slots=True)
class RuleState:
    """state: of the run over everybody, `waiting` before it is asked for. followed: the position that following has
    reached, None before it has begun; behind: positions from there to the log's head."""

    state: str
    asked_at: str | None
    users_done: int
    users: int
    changed: int
    errors: list[str]
    followed: int | None
    behind: int | None

    def to_json(self) -> dict[str, Any]:
        """As answered."""
        return asdict(self)


class RuleStates:
    """Asked of one tag and revision."""

    def __init__(self, runs: Runs, place: Callable[[], tuple[int | None, int]]) -> None:
        """place: how far following is (None: not begun), and the log's head."""
        self._runs, self._place = runs, place

    def __call__(self, tag: str, revision: int) -> RuleState:
        """As of now."""
        run = self._runs.latest(RULE_TAG, {"tag": tag, "revision": revision})
        followed, head = self._place()
        behind = None if followed is None else max(head - followed, 0)
        if run is None:
            return RuleState("waiting", None, 0, 0, 0, [], followed, behind)
        changed = sum(int(result.get("changed", 0)) for result in run.results)
        asked_at = format_instant(run.requested_at)
        return RuleState(run.state, asked_at, run.done, run.total, changed, list(run.errors), followed, behind)
