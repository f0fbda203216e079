"""Packs: the same table as from the log's rows, or no pack at all."""

import dataclasses
from uuid import UUID

import numpy as np
import pytest

from application.facts.record_facts import RecordFacts
from domain.facts.seen import FactsSeen
from domain.facts.table import FactTable
from infrastructure.facts.packed import Pack, PackRow, PacksDisagree, opened_pack, packed_table, to_be_identified
from infrastructure.facts.packing import pack
from infrastructure.facts.read import ask_unpacked, fact_rows
from tests.infrastructure.facts.conftest import Ledger
from tests.support.fact_texts import fact_text

EVERYBODY = ("u0", "u1", "u2", "u3")
_PACKS = """
select facts, chain, body, details, case when %s then lined end, case when %s then idents end
from packed_facts where subject_id = %s
"""


def _texts(first: int, last: int) -> list[bytes]:
    """Facts of u0, u1 and u2 in turn, of many kinds and sources, some of long ago, some voided."""
    texts = []
    for number in range(first, last):
        user, at = f"u{number % 3}", f"2026-0{1 + number * 7 % 9}-11T08:00:{number % 60:02}Z"
        match number % 6:
            case 0 | 1:
                lines = [{"sku": f"s{number}", "amount": number}] if number % 4 else []
                attributes = {"channel": "app", "n": number} if number % 3 else {}
                text = fact_text(f"f{number}", user, occurred_at=at, attributes=attributes, lines=lines)
            case 2:
                text = fact_text(f"f{number}", user, kind="visit", occurred_at=at, amount=None, currency=None)
            case 3:
                text = fact_text(f"f{number}", user, kind="refund", source="desk", occurred_at=at, amount=0)
            case 4:
                named = {"fact_id": f"f{number - 3}", "reason": "typo"}
                text = fact_text(
                    f"f{number}", user, kind="void", occurred_at=at, amount=None, currency=None, attributes=named
                )
            case _:
                age = {"age": number, "note": "旧"}
                text = fact_text(
                    f"f{number}", user, kind="profile", occurred_at=at, amount=None, currency=None, attributes=age
                )
        texts.append(text)
    return texts


def _record(ledger: Ledger, first: int, last: int) -> None:
    assert ledger.record(RecordFacts(_texts(first, last))).accepted == last - first


def _subjects(ledger: Ledger) -> list[UUID]:
    return [ledger.subject(user) for user in EVERYBODY]


def _by_packs(
    ledger: Ledger, kinds: frozenset[str] | None = None, with_lines: bool = True, with_idents: bool = True
) -> tuple[FactTable, list[int], dict[int, Pack]]:
    """What evaluation reads of everybody, of whom a new pack is wanted, and the packs."""
    ids = _subjects(ledger)
    with ledger.pool.connection() as connection:
        by_id = ledger.keyring.seals(connection, ids)
        seals = {number: by_id[id_] for number, id_ in enumerate(ids)}
        asked = {number: (with_lines, with_idents, id_) for number, id_ in enumerate(ids)}
        found = {number: connection.execute(_PACKS, asked_for).fetchone() for number, asked_for in asked.items()}
        packs = {n: opened_pack(PackRow(*row), seals[n]) for n, row in found.items() if row is not None}
        rest = fact_rows(ask_unpacked(connection, ids, kinds))
        chains = [ledger.timeline(user)["chain"] for user in EVERYBODY]
        table, wanted = packed_table(chains, packs, rest, seals, kinds, with_lines=with_lines)
        return table, wanted, packs


def _assert_same(one: FactTable, other: FactTable) -> None:
    for name in [column.name for column in dataclasses.fields(one)]:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


@pytest.fixture
def packed(ledger: Ledger) -> Ledger:
    """90 facts of u0, u1 and u2, of whom u0 and u2 are packed, and one of u3; then 30 more."""
    _record(ledger, 0, 90)
    assert ledger.record(RecordFacts([fact_text("only", "u3")])).accepted == 1
    assert pack(ledger.pool, ledger.keyring, [ledger.subject("u0"), ledger.subject("u2")]) == 2
    _record(ledger, 90, 120)
    return ledger


@pytest.mark.parametrize("kinds", [None, frozenset[str](), frozenset({"profile"}), frozenset({"order", "touch"})])
@pytest.mark.parametrize("with_lines", [True, False])
def test_packs_and_later_rows_are_the_table_of_the_log(
    packed: Ledger, kinds: frozenset[str] | None, with_lines: bool
) -> None:
    table, _, packs = _by_packs(packed, kinds, with_lines)
    assert [pack.facts for pack in packs.values()] == [30, 30]
    assert len(table) == 121
    _assert_same(table, packed.table(*EVERYBODY, with_attributes=kinds, with_lines=with_lines))


