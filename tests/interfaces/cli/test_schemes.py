"""`tierline scheme`, and a user's past standings, out of the log."""

from tests.interfaces.cli.conftest import Run

FUTURE = "2099-01-01T00:00:00Z"


def test_sizes_flows_and_a_users_past(tierline: Run, model_file: str, facts_file: str) -> None:
    tierline("model", "activate", model_file)
    tierline("facts", "import", "--history", facts_file)
    then = "2026-01-11T00:00:00Z"
    assert tierline("scheme", "distribution", "value", "--as-of", then)["tiers"] == {"low": 0, "mid": 3, "high": 0}
    early = tierline("scheme", "distribution", "value", "--as-of", then, "--known-at", then)
    assert sum(early["tiers"].values()) == 0, "it was loaded later"
    flows = tierline("scheme", "flows", "value", "--from", "2026-01-01T00:00:00Z", "--to", then)
    assert flows["flows"] == [{"from": None, "to": "mid", "users": 3}]
    past = tierline("user", "tiers", "u-1", "--as-of", then)
    assert (past["as_of"], past["standings"]["value"]["tier"]) == (then, "mid")
    assert tierline("user", "tiers", "u-1", "--as-of", "2026-01-09T00:00:00Z")["standings"] == {}
    for words in (("scheme", "distribution", "value"), ("user", "tiers", "u-1")):
        assert "As known at" in tierline(*words, as_json=False)
    said = tierline("scheme", "flows", "value", "--from", "2026-01-01T00:00:00Z", as_json=False)
    assert "moves" in said and "mid" in said


def test_what_is_refused(tierline: Run, model_file: str) -> None:
    tierline("model", "activate", model_file)
    assert "no scheme" in tierline("scheme", "distribution", "nope", code=1)
    assert "ahead of now" in tierline("scheme", "distribution", "value", "--known-at", FUTURE, code=1)
    assert "does not go forward" in tierline(
        "scheme", "flows", "value", "--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z", code=1
    )
    assert "not kept per scope" in tierline(
        "scheme", "flows", "value", "--from", "2026-01-02T00:00:00Z", "--scope", "m-1", code=1
    )
    tierline("scheme", "flows", "value", "--from", "soon", code=2)
    tierline("scheme", "flows", "value", code=2)
    assert "No fact" in tierline("user", "tiers", "nobody", code=1)
