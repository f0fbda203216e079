"""Take over the standings of a running programme, so that nobody is re-tiered on the day of the change."""

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeGuard

from application.standings.ports import LineFault, OpeningLedger, OpeningLine
from domain.facts.field_rules import id_errors
from domain.facts.instants import format_instant
from domain.refusal import Complaint, Refusal
from domain.tier_model.spec import TierModelSpec

_AT_ONCE = 500  # users of one transaction
_SHOWN = 100  # faults that are told, the first ones


@dataclass(slots=True)
class StandingsImported:
    """What became of a file so far. faults: the first lines of those that cannot be taken over."""

    lines: int
    taken: int = 0
    again: int = 0
    refused: int = 0
    faults: list[LineFault] = field(default_factory=list)
    position: int = 0


class StandingsInvalid(Refusal):
    """Something is wrong with a file, and nothing of it was taken over."""

    def __init__(self, found: StandingsImported) -> None:
        self.found = found
        super().__init__(
            f"{found.refused} {'line' if found.refused == 1 else 'lines'} cannot be taken over, so nothing was.",
            *(Complaint(f"line {fault.line}: {fault.field}", fault.value, fault.remedy) for fault in found.faults),
        )


class ImportStandings:
    """The file is checked as a whole first. Interrupted, run it again: what was taken over is passed by."""

    def __init__(self, ledger: OpeningLedger) -> None:
        self._ledger = ledger

    def __call__(self, lines: Iterable[OpeningLine | LineFault], actor: str) -> Iterator[StandingsImported]:
        """How far it is, again and again, at last all of it. Raises StandingsInvalid before anything is recorded."""
        check = _Check(*self._ledger.in_force())
        openings = [line for line in lines if check.passes(line)]
        openings.sort(key=lambda line: line.user_id)
        for chunk in _chunks(openings):
            check.refuse(self._ledger.faults(chunk))
        check.end()
        return self._take_over(openings, actor)

    def _take_over(self, openings: Sequence[OpeningLine], actor: str) -> Iterator[StandingsImported]:
        done = StandingsImported(lines=len(openings))
        yield done
        for chunk in _chunks(openings):
            found = self._ledger.take_over(chunk, actor)
            done.taken, done.again = done.taken + found.taken, done.again + found.again
            done.refused += len(chunk) - found.taken - found.again
            _keep(done.faults, found.faults)
            done.position = max(done.position, found.position)
            yield done


class _Check:
    """What can be said of lines without looking up anybody."""

    def __init__(self, specs: Mapping[str, Sequence[TierModelSpec]], now: int) -> None:
        self._specs, self._now = specs, now
        self._found = StandingsImported(lines=0)
        self._places: set[tuple[str, str, str]] = set()

    def refuse(self, faults: Sequence[LineFault]) -> None:
        """Count them, and keep the first lines."""
        self._found.refused += len(faults)
        _keep(self._found.faults, faults)

    def passes(self, line: OpeningLine | LineFault) -> TypeGuard[OpeningLine]:
        """Whether nothing is wrong with it."""
        self._found.lines += 1
        if isinstance(line, LineFault):
            self.refuse([line])
            return False
        place = (line.user_id, line.scheme, line.scope)
        fault = self._fault(line)
        if fault is None and place in self._places:
            fault = ("user_id", line.user_id, "give one line a user, scheme and scope")
        if fault is not None:
            self.refuse([LineFault(line.line, *fault)])
            return False
        self._places.add(place)
        return True

    def end(self) -> None:
        """Raises StandingsInvalid."""
        if self._found.refused:
            raise StandingsInvalid(self._found)

    def _fault(self, line: OpeningLine) -> tuple[str, object, str] | None:
        for error in (*id_errors("user_id", line.user_id), *id_errors("scope", line.scope, empty_allowed=True)):
            return error.field, error.value, error.remedy
        specs = self._specs.get(line.scheme)
        if not specs:
            known = ", ".join(sorted(self._specs)) or "none is: activate a tier model first"
            return "scheme", line.scheme, f"use a scheme in force: {known}"
        remedy = tier_remedy(line.tier, specs)
        if remedy is not None:
            return "tier", line.tier, remedy
        return next((fault for spec in specs if (fault := self._fault_by(line, spec)) is not None), None)

    def _fault_by(self, line: OpeningLine, spec: TierModelSpec) -> tuple[str, object, str] | None:
        if (spec.per is None) == bool(line.scope):
            remedy = "leave it out" if spec.per is None else f"name the {spec.per} that the standing is kept for"
            return "scope", line.scope, remedy
        if line.since > self._now:
            return "since", format_instant(line.since), f"give an instant up to now, {format_instant(self._now)}"
        if line.valid_until is not None and line.valid_until <= line.since:
            return "valid_until", format_instant(line.valid_until), "give an instant after since"
        if line.valid_until is not None and spec.policy.validity is None:
            return "valid_until", format_instant(line.valid_until), "leave it out: the policy in force has no validity"
        if line.growth is not None and spec.growth is None:
            return "growth", line.growth, "leave it out: the version in force has no growth value"
        return None


def tier_remedy(tier: str, specs: Sequence[TierModelSpec]) -> str | None:
    """What to do where somebody may be on a version that has no such tier. specs: those in force, oldest first."""
    if all(tier in spec.tiers for spec in specs):
        return None
    common = ", ".join(tier for tier in specs[-1].tiers if all(tier in spec.tiers for spec in specs))
    if len(specs) == 1:
        return f"use one of {common}"
    return (
        f"a version is being rolled out, and not everybody's has this tier: use one that all have "
        f"({common or 'none'}), or take it over once the version has reached everybody"
    )


def _keep(kept: list[LineFault], faults: Iterable[LineFault]) -> None:
    """Of all faults those of the first lines, in their order: they are found by user."""
    for fault in faults:
        insort(kept, fault, key=lambda one: one.line)
    del kept[_SHOWN:]


def _chunks(openings: Sequence[OpeningLine]) -> Iterator[list[OpeningLine]]:
    """So many users at once, each with all lines. openings: by user."""
    chunk: list[OpeningLine] = []
    users = 0
    for _, lines in groupby(openings, key=lambda line: line.user_id):
        if users == _AT_ONCE:
            yield chunk
            chunk, users = [], 0
        chunk += lines
        users += 1
    if chunk:
        yield chunk
