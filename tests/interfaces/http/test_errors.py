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
from tests.interfaces.http.conftest import Api
from tests.interfaces.http.test_bad_input import problem

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


def test_a_remedy_says_what_to_give_and_a_value_is_as_it_was_sent(api: Api) -> None:
    asked = [
        ("POST", "/v1/users/batch-get", {"user_ids": []}, "user_ids", "[]", "give at least 1, not 0"),
        ("POST", "/v1/users/batch-get", {"user_ids": {"a": None}}, "user_ids", '{"a": null}', "give a list"),
        ("POST", "/v1/users/batch-get", {"user_ids": [5]}, "user_ids.0", 5, "give text"),
        ("POST", "/v1/users/u-1/evaluations", {"dry_run": "false"}, "dry_run", "false", "give true or false"),
        ("POST", "/v1/facts?history=7", {"facts": []}, "history", "7", "give an id as it was answered"),
        ("GET", "/v1/users/u-1/history?size=0", None, "size", "0", "give a number of at least 1"),
        ("GET", "/v1/users/u-1/explanation?lang=fr", None, "lang", "fr", "give 'zh-CN' or 'en'"),
    ]
    for method, path, body, field, value, remedy in asked:
        refused = problem(api.client.request(method, path, json=body), 422)
        assert refused["errors"][0] == {"field": field, "value": value, "remedy": remedy}
    unread = problem(api.client.post("/v1/facts", json=[]), 422)
    assert "got `array`" in unread["detail"] and unread["errors"][0]["value"] is None
    version = problem(api.client.get("/v1/tier-models/value/versions/x"), 404)
    assert version["errors"][0]["remedy"] == "give a whole number"
