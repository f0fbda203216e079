"""Reads what decides subjects: who they are, where they stand, and their facts. One round trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from psycopg import Connection, Cursor

from domain.facts.table import FactTable
from domain.tier_model.reads import columns_read, idents_read, lines_read
from domain.user_tier.decide import Subject
from domain.user_tier.observation import Observation, decode_observation, openings_as_changes
from domain.user_tier.tags import held_tags
from infrastructure.evaluation.work import TimelineRow
from infrastructure.facts.packed import (
    ALWAYS_READ,
    Pack,
    PackRow,
    PacksDisagree,
    opened_pack,
    packed_table,
    to_be_identified,
)
from infrastructure.facts.read import FactRows, ask_facts, ask_unpacked, fact_rows, facts_of
from infrastructure.postgres.arrays import uuids
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_OBSERVATION, Seal
from infrastructure.tier_models.in_force import ModelsInForce

_log = structlog.get_logger(__name__)

# By number, not by id: whoever looks up ids in Python five times a subject waits for that. `offset 0` keeps the planner
# at one index look-up a subject, and at one look at the clock.
_SUBJECTS = """
select c.now, k.data_key, o.body, p.facts, p.chain, p.body, p.details, p.lined, p.idents
from (select tierline_now() as now offset 0) c
left join unnest({}) with ordinality as s (subject_id, i) on true
left join lateral (select data_key from subjects k where k.subject_id = s.subject_id offset 0) k on true
left join lateral (select body from observations o where o.subject_id = s.subject_id offset 0) o on true
left join lateral (
    select facts, chain, body, case when %(with_details)b then details end as details,
           case when %(with_lines)b then lined end as lined, case when %(with_idents)b then idents end as idents
    from packed_facts p where %(packed)b and p.subject_id = s.subject_id offset 0
) p on true
order by s.i
"""
_OF_SUBJECTS = _SUBJECTS.format("%(subjects)b::uuid[]")
# Up to where each candidate has decided somebody: it may have been left behind.
_CANDIDATES = "select subject_id, decided_at from shadow_standings where subject_id = any({})"
_CANDIDATES_OF_SUBJECTS = _CANDIDATES.format("%(subjects)b::uuid[]")
_CANDIDATES_OF_USER = _CANDIDATES.format("array(select subject_id from user_ids where user_id = %(user_id)b)")
_IDENTS = "select subject_id, facts, idents from packed_facts where subject_id = any(%b)"
_OF_USER = _SUBJECTS.format("array(select subject_id from user_ids where user_id = %(user_id)b)")


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of some subjects, in their order. now: read before their facts. to_pack: whose facts are worth a
    new pack."""

    now: int
    subjects: list[Subject]
    seals: dict[UUID, Seal]
    table: FactTable
    to_pack: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions under way. In a pipeline they are one round trip with whatever else is asked there."""

    subjects: Cursor
    candidates: Cursor | None
    facts: Cursor
    kinds: frozenset[str] | None
    packed: bool


def ask_subjects(
    connection: Connection,
    whose: Sequence[UUID] | str,
    models: ModelsInForce,
    *,
    packed: bool = True,
    whole: bool = False,
) -> Asked:
    """Ask for everything that decides some subjects by these models, or one user. whole: and all that tells facts
    apart, which is not asked for otherwise where nothing needs it."""
    kinds = columns_read(models.models)
    parameters: dict[str, Any] = {
        "packed": packed,
        "with_details": kinds is None or not kinds.issubset(ALWAYS_READ),
        "with_lines": lines_read(models.models),
        "with_idents": whole or idents_read(models.models),
    }
    if isinstance(whose, str):
        parameters["user_id"], queries = whose, (_OF_USER, _CANDIDATES_OF_USER)
    else:
        parameters["subjects"], queries = uuids(whose), (_OF_SUBJECTS, _CANDIDATES_OF_SUBJECTS)
    subjects = connection.execute(queries[0].encode(), parameters, binary=True)
    candidates = None
    if models.shadows:
        named: dict[str, Any] = {name: parameters[name] for name in ("user_id", "subjects") if name in parameters}
        candidates = connection.execute(queries[1].encode(), named, binary=True)
    if packed:
        return Asked(subjects, candidates, ask_unpacked(connection, whose, kinds), kinds, packed)
    assert not isinstance(whose, str)
    return Asked(subjects, candidates, ask_facts(connection, whose, kinds), kinds, packed)


def read_subjects(
    connection: Connection,
    keyring: Keyring,
    rows: Sequence[TimelineRow],
    models: ModelsInForce,
    history_until: int | None = None,
    *,
    whole: bool = False,
) -> Found:
    """Now, read under the subjects' locks, and the subjects with all their facts. history_until: they are history,
    decided for the first time: they have no pack, and need none. whole: as in ask_subjects."""
    ids = [row.subject_id for row in rows]
    with connection.pipeline():
        asked = ask_subjects(connection, ids, models, packed=history_until is None, whole=whole)
    return found_of(connection, keyring, rows, models, asked, history_until)


def found_of(
    connection: Connection,
    keyring: Keyring,
    rows: Sequence[TimelineRow],
    models: ModelsInForce,
    asked: Asked,
    history_until: int | None = None,
) -> Found:
    """The answer to ask_subjects."""
    ids, with_lines = [row.subject_id for row in rows], lines_read(models.models)
    seals, packs, subjects = dict[int, Seal](), dict[int, Pack](), []
    found = asked.subjects.fetchall()  # with the clock at least one, also of nobody
    for number, (row, (_, key, body, *pack)) in enumerate(zip(rows, found[: len(rows)], strict=True)):
        seal = keyring.unwrap(row.subject_id, key) if key is not None else None
        if seal is not None:
            seals[number] = seal
            if pack[0] is not None:
                packs[number] = opened_pack(PackRow(*pack), seal)
        subjects.append(_subject(row, body, seal, history_until))
    chains, rest = [row.chain for row in rows], fact_rows(asked.facts)
    try:
        packs |= _identified(connection, ids, packs, rest, _decided_at(rows, asked.candidates), seals)
        table, wanted = packed_table(chains, packs, rest, seals, asked.kinds, with_lines=with_lines)
    except PacksDisagree as disagreement:
        # Others write the log while who waits in bulk is read: then there is nothing to tell.
        _log.info("packs_disagree", subjects=len(disagreement.numbers))
        table = facts_of(connection, ids, keyring, asked.kinds, with_lines=with_lines)
        wanted = list(disagreement.numbers)
    by_id = {ids[number]: seal for number, seal in seals.items()}
    return Found(found[0][0], subjects, by_id, table, [ids[number] for number in wanted] if asked.packed else ())


def _decided_at(rows: Sequence[TimelineRow], candidates: Cursor | None) -> list[int | None]:
    """By subject, up to where it is decided, by the candidates as well."""
    decided = {row.subject_id: row.decided_at for row in rows}
    for subject_id, at in candidates.fetchall() if candidates is not None else ():
        before = decided.get(subject_id)
        if before is not None:
            decided[subject_id] = min(at, before)
    return list(decided.values())


def _identified(
    connection: Connection,
    ids: Sequence[UUID],
    packs: dict[int, Pack],
    rest: FactRows,
    decided_at: Sequence[int | None],
    seals: dict[int, Seal],
) -> dict[int, Pack]:
    """The packs whose idents are needed after all, with these. Raises PacksDisagree: one was made anew meanwhile."""
    numbers = to_be_identified(packs, rest, decided_at)
    if not numbers:
        return {}
    found = connection.execute(_IDENTS, ([ids[number] for number in numbers],), binary=True).fetchall()
    by_id = {subject_id: (facts, idents) for subject_id, facts, idents in found}
    there = {n: packs[n].with_idents(*by_id[ids[n]], seals[n]) for n in numbers if ids[n] in by_id}
    missing = [number for number in numbers if number not in there or there[number].idents is None]
    if missing:
        raise PacksDisagree(missing)
    return there


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
