"""A strategy for many at once: looked at first, then done, rested, broken off, and taken back."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from application.runs.ports import Run, Runs
from application.strategies.bulk_ports import (
    BulkAssignment,
    BulkAssignmentCannot,
    BulkAssignmentInvalid,
    BulkLedger,
    BulkNeedsAnother,
    BulkWanted,
    Mode,
    SegmentNoCondition,
)
from application.strategies.ports import AssignmentDesk, Strategies
from domain.facts.instants import format_instant
from domain.segments.definition import SegmentSpec
from domain.strategies.refusals import StrategyNotRunning, StrategyOver, UnknownArm
from domain.strategies.spec import GrantBenefit, Scheduled, StrategySpec
from domain.strategies.timing import next_round
from domain.tier_model.reviewing import require_words

BULK_ASSIGNMENT = "bulk-assignment"
PARTS = 4


class AssignInBulk:
    """What people do; whoever performs runs does the work."""

    def __init__(
        self,
        strategies: Strategies,
        desk: AssignmentDesk,
        ledger: BulkLedger,
        runs: Runs,
        approvals: str,
        second_person_from: int | None,
        segment_of: Callable[[str], SegmentSpec],
    ) -> None:
        """second_person_from: how many users need a second person; None: never. Under admin-may-skip (approvals) an
        admin needs none. segment_of: a saved one, raises UnknownDefinition, DefinitionRetired."""
        self._segment_of = segment_of
        self._strategies, self._desk, self._ledger, self._runs = strategies, desk, ledger, runs
        self._may_skip, self._from = approvals == "admin-may-skip", second_person_from

    def dry_run(self, strategy: str, actor: str) -> BulkAssignment:
        """Whom the strategy would reach if all of its audience came by now. Raises UnknownStrategy."""
        self._strategies.view(strategy)
        return self._previewed(BulkWanted(strategy), actor, ())

    def preview(self, wanted: BulkWanted, actor: str, user_ids: Iterable[str] | None = None) -> BulkAssignment:
        """Whom it would be for, how, at what cost, and whom not and why. Nothing is done to them.

        Raises UnknownStrategy, StrategyOver, UnknownArm, BulkAssignmentInvalid, ConditionInvalid, WordsInvalid,
        UnknownDefinition, DefinitionRetired, SegmentNoCondition.
        """
        require_words("reason", wanted.reason)
        view = self._strategies.view(wanted.strategy)
        if view.status in ("ended", "retired"):
            raise StrategyOver(f"Strategy {wanted.strategy}", view.status)
        arms = list(StrategySpec.model_validate(view.spec).treatments)
        if wanted.arm is not None and wanted.arm not in arms:
            raise UnknownArm(wanted.strategy, wanted.arm, arms)
        if sum((wanted.by_list, bool(wanted.condition.strip()), bool(wanted.segment))) != 1:
            raise BulkAssignmentInvalid
        if wanted.segment:
            wanted = replace(wanted, condition=self._condition_of(wanted.segment))
        if wanted.condition:
            self._ledger.condition(wanted.condition)
        return self._previewed(wanted, actor, user_ids or ())

    def run(self, bulk_id: str, actor: str, *, as_admin: bool = False) -> BulkAssignment:
        """Do it; one that was paused or cancelled goes on with those who are left.

        Raises UnknownBulkAssignment, BulkAssignmentCannot, StrategyNotRunning, BulkNeedsAnother.
        """
        bulk = self._ledger.get(bulk_id)
        state, wanted = self.state(bulk), bulk.wanted
        if state not in ("previewed", "paused", "cancelled", "failed") or not wanted.by_hand:
            remedy = "wait for its preview" if state == "previewing" else "preview another one"
            raise BulkAssignmentCannot(bulk_id, "run", state, remedy)
        if wanted.strategy not in self._desk.started().running:
            raise StrategyNotRunning(wanted.strategy, self._strategies.view(wanted.strategy).status)
        users = sum(counts_of(self._runs.get(bulk.preview_id or "", BULK_ASSIGNMENT))["assigned"].values())
        large = self._from is not None and users >= self._from
        if large and actor == bulk.requested_by and not (as_admin and self._may_skip):
            raise BulkNeedsAnother(bulk_id, users, actor)
        if state == "paused":
            return self._turned(bulk, "running", "run")
        return self._begun(bulk, "assign", actor, "run")

    def pause(self, bulk_id: str) -> BulkAssignment:
        """Rest; what is done stays done. Raises UnknownBulkAssignment, BulkAssignmentCannot."""
        bulk = self._ledger.get(bulk_id)
        if self.state(bulk) != "running":
            raise BulkAssignmentCannot(bulk_id, "paused", self.state(bulk), "only one that is running rests")
        return self._turned(bulk, "paused", "paused")

    def cancel(self, bulk_id: str) -> BulkAssignment:
        """Break it off; what is done stays done. Raises UnknownBulkAssignment, BulkAssignmentCannot."""
        bulk = self._ledger.get(bulk_id)
        if self.state(bulk) not in ("running", "paused"):
            remedy = "only one that is running, or rests, is cancelled"
            raise BulkAssignmentCannot(bulk_id, "cancelled", self.state(bulk), remedy)
        return self._turned(bulk, "cancelled", "cancelled")

    def revert(self, bulk_id: str, actor: str) -> BulkAssignment:
        """End the assignments that it made and that go on. What was done for users stays.

        Raises UnknownBulkAssignment, BulkAssignmentCannot.
        """
        bulk = self._ledger.get(bulk_id)
        if self.state(bulk) not in ("done", "cancelled", "failed") or bulk.run_id is None:
            raise BulkAssignmentCannot(bulk_id, "reverted", self.state(bulk), "let it end, or cancel it, first")
        return self._begun(bulk, "revert", actor, "reverted")

    def get(self, bulk_id: str) -> BulkAssignment:
        """Raises UnknownBulkAssignment."""
        return self._ledger.get(bulk_id)

    def latest(self, size: int = 100) -> Sequence[BulkAssignment]:
        """The latest first."""
        return self._ledger.latest(size)

    def run_of(self, bulk: BulkAssignment) -> Run:
        """What was begun last."""
        return self._runs.get(bulk.revert_id or bulk.run_id or bulk.preview_id or "", BULK_ASSIGNMENT)

    def state(self, bulk: BulkAssignment) -> str:
        """As wanted, or previewing, done, reverted and failed as its run is."""
        if bulk.state in ("paused", "cancelled"):
            return bulk.state
        run = self.run_of(bulk)
        if run.state == "failed":
            return "failed"
        ended = {"previewed": "previewed", "running": "done", "reverting": "reverted"}
        begun = {"previewed": "previewing", "running": "running", "reverting": "reverting"}
        return (ended if run.state == "done" else begun)[bulk.state]

    def shown(self, bulk: BulkAssignment) -> dict[str, Any]:
        """As it is answered. would: of the preview; so_far: of what was begun since."""
        wanted, preview = bulk.wanted, None
        if bulk.preview_id is not None:
            preview = self._runs.get(bulk.preview_id, BULK_ASSIGNMENT)
        last = self.run_of(bulk)
        return {
            "id": bulk.bulk_id,
            "state": self.state(bulk),
            "strategy": wanted.strategy,
            "where": wanted.condition or None,
            "segment": wanted.segment or None,
            "by_list": wanted.by_list,
            "arm": wanted.arm,
            "reason": wanted.reason,
            "round": None if wanted.round is None else format_instant(wanted.round),
            "unknown": bulk.unknown,
            "unknown_first": list(bulk.unknown_first),
            "would": None if preview is None else counts_of(preview) | {"cost": self._cost(wanted, preview)},
            "so_far": counts_of(last) if last is not preview and bulk.run_id is not None else None,
            "users_done": last.done,
            "users": last.total,
            "sample": [_sampled(found) for found in preview.findings] if preview is not None else [],
            "requested_by": bulk.requested_by,
            "requested_at": format_instant(bulk.requested_at),
            "errors": list(last.errors),
        }

    def begin_rounds(self) -> int:
        """Schedules that have come round: a worker's use case. How many had."""
        due = self._ledger.due_rounds()
        for strategy, at in due:
            spec = StrategySpec.model_validate(self._strategies.view(strategy).spec)
            following = None
            if isinstance(spec.trigger, Scheduled) and spec.trigger.every != "once":
                # What was missed while nobody worked is not made up for: the audience is reached once.
                following = next_round(spec.trigger, spec.time_zone, max(at, self._ledger.now()))
            self._ledger.begin_round(strategy, at, following, PARTS)
        return len(due)

    def _previewed(self, wanted: BulkWanted, actor: str, user_ids: Iterable[str]) -> BulkAssignment:
        bulk = self._ledger.get(self._ledger.add(wanted, actor, user_ids))
        self._ledger.begin(bulk, "preview", actor, PARTS)
        return self._ledger.get(bulk.bulk_id)

    def _begun(self, bulk: BulkAssignment, mode: Mode, actor: str, what: str) -> BulkAssignment:
        if not self._ledger.begin(bulk, mode, actor, PARTS):
            raise BulkAssignmentCannot(bulk.bulk_id, what, bulk.state, "somebody else was quicker")
        return self._ledger.get(bulk.bulk_id)

    def _turned(self, bulk: BulkAssignment, state: Any, what: str) -> BulkAssignment:
        if not self._ledger.turn_to(bulk, state):
            raise BulkAssignmentCannot(bulk.bulk_id, what, bulk.state, "somebody else was quicker")
        return self._ledger.get(bulk.bulk_id)

    def _condition_of(self, segment: str) -> str:
        spec = self._segment_of(segment)
        if spec.scoped or not spec.where.strip():
            raise SegmentNoCondition(segment)
        return spec.where

    def _cost(self, wanted: BulkWanted, preview: Run) -> dict[str, int]:
        """What the grants of those whom it would take in cost, minor units by currency."""
        spec = StrategySpec.model_validate(self._strategies.view(wanted.strategy).spec)
        costs = self._ledger.unit_costs(spec.benefits)
        total: Counter[str] = Counter()
        for arm, users in counts_of(preview)["assigned"].items():
            for action in spec.treatments[arm].do if arm in spec.treatments else ():
                if isinstance(action, GrantBenefit) and action.grant in costs:
                    cost, currency = costs[action.grant]
                    total[currency] += users * cost
        return dict(total)


def counts_of(run: Run) -> dict[str, Any]:
    """assigned, held (by whom), skipped (by reason), and how many it is not for, over all parts."""
    told: dict[str, Counter[str]] = {name: Counter() for name in ("assigned", "held", "skipped")}
    others: Counter[str] = Counter()
    for result in run.results:
        for name, counts in told.items():
            counts.update(_numbers(result.get(name, {})))
        others.update({name: result.get(name, 0) for name in ("not_addressed", "undecided", "ended")})
    return {name: dict(counts) for name, counts in told.items()} | dict(others)


def _numbers(counts: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(count) for name, count in counts.items()}


def _sampled(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != "subject"}
