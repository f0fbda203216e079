"""Reads what decides subjects: who they are, where they stand, and their facts. One round trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from psycopg import Connection, Cursor

from domain.facts.table import FactTable
from domain.user_tier.decide import Subject, columns_read, lines_read
from domain.user_tier.observation import Observation, decode_observation, openings_as_changes
from domain.user_tier.tags import held_tags
from infrastructure.evaluation.work import TimelineRow
from infrastructure.facts.packed import Pack, PacksDisagree, opened_pack, packed_table
from infrastructure.facts.read import ask_facts, fact_rows, facts_of
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_OBSERVATION, Seal
from infrastructure.tier_models.in_force import ModelsInForce

_log = structlog.get_logger(__name__)

# By number, not by id: whoever looks up ids in Python five times a subject waits for that. `offset 0` keeps the planner
# at one index look-up a subject.
_SUBJECTS = """
select k.data_key, o.body, p.facts, p.chain, p.body
from unnest(%b::uuid[]) with ordinality as s (subject_id, i)
left join lateral (select data_key from subjects k where k.subject_id = s.subject_id offset 0) k on true
left join lateral (select body from observations o where o.subject_id = s.subject_id offset 0) o on true
left join lateral (select facts, chain, body from packed_facts p where %b and p.subject_id = s.subject_id offset 0) p
    on true
order by s.i
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of some subjects, in their order. now: read before their facts. to_pack: whose facts are worth a
    new pack."""

    now: int
    subjects: list[Subject]
    seals: dict[UUID, Seal]
    table: FactTable
    to_pack: Sequence[UUID] = ()


def read_subjects(
    connection: Connection,
    keyring: Keyring,
    rows: Sequence[TimelineRow],
    models: ModelsInForce,
    history_until: int | None = None,
) -> Found:
    """Now, read under the subjects' locks, and the subjects with all their facts. history_until: they are history."""
    ids = [row.subject_id for row in rows]
    kinds, with_lines = columns_read(models.models), lines_read(models.models)
    packed = history_until is None  # whoever is decided for the first time has no pack
    with connection.pipeline():
        clock = connection.execute("select tierline_now()")
        asked = connection.execute(_SUBJECTS, (ids, packed), binary=True)
        rest = ask_facts(connection, ids, kinds, unpacked=packed)
    seals, packs, subjects = dict[int, Seal](), dict[int, Pack](), []
    for number, (row, (key, body, *pack)) in enumerate(zip(rows, asked.fetchall(), strict=True)):
        seal = keyring.unwrap(row.subject_id, key) if key is not None else None
        if seal is not None:
            seals[number] = seal
            if pack[0] is not None:
                packs[number] = opened_pack(pack[0], pack[1], pack[2], seal)
        subjects.append(_subject(row, body, seal, history_until))
    try:
        chains = [row.chain for row in rows]
        table, wanted = packed_table(chains, packs, fact_rows(rest), seals, kinds, with_lines=with_lines)
    except PacksDisagree as disagreement:
        # Others write the log while who waits in bulk is read: then there is nothing to tell.
        _log.info("packs_disagree", subjects=len(disagreement.numbers))
        table = facts_of(connection, ids, keyring, kinds, with_lines=with_lines)
        wanted = list(disagreement.numbers)
    by_id = {ids[number]: seal for number, seal in seals.items()}
    return Found(_now(clock), subjects, by_id, table, [ids[number] for number in wanted] if packed else ())


def _subject(row: TimelineRow, body: bytes | None, seal: Seal | None, history_until: int | None) -> Subject:
    observation = decode_observation(seal.unseal(CONTEXT_OBSERVATION, body)) if body and seal else Observation()
    return Subject(
        row.subject_id,
        row.stream_version,
        row.decided_at,
        observation,
        history_until,
        held_tags(observation),
        changes=openings_as_changes(observation),
    )


def _now(clock: Cursor) -> int:
    row = clock.fetchone()
    assert row is not None
    return int(row[0])
