"""What becomes of every fact when user ids leave a subject."""

from typing import Any
from uuid import UUID

import pytest

from domain.facts.fact import Fact
from domain.user_tier.decide import Subject
from domain.user_tier.splitting import (
    Brought,
    NobodyStays,
    Parting,
    SplitInvalid,
    UserIdOfAnother,
    is_of_a_split,
    part,
    recorded_by_split,
    require_some_to_leave,
    require_some_to_stay,
)

ANN, BOB, EVE = 0, 1, 2


def fact(fact_id: str, kind: str = "order", source: str = "pos", **attributes: Any) -> Fact:
    return Fact(fact_id, "", kind, 7, source, attributes=attributes)


def void(fact_id: str, of: str, source: str = "pos") -> Fact:
    return Fact(fact_id, "", "void", 7, source, attributes={"fact_id": of, "source": "pos", "reason": "returned"})


def parted(*facts: tuple[Fact, set[int]], leaving: int = BOB) -> Parting:
    return part([Brought(one, frozenset(by)) for one, by in facts], frozenset({leaving}))


def ids(facts: Any) -> list[str]:
    return [one.fact.fact_id if isinstance(one, Brought) else one.fact_id for one in facts]


def test_facts_go_with_the_id_that_brought_them() -> None:
    found = parted((fact("a"), {ANN}), (fact("b"), {BOB}), (fact("both"), {ANN, BOB}), (fact("e"), {EVE}))
    assert (ids(found.copied), ids(found.voided)) == (["b", "both"], ["b"])
    assert [one.by for one in found.copied] == [{BOB}, {BOB}]


def test_what_has_left_before_or_counts_no_more_is_not_voided_again() -> None:
    found = parted((fact("gone"), set()), (fact("b"), {BOB}), (void("v", "b"), {BOB}))
    assert (ids(found.copied), ids(found.voided)) == (["b", "v"], [])


def test_a_void_goes_with_its_fact_and_with_its_id() -> None:
    found = parted(
        (fact("a"), {ANN}),
        (fact("b"), {BOB}),
        (void("of-b", "b", "desk"), {ANN}),
        (void("of-a", "a"), {BOB}),
        (void("of-x", "x"), {ANN}),
    )
    assert ids(found.copied) == ["b", "of-b", "of-a"]
    assert [set(one.by) for one in found.copied] == [{BOB}, set(), {BOB}]
    assert (found.voided, ids(found.kept)) == ([], ["of-a"])


def test_what_was_recorded_for_grants_stays_with_them() -> None:
    found = parted((fact("g", "growth-bonus", "tierline"), {BOB}), (fact("b"), {BOB}))
    assert (ids(found.copied), ids(found.voided), ids(found.kept)) == (["b"], ["b"], ["g"])


def test_what_restricts_is_lost_for_nobody() -> None:
    bobs = fact("p1", "profile", personalisation_opt_out=True, unsubscribed_sms="true", city="Ulm")
    anns = fact("p2", "profile", minor=True, risk_listed=False, age=15)
    both = fact("p3", "profile", unsubscribed=True)
    lifted = fact("p4", "profile", unsubscribed=False)
    wrong = fact("p5", "profile", minor=True)
    of_bob = [(one, {BOB}) for one in (lifted, wrong, void("v", "p5"))]
    found = parted((bobs, {BOB}), (anns, {ANN}), (both, {ANN, BOB}), *of_bob)
    assert [one.attributes for one in found.restricting] == [
        {"personalisation_opt_out": True, "unsubscribed_sms": "true"}
    ]
    assert [one.attributes for one in found.restricting_new] == [{"minor": True}]
    mine, new = recorded_by_split(Subject(UUID(int=5), 0), found, 99, "sold on")
    assert [(one.kind, one.occurred_at) for one in mine] == [("void", 99), ("void", 99), ("profile", 7)]
    assert [(one.kind, one.occurred_at, one.attributes) for one in new] == [("profile", 7, {"minor": True})]
    assert mine[0].attributes == {"fact_id": "p1", "source": "pos", "reason": "sold on"}
    assert len({(one.source, one.fact_id) for one in (*mine, *new)}) == 4
    assert [is_of_a_split(one) for one in mine] == [True, True, False]
    assert not is_of_a_split(void("v", "p5"))


@pytest.mark.parametrize(("leaving", "said"), [([], "No user id"), (["b", "c", "b"], "twice")])
def test_some_must_be_named_once(leaving: list[str], said: str) -> None:
    with pytest.raises(SplitInvalid, match=said):
        require_some_to_leave(leaving)


def test_some_of_the_users_own_ids_leave_and_some_stay() -> None:
    require_some_to_stay("a", ["b"], ["a", "b"])
    with pytest.raises(UserIdOfAnother, match="'x', 'y' do not name"):
        require_some_to_stay("a", ["b", "x", "y"], ["a", "b"])
    with pytest.raises(NobodyStays, match="nobody would stay"):
        require_some_to_stay("a", ["b", "a"], ["a", "b"])
    with pytest.raises(SplitInvalid, match="addressed by an id that is to leave"):
        require_some_to_stay("a", ["a"], ["a", "b"])
