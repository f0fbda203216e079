"""The facts that a merge copies: opened with the one key, sealed and chained with the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from psycopg import Connection

from domain.facts.fact import canonical_content
from domain.user_tier.merging import FactConflict
from domain.user_tier.splitting import Name, is_of_a_split, voided_by
from infrastructure.identity.brought import NewRows, also_brought, brought_facts, departed_numbers, new_number
from infrastructure.security.seal import Seal

_MINE = """
select f.source, f.fact_id, f.content_hash, coalesce(f.brought_by, 0) from facts f
where f.subject_id = %b
  and exists (select from facts o where o.subject_id = %b and o.source = f.source and o.fact_id = f.fact_id)
"""


@dataclass(slots=True)
class Copies:
    """new: rows for the survivor, in the order in which the other's were recorded. numbers: what the other's user ids
    are numbered from now on, where that is not as before."""

    new: NewRows
    numbers: Mapping[int, int]
    known_already: int = 0
    conflicts: list[FactConflict] = field(default_factory=list)
    split_off: list[FactConflict] = field(default_factory=list)


def copies_of(connection: Connection, other: Seal, survivor: Seal, known_at: int) -> Copies:
    """known_at: of all that is copied, microseconds.

    What is on both sides with the same content counts once. With other content it is a conflict, unless the other's was
    voided: then neither it nor its void is copied. The same goes for what had been split off from the survivor. What
    had been split off from the other is not the other's.
    """
    departed = departed_numbers(connection, survivor)
    # One that comes back is another from now on: what it had brought before it left stays void.
    numbers = {number: new_number(connection) for number in sorted({0, *departed})}
    copies = Copies(NewRows(connection, survivor, known_at), numbers)
    theirs = [one for one in brought_facts(connection, other) if one.by and not is_of_a_split(one.fact)]
    there, parted = _there(connection, other, survivor, departed)
    voids = {voided_by(one.fact) for one in theirs} - {None}
    differing = {
        name
        for one in theirs
        if (name := (one.fact.source, one.fact.fact_id)) in there
        and survivor.digest(canonical_content(one.fact)) != there[name]
    }
    names = {(one.fact.source, one.fact.fact_id) for one in theirs}
    copies.conflicts = [FactConflict(*name) for name in sorted(differing - parted) if name not in voids]
    copies.split_off = [FactConflict(*name) for name in sorted(names & parted) if name not in voids]
    for fact, brought_by in theirs:
        name, by = (fact.source, fact.fact_id), {numbers.get(number, number) for number in brought_by}
        if name in differing | parted or voided_by(fact) in differing | parted:
            continue
        if name in there:
            copies.known_already += 1
            copies.new.also(name, by)
        else:
            copies.new.add(fact, by)
    return copies


def _there(
    connection: Connection, other: Seal, survivor: Seal, departed: set[int]
) -> tuple[dict[Name, bytes], set[Name]]:
    """What of the other's the survivor has by its name, and which of it has been split off from the survivor."""
    rows = connection.execute(_MINE, (survivor.subject_id, other.subject_id), binary=True).fetchall()
    also = also_brought(connection, survivor)
    parted = {
        (source, fact_id)
        for source, fact_id, _, number in rows
        if {number, *also.get((source, fact_id), ())} <= departed
    }
    return {(source, fact_id): content_hash for source, fact_id, content_hash, _ in rows}, parted
