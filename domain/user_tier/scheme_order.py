"""Which schemes read which: in what order they are decided at one instant, and which a change of one concerns."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping

from domain.tier_model.spans import ALWAYS
from domain.tier_model.timeline import Force

Forces = Mapping[str, tuple[Force, ...]]


def come_before(instant: int, forces: Forces) -> Forces:
    """What came into force before an instant."""
    if all(versions[-1].since < instant for versions in forces.values()):
        return forces
    kept = {scheme: tuple(force for force in versions if force.since < instant) for scheme, versions in forces.items()}
    return {scheme: versions for scheme, versions in kept.items() if versions}


def in_order(forces: Forces) -> list[str] | None:
    """The schemes, each after those that any of its versions reads, by name where that leaves a choice. None when they
    form a circle: then not all of these versions were in force together."""
    waiting = {
        scheme: {read for force in versions for read in force.model.reads_schemes if read in forces}
        for scheme, versions in forces.items()
    }
    order: list[str] = []
    while waiting:
        ready = min((scheme for scheme, reads in waiting.items() if not reads & waiting.keys()), default=None)
        if ready is None:
            return None
        order.append(ready)
        del waiting[ready]
    return order


class Order:
    """In what order events of several schemes stand at an instant: as by the versions that are in force then, so that
    it is the same whatever else is decided along."""

    def __init__(self, forces: Forces) -> None:
        self._forces = forces
        self._changes = sorted({force.since for versions in forces.values() for force in versions})
        self._places: dict[int, dict[str, int]] = {}

    def place(self, scheme: str, instant: int) -> int:
        """The scheme's, from 0. It is in force at the instant."""
        number = bisect_right(self._changes, instant)
        if number not in self._places:
            self._places[number] = {name: place for place, name in enumerate(self._order(self._changes[number - 1]))}
        return self._places[number][scheme]

    def _order(self, instant: int) -> list[str]:
        so_far = come_before(instant + 1, self._forces)
        order = in_order({scheme: versions[-1:] for scheme, versions in so_far.items()})
        assert order is not None, "versions in force at one time never form a circle"
        return order


def split_at(forces: Forces) -> tuple[int, Forces, Forces]:
    """The last activation, what was in force before it, and from it on. Raises ValueError without one: versions in
    force at one time never form a circle."""
    last = max(force.since for versions in forces.values() for force in versions)
    if last == ALWAYS:
        raise ValueError("schemes in force read each other in a circle")
    return last, come_before(last, forces), {scheme: versions[-1:] for scheme, versions in forces.items()}


def concerned(scheme: str, forces: Forces) -> frozenset[str]:
    """The scheme, and those whose rules read it, or read these in turn."""
    found = {scheme}
    while True:
        more = {name for name in forces if name not in found and _reads(forces[name]) & found}
        if not more:
            return frozenset(found)
        found |= more


def with_read(schemes: Iterable[str], forces: Forces) -> dict[str, tuple[Force, ...]]:
    """What is in force of these schemes, and of those that they read, and these in turn."""
    wanted: dict[str, None] = {}
    waiting = sorted(schemes)
    while waiting:
        name = waiting.pop()
        if name in forces and name not in wanted:
            wanted[name] = None
            waiting += sorted(_reads(forces[name]))
    return {name: versions for name, versions in forces.items() if name in wanted}


def _reads(versions: Iterable[Force]) -> frozenset[str]:
    return frozenset[str]().union(*(force.model.reads_schemes for force in versions))
