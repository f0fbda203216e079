"""Rollouts by percentage: which versions are in force for whom. Who has the same versions is decided together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace as replaced
from uuid import UUID

from msgspec.structs import replace

from domain.tier_model.timeline import Force
from domain.user_tier.holds import HoldChange

Forces = Mapping[str, tuple[Force, ...]]


def is_partial(forces: Forces) -> bool:
    """Whether some version is in force for a part of the subjects alone, or comes into force again."""
    return any(
        not force.migration.whole or (number and _same(force, versions[number - 1]))
        for versions in forces.values()
        for number, force in enumerate(versions)
    )


def groups_of(subject_ids: Sequence[UUID], forces: Forces) -> list[tuple[list[int], Forces]]:
    """(numbers of subjects, what is in force for them), every subject in one group."""
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for number, subject_id in enumerate(subject_ids):
        groups.setdefault(tuple(_reaching(subject_id, versions) for versions in forces.values()), []).append(number)
    return [
        (
            numbers,
            {
                scheme: tuple(_for_all(forces[scheme][index]) for index in reaching)
                for scheme, reaching in zip(forces, chosen, strict=True)
                if reaching
            },
        )
        for chosen, numbers in groups.items()
    ]


def as_named(change: HoldChange, passed: Sequence[Force], subject_id: UUID) -> HoldChange:
    """An opening by the name that its tier has in the last of the versions that came since. passed: oldest first."""
    if change.opening is None or not passed:
        return change
    before = tier = change.opening.tier
    for index in _reaching(subject_id, passed):
        if passed[index].since > change.instant:
            tier = passed[index].migration.mapping.get(tier, tier)
    return change if tier == before else change._replace(opening=replace(change.opening, tier=tier, named=before))


def _same(one: Force, other: Force) -> bool:
    """Whether both are one version: what it says may stand in another one, too, under a number of its own."""
    return (one.model.version, one.model.content_hash) == (other.model.version, other.model.content_hash)


def _for_all(force: Force) -> Force:
    """As it is for those whom it reaches."""
    if force.migration.whole:
        return force
    return replaced(force, migration=replace(force.migration, percent=100.0))


def _reaching(subject_id: UUID, versions: Sequence[Force]) -> tuple[int, ...]:
    """Which of the versions come into force for the subject: a version that it is on already does not do so again, and
    of several that hold from the same instant only the last."""
    chosen: list[int] = []
    for index, force in enumerate(versions):
        if not force.migration.reaches(force.model.scheme, subject_id):
            continue
        if chosen and _same(versions[chosen[-1]], force):
            continue
        if chosen and versions[chosen[-1]].since == force.since:
            chosen.pop()
        chosen.append(index)
    return tuple(chosen)
