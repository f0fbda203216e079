"""Whether the assignments and grants that facts name are there, and the user's own."""

from collections.abc import Sequence

from domain.facts.fact import Fact
from domain.facts.field_errors import FieldError
from domain.strategies.outcomes import ASSIGNMENT_ID, GRANT_ID, Named, doubt_of, names_any, uuid_of
from infrastructure.postgres.pool import Pool, transaction

_ASSIGNMENTS = """
select n.i, a.assignment_id is not null, u.subject_id is not null and a.subject_id is not distinct from u.subject_id,
       a.assignment_id is not null and a.arm is null
from unnest(%b::uuid[], %b::text[]) with ordinality as n (id, user_id, i)
left join assignments a on a.assignment_id = n.id left join user_ids u on u.user_id = n.user_id
"""
_GRANTS = """
select n.i, g.grant_id is not null, u.subject_id is not null and g.subject_id is not distinct from u.subject_id
from unnest(%b::uuid[], %b::text[]) with ordinality as n (id, user_id, i)
left join grants g on g.grant_id = n.id left join user_ids u on u.user_id = n.user_id
"""


class PostgresReferences:
    """Fulfils References. Asks nothing where no fact names any."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def doubts(self, facts: Sequence[Fact]) -> list[FieldError | None]:
        """See References."""
        naming = [number for number, fact in enumerate(facts) if names_any(fact.attributes)]
        doubts: list[FieldError | None] = [None] * len(facts)
        if not naming:
            return doubts
        assignments = self._named(_ASSIGNMENTS, ASSIGNMENT_ID, facts, naming)
        grants = self._named(_GRANTS, GRANT_ID, facts, naming)
        for number in naming:
            doubts[number] = doubt_of(facts[number], assignments.get(number), grants.get(number))
        return doubts

    def _named(self, query: str, name: str, facts: Sequence[Fact], naming: Sequence[int]) -> dict[int, Named]:
        """By fact, what there is under the ids that the facts give under the name."""
        mine = [number for number in naming if facts[number].attributes.get(name) is not None]
        if not mine:
            return {}
        ids = [uuid_of(facts[number].attributes[name]) for number in mine]
        with transaction(self._pool) as connection:
            asked = (ids, [facts[number].user_id for number in mine])
            rows = connection.execute(query.encode(), asked, binary=True).fetchall()
        return {mine[number - 1]: Named(*found) for number, *found in rows}
