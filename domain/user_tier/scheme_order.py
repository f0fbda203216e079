"""In which order schemes are decided at one instant: those whose tiers a scheme reads come before it."""

from collections.abc import Mapping

from domain.tier_model.spans import ALWAYS
from domain.tier_model.timeline import Force

Forces = Mapping[str, tuple[Force, ...]]


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


def split_at(forces: Forces) -> tuple[int, Forces, Forces]:
    """The last activation, what was in force before it, and from it on. Raises ValueError without one: versions in
    force at one time never form a circle."""
    last = max(force.since for versions in forces.values() for force in versions)
    if last == ALWAYS:
        raise ValueError("schemes in force read each other in a circle")
    before = {
        scheme: kept
        for scheme, versions in forces.items()
        if (kept := tuple(force for force in versions if force.since < last))
    }
    return last, before, {scheme: versions[-1:] for scheme, versions in forces.items()}
