"""The product's events beside the reference's, and the smallest case that still shows a difference."""

from collections.abc import Iterator
from dataclasses import replace

from tests.reference.cases import Case
from tests.reference.evaluator import Event, decide_subject
from tests.reference.product import decide
from tests.reference.stories import told_all_schemes


def expected(case: Case) -> list[list[Event]]:
    """The reference's events, per subject."""
    return [
        decide_subject(person.facts, case.schemes, person.tags, case.until, case.sealed_at) for person in case.people
    ]


def in_one_order(events: list[Event]) -> list[Event]:
    """By time, scheme and scope: events of one instant on different schemes have no order of their own."""
    return sorted(events, key=lambda event: (event["effective_at"], event["scheme"], event["scope"]))


def difference(case: Case) -> str | None:
    """The smallest case that still differs, told with both timelines; None when all agree."""
    for number, (found, wanted) in enumerate(zip(decide(case), expected(case), strict=True)):
        if in_one_order(found) != in_one_order(wanted):
            return _told(_smallest(replace(case, people=[case.people[number]])), number)
    return None


def told_with_values(events: list[Event]) -> str:
    """Lines for people."""
    lines = zip(told_all_schemes(in_one_order(events)), in_one_order(events), strict=True)
    return "\n".join(f"{line} {event['values']}" for line, event in lines)


def _told(case: Case, number: int) -> str:
    person = case.people[0]
    versions = [f"{of.activated_at}: {of.model}" for versions in case.schemes.values() for of in versions]
    return "\n".join(
        [
            f"seed {case.seed} subject {number} until {case.until} sealed_at {case.sealed_at}",
            *versions,
            *map(str, person.facts),
            *map(str, person.tags),
            f"product:\n{told_with_values(decide(case)[0])}",
            f"reference:\n{told_with_values(expected(case)[0])}",
        ]
    )


def _smallest(case: Case) -> Case:
    """With as few facts, commands, versions and words as still differ."""
    while True:
        for simpler in _simpler(case):
            if in_one_order(decide(simpler)[0]) != in_one_order(expected(simpler)[0]):
                case = simpler
                break
        else:
            return case


def _simpler(case: Case) -> Iterator[Case]:
    (person,) = case.people
    for name, versions in case.schemes.items():
        if not any(name in of.reads for others in case.schemes.values() for of in others) and len(case.schemes) > 1:
            yield replace(case, schemes={other: of for other, of in case.schemes.items() if other != name})
        for number in range(len(versions)):
            if len(versions) > 1:
                kept = versions[:number] + versions[number + 1 :]
                yield replace(case, schemes=case.schemes | {name: kept})
    for number in range(len(person.facts)):
        if len(person.facts) > 1:
            yield replace(case, people=[replace(person, facts=person.facts[:number] + person.facts[number + 1 :])])
    for number in range(len(person.tags)):
        yield replace(case, people=[replace(person, tags=person.tags[:number] + person.tags[number + 1 :])])
    for name, versions in case.schemes.items():
        for number, version in enumerate(versions):
            for key in version.model["policy"]:
                policy = {word: value for word, value in version.model["policy"].items() if word != key}
                simpler = replace(version, model=version.model | {"policy": policy})
                yield replace(
                    case, schemes=case.schemes | {name: [*versions[:number], simpler, *versions[number + 1 :]]}
                )
