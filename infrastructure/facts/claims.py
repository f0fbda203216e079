"""Facts that come again by another user id of their subject: who else brought them is kept, for when ids leave."""

from collections.abc import Sequence

from psycopg import Connection

from domain.facts.field_errors import FieldError
from infrastructure.facts.batch import Claim, Item

# What all who brought it have left with counts no more, and cannot be brought anew under its name.
_KEEP = """
with asked as (
    select * from unnest(%b::integer[], %b::uuid[], %b::text[], %b::text[], %b::integer[], %b::integer[])
        as t (item, subject_id, source, fact_id, number, brought_by)
), gone as (
    select * from asked a
    where exists (select from departed_user_ids d where d.subject_id = a.subject_id and d.number = a.brought_by)
      and not exists (
        select from facts_also_brought b
        where (b.subject_id, b.source, b.fact_id) = (a.subject_id, a.source, a.fact_id) and not exists (
            select from departed_user_ids d where d.subject_id = b.subject_id and d.number = b.number))
), kept as (
    insert into facts_also_brought (subject_id, source, fact_id, number)
    select distinct subject_id, source, fact_id, number from asked where item not in (select item from gone)
    order by subject_id, source, fact_id, number
    on conflict do nothing
)
select item from gone
"""
_REMEDY = "if it is this user's too, send it under a fact_id of its own"
_DETAIL = "already recorded, and split off from this user with the user id that had brought it"


def keep_claims(connection: Connection, claims: Sequence[Claim], items: Sequence[Item]) -> dict[int, FieldError]:
    """Keeps them, under the lock of their subjects; what is refused, by item."""
    columns = [list(column) for column in zip(*claims, strict=True)]
    gone = connection.execute(_KEEP, columns, binary=True).fetchall()
    return {item: FieldError("fact_id", items[item].fact.fact_id, _REMEDY, _DETAIL) for (item,) in gone}
