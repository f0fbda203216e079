"""Every way of saying no has its place in the one table."""

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import application
import domain
import interfaces.http
import projections
from domain.refusal import Complaint, Refusal
from interfaces.http.errors import STATUS, complaints_of, refusal_problem

FAULTS: set[str] = {"Undecidable", "RunTaken", "_Unreadable", "GrowthNotRecorded", "RecordDamaged"}
"""Exceptions of domain and application that are no refusals: nobody asked wrongly."""


def defined_in(package: ModuleType) -> set[type[Exception]]:
    found = set()
    for module_info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module_info.name.endswith("__main__"):
            continue
        module = importlib.import_module(module_info.name)
        found |= {
            kind
            for _, kind in inspect.getmembers(module, inspect.isclass)
            if issubclass(kind, Exception) and kind.__module__ == module_info.name
        }
    return found


def unmapped(found: set[type[Exception]]) -> list[str]:
    return sorted(kind.__name__ for kind in found - STATUS.keys() - {Refusal} if kind.__name__ not in FAULTS)


def test_every_refusal_is_mapped() -> None:
    refusals = {kind for kind in defined_in(projections) | defined_in(interfaces.http) if issubclass(kind, Refusal)}
    assert unmapped(defined_in(domain) | defined_in(application) | refusals) == []


def test_a_missing_refusal_would_be_noticed() -> None:
    class Planted(Refusal):
        pass

    assert unmapped({Planted}) == ["Planted"]


@pytest.mark.parametrize("status", sorted(set(STATUS.values())))
def test_only_statuses_of_the_contract(status: int) -> None:
    assert status in (401, 403, 404, 409, 413, 422, 429)


def test_a_problem_document_names_field_value_and_remedy() -> None:
    class Planted(Refusal):
        pass

    refusal = Planted("No.", Complaint("amount", "x" * 500, "send less"))
    assert complaints_of(refusal) == [{"field": "amount", "value": "x" * 500, "remedy": "send less"}]
    STATUS[Planted] = 422
    try:
        answer = refusal_problem(refusal)
    finally:
        del STATUS[Planted]
    assert answer.media_type == "application/problem+json"
    assert b'"type":"urn:tierline:problem:planted"' in answer.body
    assert b"x" * 201 not in answer.body, "a long value is cut"
