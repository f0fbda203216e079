"""The notice of a version over HTTP: its date, what changes, what becomes of members, in two languages."""

from infrastructure.bootstrap import System
from tests.interfaces.http.conftest import MODEL, Api
from tests.interfaces.http.test_bad_input import problem

URL = "/v1/tier-models/value/versions"
YAML = {"content-type": "application/yaml"}


def test_a_version_is_announced(api: Api, system: System) -> None:
    api.activate()
    stricter = MODEL.replace("money(10.00)", "money(60.00)")
    assert api.client.post("/v1/tier-models", content=stricter, headers=YAML).status_code == 201
    first = api.client.get(f"{URL}/1/notice").json()
    assert (first["against"], first["changes"], first["transition"]) == (
        None,
        ["There was no version before this one."],
        [],
    )
    draft = api.as_role("service").get(f"{URL}/2/notice").json()
    assert (draft["version"], draft["against"], draft["from"], draft["lang"]) == (2, 1, None, "en")
    assert draft["dates"] == ["Not in force yet."] and draft["transition"] == []
    (change,) = draft["changes"]
    assert "is at least USD 60.00. Before: mid: total amount of orders" in change
    body = {"at": "2031-01-01T00:00:00Z", "migration": {"mode": "soft-landing", "grace_days": 30}}
    assert api.client.post(f"{URL}/2/schedule", json=body).status_code == 200
    told = api.client.get(f"{URL}/2/notice", params={"lang": "zh-CN"}).json()
    assert told["from"] == body["at"] and told["dates"] == ["自2031年1月1日起生效。"]
    assert told["transition"] == ["变更后30天内不降级；此后每次最多降一级，直至首次满足新规则。"]
    for part in ("changes", "transition", "rules", "policy"):
        assert all(sentence in told["text"] for sentence in told[part]) and told[part]
    assert api.client.get(f"{URL}/2/notice", params={"against": 2}).json()["changes"] == [
        "For members nothing changes."
    ]


def test_after_roll_back_it_is_held_against_what_was_in_force(api: Api) -> None:
    api.activate()
    api.activate(MODEL.replace("money(10.00)", "money(60.00)"))
    assert api.client.get(f"{URL}/2/notice").json()["against"] == 1
    assert api.client.post(f"{URL}/1/activate").status_code == 200
    back = api.client.get(f"{URL}/1/notice").json()
    assert back["against"] == 2 and "at least USD 10.00. Before" in back["changes"][0]


def test_what_is_refused(api: Api) -> None:
    api.activate()
    open_cuts = MODEL.replace("rules:", "scores:\n  m: {of: spend, bins: 3, cuts: fitted}\nrules:")
    assert api.client.post("/v1/tier-models", content=open_cuts, headers=YAML).status_code == 201
    assert "cuts-not-fitted" in problem(api.client.get(f"{URL}/2/notice"), 409)["type"]
    assert "version-unknown" in problem(api.client.get(f"{URL}/9/notice"), 404)["type"]
    assert "version-unknown" in problem(api.client.get(f"{URL}/1/notice", params={"against": 9}), 404)["type"]
    assert "unknown-scheme" in problem(api.client.get("/v1/tier-models/nope/versions/1/notice"), 404)["type"]
    assert problem(api.client.get(f"{URL}/1/notice", params={"lang": "fr"}), 422)["errors"][0]["field"] == "lang"
