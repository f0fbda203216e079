"""Query parameters that a route does not know are refused, and every one that is published is known."""

import pytest

from tests.interfaces.http.conftest import Api
from tests.interfaces.http.test_bad_input import problem


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/v1/users/u-1/tiers", "as_of, at_least, known_at, wait"),
        ("/v1/users/u-1", "at_least, wait"),
        ("/v1/schemes/value/distribution", "as_of, known_at, scope"),
        ("/v1/tier-models", "none"),
    ],
)
def test_a_query_parameter_that_is_misspelled(api: Api, path: str, known: str) -> None:
    asked = {"asof": "2026-01-01T00:00:00Z", "wiat": "5"}
    found = problem(api.client.get(path, params=asked), 422)
    assert [(error["field"], error["value"]) for error in found["errors"]] == list(asked.items())
    assert found["errors"][0]["remedy"].endswith(f"known here: {known}")


def test_every_published_query_parameter_is_known(api: Api) -> None:
    for path, operations in api.client.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            named = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
            if named and path.startswith("/v1/"):
                url = path.replace("{", "").replace("}", "").replace("/version/", "/1/")
                answer = api.client.request(method, url, params=dict.fromkeys(named, "1"))
                assert "unknown-query-parameter" not in answer.text, (method, path, answer.text)
