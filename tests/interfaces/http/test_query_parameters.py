"""Query parameters that a route almost knows are refused, and every one that is published is known."""

import pytest

from tests.interfaces.http.conftest import Api
from tests.interfaces.http.test_bad_input import problem


@pytest.mark.parametrize(
    ("path", "asked", "meant"),
    [
        ("/v1/users/u-1/tiers", {"asof": "2026-01-01T00:00:00Z", "knownAt": "x"}, ["as_of", "known_at"]),
        ("/v1/schemes/value/distribution", {"as-of": "2026-01-01T00:00:00Z"}, ["as_of"]),
        ("/v1/users/u-1", {"at_leest": "5"}, ["at_least"]),
    ],
)
def test_a_query_parameter_that_is_misspelled(api: Api, path: str, asked: dict[str, str], meant: list[str]) -> None:
    found = problem(api.client.get(path, params=asked), 422)
    assert [(error["field"], error["value"]) for error in found["errors"]] == list(asked.items())
    assert [error["remedy"] for error in found["errors"]] == [f"did you mean {name}?" for name in meant]


def test_what_is_nothing_like_a_parameter_is_ignored(api: Api) -> None:
    assert api.client.get("/v1/tier-models", params={"utm_source": "mail", "_": "1"}).status_code == 200


def test_every_published_query_parameter_is_known(api: Api) -> None:
    for path, operations in api.client.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            named = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
            if named and path.startswith("/v1/"):
                url = path.replace("{", "").replace("}", "").replace("/version/", "/1/")
                answer = api.client.request(method, url, params=dict.fromkeys(named, "1"))
                assert "misspelled" not in answer.text, (method, path, answer.text)