def test_a_pack_is_wanted_when_many_rows_are_not_in_one(packed: Ledger) -> None:
    assert _by_packs(packed)[1] == [1]  # 40 rows in none; the others have 10 beside 30
    _record(packed, 120, 150)
    assert _by_packs(packed)[1] == [0, 1, 2]
    ids = _subjects(packed)
    assert pack(packed.pool, packed.keyring, ids) == 4
    table, wanted, packs = _by_packs(packed)
    assert [pack.facts for pack in packs.values()] == [50, 50, 50, 1]
    assert wanted == []
    _assert_same(table, packed.table(*EVERYBODY, with_attributes=None))


@pytest.mark.parametrize(
    "tampering",
    [
        "update packed_facts set chain = sha256(chain)",
        "update packed_facts set position = position - 1 where facts > 1",
        "delete from facts where fact_id = 'f93'",
        "update facts set known_at = known_at + 1 where fact_id = 'f93'",
    ],
)
def test_a_pack_that_does_not_end_where_the_log_does_is_not_used(packed: Ledger, tampering: str) -> None:
    packed.execute(tampering)
    with pytest.raises(PacksDisagree) as raised:
        _by_packs(packed)
    assert 0 in raised.value.numbers


def test_a_log_that_does_not_hold_keeps_no_pack(packed: Ledger) -> None:
    packed.execute("update facts set known_at = known_at + 1 where fact_id = 'f0'")
    assert pack(packed.pool, packed.keyring, _subjects(packed)) == 3
    assert packed.rows(_PACKS, True, True, packed.subject("u0")) == []


def test_who_is_erased_leaves_no_pack(packed: Ledger) -> None:
    erased = packed.subject("u0")
    packed.execute("delete from subjects where subject_id = %s", erased)
    assert packed.rows(_PACKS, True, True, erased) == []
    assert pack(packed.pool, packed.keyring, [erased]) == 0


def _order(number: int, user: str, month: int = 1) -> bytes:
    return fact_text(f"o{number}", user, occurred_at=f"2026-0{month}-11T08:00:{number % 60:02}Z")


@pytest.fixture
def plain(ledger: Ledger) -> Ledger:
    """20 orders of u0 and u1, packed, and one more of each; u1's of long ago."""
    texts = [_order(number, f"u{number % 2}", 2) for number in range(40)]
    assert ledger.record(RecordFacts(texts)).accepted == 40
    for user in ("u2", "u3"):
        assert ledger.record(RecordFacts([fact_text(f"of-{user}", user)])).accepted == 1
    assert pack(ledger.pool, ledger.keyring, [ledger.subject("u0"), ledger.subject("u1")]) == 2
    assert ledger.record(RecordFacts([_order(40, "u0", 3), _order(41, "u1", 1)])).accepted == 2
    return ledger


def test_without_idents_receipts_are_the_same_from_what_is_packed_on(plain: Ledger) -> None:
    table, _, packs = _by_packs(plain, with_idents=False)
    log = plain.table(*EVERYBODY, with_attributes=None)
    assert [packs[number].idents for number in (0, 1)] == [None, None]
    for column in ("subject", "position", "occurred_at", "known_at", "kind", "amount", "attributes", "voided_at"):
        assert np.array_equal(getattr(table, column), getattr(log, column)), column
    seen, known = FactsSeen(table), FactsSeen(log)
    for number, first, last in ((0, 20, 21), (1, 20, 21), (2, 0, 1)):
        for count in range(first, last + 1):
            assert seen.digest(number, count) == known.digest(number, count)
    for few in (0, 19):
        with pytest.raises(AssertionError, match="not read"):
            seen.digest(0, few)


def test_some_of_the_subjects_keep_what_is_known_of_their_receipts(plain: Ledger) -> None:
    table, _, _ = _by_packs(plain, with_idents=False)
    some, known = FactsSeen(table.of_subjects([1, 3])), FactsSeen(plain.table("u1", "u3", with_attributes=None))
    assert some.digest(0, 21) == known.digest(0, 21)
    assert some.digest(1, 1) == known.digest(1, 1)


def test_idents_are_read_for_who_needs_them(plain: Ledger) -> None:
    _, _, packs = _by_packs(plain, with_idents=False)
    until = {number: pack.body.seen_until for number, pack in packs.items()}

    def needed(*decided_at: int | None) -> list[int]:
        ids = _subjects(plain)
        with plain.pool.connection() as connection:
            rest = fact_rows(ask_unpacked(connection, ids, frozenset()))
        return to_be_identified(packs, rest, decided_at)

    assert needed(until[0], until[1], None, None) == []
    assert needed(None, until[1] - 1, None, None) == [0, 1]  # a receipt may tell of some of what is packed
    void = {"fact_id": "o0", "reason": "typo"}
    text = fact_text("v", "u0", kind="void", amount=None, currency=None, attributes=void)
    assert plain.record(RecordFacts([text])).accepted == 1
    assert needed(until[0], until[1], None, None) == [0]
    named, _, _ = _by_packs(plain)
    _assert_same(named, plain.table(*EVERYBODY, with_attributes=None))
