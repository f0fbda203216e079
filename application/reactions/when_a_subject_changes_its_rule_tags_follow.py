"""When what is observed of a subject changes, the tags that rules keep up follow. From now on only, never on rebuild.

A change may be met twice, after a crash: whether the tag is there is looked at under the subject's lock, so nothing is
put on or taken off twice. A rule that came, or came to say something else, is held against everybody in a run.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from application.evaluation.isolation import isolating
from application.evaluation.ports import TakenWork
from application.reactions.ports import Observed, RulesInForce, RuleTagLedger
from application.runs.ports import Part, Runs
from application.tags.change import Told, record_commands, tagged, untagged
from domain.tags.rule import TagRule, tags_at
from domain.tier_model.calendar import Calendar
from domain.user_tier.decide import Subject, decide
from domain.user_tier.observation import Observation

RULE_TAG = "rule-tag"
_AT_ONCE = 500  # observations looked at
_TOGETHER = 100  # subjects locked in one transaction
_PARTS = 4
_AGAIN = 60_000_000  # microseconds until who could not be decided is tried again


class WhenASubjectChangesItsRuleTagsFollow:
    """For a worker's loop."""

    def __init__(self, ledger: RuleTagLedger, runs: Runs) -> None:
        self._ledger, self._runs = ledger, runs
        self._asked: set[tuple[str, int]] = set()  # rules whose run over everybody is there

    def __call__(self) -> bool:
        """One batch; whether there may be more to do at once."""
        in_force = self._ledger.rules()
        with self._ledger.following() as place:
            if place is None:
                return False
            if not in_force.rules:
                if place.begun:
                    place.stop()
                return False
            # First the place, then the runs: whatever changes after the place is met here, all before it there.
            if not place.begun:
                place.begin()
            self._ask_for_runs(in_force.rules)
            observed, position, more = place.next(_AT_ONCE)
            follow(self._ledger, in_force, observed, in_force.rules)
            place.reached(position)
            due = place.due(_AT_ONCE)
            follow(self._ledger, in_force, due, in_force.rules, due=True)
            return more or len(due) == _AT_ONCE

    def _ask_for_runs(self, rules: Sequence[TagRule]) -> None:
        for rule in rules:
            named = {"tag": rule.tag, "revision": rule.revision}
            if (rule.tag, rule.revision) not in self._asked:
                if self._runs.latest(RULE_TAG, named) is None:
                    self._runs.add(RULE_TAG, named, f"{RULE_TAG}:{rule.tag}", _PARTS)
                self._asked.add((rule.tag, rule.revision))


class RuleTagJob:
    """Holds a rule against everybody in a share. Cut off it goes on where it was."""

    def __init__(self, ledger: RuleTagLedger) -> None:
        self._ledger = ledger

    def __call__(self, part: Part) -> None:
        """A rule that says something else by now, or is retired, is left to its own run."""
        tag, revision = part.parameters["tag"], part.parameters["revision"]
        total = self._ledger.count(part.number, part.parts)
        done, changed = part.result.get("done", 0), part.result.get("changed", 0)
        for observed in self._ledger.share(part.number, part.parts, part.after):
            in_force = self._ledger.rules()
            mine = [rule for rule in in_force.rules if (rule.tag, rule.revision) == (tag, revision)]
            if not mine:
                return
            changed += follow(self._ledger, RulesInForce(mine, in_force.calendars), observed, in_force.rules)
            done += len(observed)
            part.keep(done, max(done, total), observed[-1].subject_id, {"done": done, "changed": changed})


def follow(
    ledger: RuleTagLedger,
    in_force: RulesInForce,
    observed: Sequence[Observed],
    all_rules: Sequence[TagRule],
    *,
    due: bool = False,
) -> int:
    """Put the rules' tags on and take them off, where they are not as observed; how many subjects were changed.

    all_rules: whose next turn is kept in mind. due: the observed are here for a turn that has come.
    """
    now = ledger.now()
    wrong = {one.subject_id: one.position for one in observed if _differs(in_force, one.observation, now)}
    changed, undecided = isolating(list(wrong), _TOGETHER, lambda ids: _settle(ledger, in_force, ids, wrong))
    turns = {
        one.subject_id: _turn(all_rules, one.observation, now, in_force.calendars)
        for one in observed
        if due or any(rule.reads_days(one.observation) for rule in all_rules)
    }
    turns |= dict.fromkeys(undecided, now + _AGAIN)  # they are tried again later
    if turns:
        ledger.remember(turns)
    return changed


def _turn(
    rules: Sequence[TagRule], observation: Observation, now: int, calendars: Mapping[str, Calendar]
) -> int | None:
    turns = (rule.turns_at(observation, now, calendars) for rule in rules)
    return min((turn for turn in turns if turn is not None), default=None)


def _settle(ledger: RuleTagLedger, in_force: RulesInForce, ids: Sequence[UUID], positions: Mapping[UUID, int]) -> int:
    with ledger.take(ids) as taken:
        if taken is None:
            return 0
        subjects = _settled(in_force, taken.work.subjects, _reached(taken), taken.work.now, positions)
        changed = sum(bool(subject.commands) for subject in subjects)
        if changed:
            record_commands(taken, subjects)
        return changed


def _differs(in_force: RulesInForce, observation: Observation, now: int) -> bool:
    there = tags_at(observation, now)
    return any(rule.holds(observation, now, in_force.calendars) != (rule.tag in there) for rule in in_force.rules)


def _reached(taken: TakenWork) -> list[Observation]:
    work = taken.work
    return [found.observation for found in decide(work.subjects, work.table, work.forces, work.now + 1).decided]


def _settled(
    in_force: RulesInForce,
    subjects: Sequence[Subject],
    reached: Sequence[Observation],
    now: int,
    positions: Mapping[UUID, int],
) -> list[Subject]:
    """The subjects with the commands that make them as the rules say of what is observed under their locks."""
    settled = []
    for subject, observation in zip(subjects, reached, strict=True):
        for rule in in_force.rules:
            told = Told(
                f"{RULE_TAG}:{rule.tag}",
                command_id=f"{RULE_TAG}:{rule.tag}:{rule.revision}:{positions[subject.subject_id]}",
            )
            if rule.holds(observation, now, in_force.calendars):
                held = rule.tag in tags_at(observation, now)
                subject = subject if held else tagged(subject, now, rule.tag, None, None, told) or subject
            else:
                subject = untagged(subject, now, rule.tag, told) or subject
        settled.append(subject)
    return settled
