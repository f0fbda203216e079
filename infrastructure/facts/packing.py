"""Makes packs out of the log, beside whatever else goes on: who reads them sees whether they hold."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np

from domain.facts.fact import EMPTY_CHAIN, next_chain
from infrastructure.facts.packed import encode_pack
from infrastructure.facts.read import FactRows, ask_facts, fact_rows
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring

_AT_ONCE = 100  # subjects: bounds memory, and for how long their rows of packed_facts are locked
_LOGS = "select subject_id, facts, chain from timelines where subject_id = any(%b)"
# In the order of the subjects, so that two who pack the same ones wait for each other and never in a circle.
_WRITE = """
insert into packed_facts as mine (subject_id, position, facts, chain, body, details, lined, idents)
select p.* from unnest(%b::uuid[], %b::bigint[], %b::integer[], %b::bytea[], %b::bytea[], %b::bytea[], %b::bytea[],
                       %b::bytea[])
    as p (subject_id, position, facts, chain, body, details, lined, idents)
join subjects s using (subject_id) order by subject_id for key share of s
on conflict (subject_id) do update
    set position = excluded.position, facts = excluded.facts, chain = excluded.chain, body = excluded.body,
        details = excluded.details, lined = excluded.lined, idents = excluded.idents
"""
_DROP = "delete from packed_facts where subject_id = any(%b)"


def pack(pool: Pool, keyring: Keyring, subject_ids: Sequence[UUID]) -> int:
    """Pack the subjects' facts anew; answers for how many. Whose log does not hold keeps no pack."""
    ordered = sorted(set(subject_ids))
    return sum(_pack(pool, keyring, ordered[low : low + _AT_ONCE]) for low in range(0, len(ordered), _AT_ONCE))


def _pack(pool: Pool, keyring: Keyring, subject_ids: list[UUID]) -> int:
    with transaction(pool) as connection:
        with connection.pipeline():
            asked = connection.execute(_LOGS, (subject_ids,), binary=True)
            keys = keyring.ask(connection, subject_ids)
            facts = ask_facts(connection, subject_ids, None)
        seals, found = keyring.unwrap_many(keys.fetchall()), fact_rows(facts)
        ends = {subject_id: (count, chain) for subject_id, count, chain in asked.fetchall()}
        packs, broken = [], []
        for number, subject_id in enumerate(subject_ids):
            count, chain = ends.get(subject_id, (0, EMPTY_CHAIN))
            seal, rows = seals.get(subject_id), _of_subject(found, number, count)
            if seal is None or not count or _chain_of(rows) != chain:
                broken.append(subject_id)
                continue
            parts = encode_pack(rows.columns, rows.sealed, seal)
            packs.append((subject_id, int(rows.columns.position.max()), count, chain, *parts))
        with connection.pipeline():
            connection.execute(_WRITE, [list(column) for column in zip(*packs, strict=True)] or [[]] * 8)
            connection.execute(_DROP, (broken,))
        return len(packs)


def _of_subject(found: FactRows, number: int, count: int) -> FactRows:
    """The subject's first rows by position, as many as its timeline knew of."""
    rows = np.flatnonzero(found.columns.subject == number)
    return found.taken(rows[np.argsort(found.columns.position[rows])][:count])


def _chain_of(rows: FactRows) -> bytes:
    """The log's running hash over rows in the order of their positions."""
    chain = EMPTY_CHAIN
    for content_hash, known_at in zip(rows.columns.content_hash, rows.columns.known_at.tolist(), strict=True):
        chain = next_chain(chain, content_hash.tobytes(), known_at)
    return chain
