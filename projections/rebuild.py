"""Rebuild beside, switch when caught up, drop the old. Every step can be repeated: a crash costs nothing."""

from projections.catalogue import ReadModel
from projections.checkpoint import Ledger, Status, Version
from projections.target import Target

_DROP_SECONDS = 60.0  # nobody gets at the lanes of a version that is being dropped


def start(ledger: Ledger, model: ReadModel) -> int:
    """Register the next version, to be filled from position 0, or find the one being built. Returns its number."""
    versions = ledger.versions(model.name)
    building = _of(versions, Status.BUILDING)
    if building:
        return building[-1].version
    version = max([model.version, *[one.version + 1 for one in versions]])
    ledger.register(model.name, version, Status.BUILDING, model.lanes)
    return version


def settle_versions(ledger: Ledger, model: ReadModel) -> list[Version]:
    """The versions to keep up. The first start registers one; one of a former shape is rebuilt."""
    versions = ledger.versions(model.name)
    if not any(one.answers for one in versions):
        ledger.register(model.name, model.version, Status.SERVING, model.lanes)
    elif all(one.version < model.version for one in versions if one.status != Status.RETIRED):
        start(ledger, model)
    else:
        return versions
    return ledger.versions(model.name)


def switch(ledger: Ledger, model: ReadModel, target: Target, version: int) -> None:
    """Readers see the version that has caught up; what answered before is retired."""
    # The store first: after a crash in between, the version is still building, at the head, and switched again.
    target.point_to(version)
    ledger.switch(model.name, version)


def drop_retired(ledger: Ledger, model: ReadModel, target: Target, holder: str) -> None:
    """Remove retired versions, the store's part first. One that somebody still writes to waits for the next time."""
    for retired in _of(ledger.versions(model.name), Status.RETIRED):
        leases = ledger.acquire(model.name, retired.version, range(model.lanes), f"{holder}:drop", _DROP_SECONDS)
        if len(leases) == model.lanes:
            target.drop(retired.version)
            ledger.forget(model.name, retired.version)


def _of(versions: list[Version], status: Status) -> list[Version]:
    return [one for one in versions if one.status == status]
