"""The product's timeline against the reference's, on random models, facts and commands.

A difference prints the seed and the smallest case that still shows it; `make_case(seed)` brings the case back.
"""

import os
import subprocess
import sys
from dataclasses import replace
from random import Random

import pytest

from tests.reference.agreement import difference, expected, in_one_order, told_with_values
from tests.reference.cases import DAY, Case, make_case
from tests.reference.evaluator import Event, decide_subject
from tests.reference.product import Subjects, decide

CASES, BLOCK, SUBJECTS = 200, 25, 16
SOAK_CASES = 1_000_000


@pytest.mark.parametrize("first", range(0, CASES, BLOCK))
def test_decided_in_one_go(first):
    for seed in range(first, first + BLOCK):
        found = difference(make_case(seed, SUBJECTS, (6, 12, 40, 90) if seed % 4 else (150,)))
        assert found is None, found


@pytest.mark.parametrize("first", range(100_000, 100_060, 15))
def test_decided_as_time_goes_on(first):
    """In many pieces, each with only what is known by then; and nothing happens before the deadline that was
    announced."""
    for seed in range(first, first + 15):
        _agree_in_pieces(make_case(seed))


@pytest.mark.soak
@pytest.mark.timeout(7_200)
def test_a_million_cases(tmp_path):
    """On all processors; half an hour on two."""
    workers = os.cpu_count() or 1
    logs = [tmp_path / f"{number}.log" for number in range(workers)]
    command = [sys.executable, "-m", "tests.reference.soak", "--cases", str(SOAK_CASES // workers + 1)]
    running = [
        subprocess.Popen([*command, "--from", str(1_000_000 * number)], stdout=log.open("w"), stderr=subprocess.STDOUT)
        for number, log in enumerate(logs, 1)
    ]
    try:
        assert [process.wait() for process in running] == [0] * workers, "\n".join(log.read_text() for log in logs)
    finally:
        for process in running:
            process.kill()


@pytest.mark.soak
@pytest.mark.timeout(7_200)
def test_many_more_cases_as_time_goes_on():
    for seed in range(200_000, 200_000 + SOAK_CASES // 1_000):
        _agree_in_pieces(make_case(seed))


def test_a_wrong_timeline_is_told(monkeypatch):
    """The comparison can fail, and finds a small case: a product that forgets what the last month brings."""
    monkeypatch.setattr(
        "tests.reference.agreement.decide", lambda case: decide(replace(case, until=case.until - 30 * DAY))
    )
    found = next(found for found in map(difference, map(make_case, range(20))) if found is not None)
    assert "product:" in found and "reference:" in found


def test_a_soak_goes_on_where_it_stopped(tmp_path):
    command = [sys.executable, "-m", "tests.reference.soak", "--cases", "64", "--state", str(tmp_path / "state")]
    for first in (["--from", "77"], []):
        subprocess.run([*command, *first], check=True, capture_output=True)
    assert (tmp_path / "state").read_text() == "81\n"


def _agree_in_pieces(case: Case) -> None:
    random = Random(case.seed)
    instants = {random.randrange(case.until - 60 * DAY, case.until) for _ in range(6)} | {case.until}
    if case.sealed_at is not None:
        instants = {instant for instant in instants if instant > case.sealed_at} | {case.sealed_at}
    subjects = Subjects(case)
    decided: list[list[Event]] = [[] for _ in case.people]
    for now in sorted(instants):
        events, due = subjects.decide_until(now)
        for number, found in enumerate(events):
            decided[number] += found
            _announced(case, number, now, due[number])
    for number, wanted in enumerate(expected(case)):
        found = decided[number]
        assert in_one_order(found) == in_one_order(wanted), (
            f"in pieces, seed {case.seed}, subject {number}:\n"
            f"product:\n{told_with_values(found)}\nreference:\n{told_with_values(wanted)}"
        )


def _announced(case: Case, number: int, now: int, due_at: int) -> None:
    """With what is known by now, the first thing that time alone brings is not before the announced deadline."""
    known = {name: [of for of in versions if of.activated_at < now] for name, versions in case.schemes.items()}
    schemes = {name: versions for name, versions in known.items() if versions}
    person = case.people[number]
    facts = [fact for fact in person.facts if fact["known_at"] < now]
    tags = [command for command in person.tags if command.at < now]
    if not schemes:
        return
    events = decide_subject(facts, schemes, tags, now + 60 * DAY, case.sealed_at)
    to_come = [event["effective_at"] for event in events if event["effective_at"] >= now]
    assert not to_come or due_at <= to_come[0], f"deadline missed, seed {case.seed}, subject {number}, now {now}"
    assert due_at >= now
