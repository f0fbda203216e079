"""The product's timeline against the reference's, on random models and facts.

A difference prints the seed and the smallest set of facts that still shows it; `make_case(seed)` brings the case back.
"""

from dataclasses import replace
from random import Random

import pytest

from tests.reference.cases import DAY, Case, make_case
from tests.reference.evaluator import Event, decide_timeline
from tests.reference.product import Subjects, decide
from tests.reference.stories import told

CASES, BLOCK = 700, 100
SOAK_CASES = 40_000


@pytest.mark.parametrize("first", range(0, CASES, BLOCK))
def test_decided_in_one_go(first):
    _agree(range(first, first + BLOCK))


@pytest.mark.parametrize("first", range(100_000, 100_000 + CASES // 2, BLOCK // 2))
def test_decided_as_time_goes_on(first):
    """In many pieces, each with only the facts known by then; and nothing happens before the deadline that was
    announced."""
    for seed in range(first, first + BLOCK // 2):
        _agree_in_pieces(make_case(seed))


@pytest.mark.soak
def test_many_more_cases():
    _agree(range(1_000_000, 1_000_000 + SOAK_CASES))
    for seed in range(2_000_000, 2_000_000 + SOAK_CASES // 4):
        _agree_in_pieces(make_case(seed))


def test_a_wrong_timeline_is_told():
    """The comparison can fail: a reference that decides an hour less finds fewer events in some case."""
    shorter = [replace(case, until=case.until - 30 * DAY) for case in map(make_case, range(20))]
    assert any(_expected(case) != decide(full) for case, full in zip(shorter, map(make_case, range(20)), strict=True))


def _agree(seeds: range) -> None:
    for seed in seeds:
        case = make_case(seed)
        decided = decide(case)
        for number, expected in enumerate(_expected(case)):
            if decided[number] != expected:
                pytest.fail(_told_smallest(replace(case, subjects=[case.subjects[number]])))


def _expected(case: Case) -> list[list[Event]]:
    return [_comparable(decide_timeline(facts, case.versions, case.until, case.sealed_at)) for facts in case.subjects]


def _comparable(events: list[Event]) -> list[Event]:
    """Without the cause, which the walk leaves to its caller: it only says whether a version came into force."""
    return [
        {key: value for key, value in event.items() if key != "cause"}
        | {"model_change": event["cause"] == "model-change"}
        for event in events
    ]


def _agree_in_pieces(case: Case) -> None:
    random = Random(case.seed)
    instants = {random.randrange(case.until - 60 * DAY, case.until) for _ in range(6)} | {case.until}
    if case.sealed_at is not None:
        instants = {instant for instant in instants if instant > case.sealed_at} | {case.sealed_at}
    subjects = Subjects(case)
    decided: list[list[Event]] = [[] for _ in case.subjects]
    for now in sorted(instants):
        events, result = subjects.decide_until(now)
        for number, found in enumerate(events):
            decided[number] += found
            _announced(case, number, now, int(result.due_at[number]))
    for number, expected in enumerate(_expected(case)):
        assert told_all(decided[number]) == told_all(expected), f"in pieces, seed {case.seed}, subject {number}"


def _announced(case: Case, number: int, now: int, due_at: int) -> None:
    """With what is known by now, the first thing that time alone brings is not before the announced deadline."""
    versions = [version for version in case.versions if version.activated_at < now]
    facts = [fact for fact in case.subjects[number] if fact["known_at"] < now]
    if not versions:
        return
    to_come = [
        event
        for event in decide_timeline(facts, versions, now + 60 * DAY, case.sealed_at)
        if event["effective_at"] >= now
    ]
    assert not to_come or due_at <= to_come[0]["effective_at"], f"deadline missed, seed {case.seed}, subject {number}"
    assert due_at >= now


def _told_smallest(case: Case) -> str:
    """The differing subject with as few facts and versions as still differ, and both timelines."""
    smaller = True
    while smaller:
        smaller = False
        for simpler in _simpler(case):
            if decide(simpler) != _expected(simpler):
                case, smaller = simpler, True
                break
    facts = "\n".join(map(str, case.subjects[0]))
    versions = "\n".join(f"{version.activated_at}: {version.model}" for version in case.versions)
    found, expected = decide(case)[0], _expected(case)[0]
    return (
        f"seed {case.seed} until {case.until} sealed_at {case.sealed_at}\n{versions}\n{facts}\n"
        f"product:\n{told_all(found)}\nreference:\n{told_all(expected)}"
    )


def _simpler(case: Case):
    facts = case.subjects[0]
    for number in range(len(facts)):
        if len(facts) > 1:
            yield replace(case, subjects=[facts[:number] + facts[number + 1 :]])
    for number in range(len(case.versions)):
        if len(case.versions) > 1:
            yield replace(case, versions=case.versions[:number] + case.versions[number + 1 :])
    for number, version in enumerate(case.versions):
        for key in version.model["policy"]:
            policy = {name: value for name, value in version.model["policy"].items() if name != key}
            simpler = replace(version, model=version.model | {"policy": policy})
            yield replace(case, versions=[*case.versions[:number], simpler, *case.versions[number + 1 :]])


def told_all(events: list[Event]) -> str:
    """Lines for people."""
    return "\n".join(told([{"cause": "model-change" if event["model_change"] else "", **event} for event in events]))
