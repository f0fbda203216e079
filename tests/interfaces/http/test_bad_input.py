"""Bad input over HTTP: a clear problem that names field, value and remedy, and harms nothing else."""

import httpx
import pytest

from application.access import PERMISSIONS, Permission, Role
from tests.interfaces.http.conftest import MODEL, Api, order

NDJSON = {"content-type": "application/x-ndjson"}


def problem(answer: httpx.Response, status: int) -> dict:
    """The problem document, checked for its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document.keys() == {"type", "title", "status", "detail", "errors"}
    assert document["status"] == status and document["detail"] and "Traceback" not in answer.text
    for error in document["errors"]:
        assert {"field", "value", "remedy"} <= error.keys() and error["remedy"]
    return document


def test_who_is_not_let_in(api: Api) -> None:
    url = f"{api.client.base_url}/v1/users/u-1"
    assert "no API key" in problem(httpx.get(url), 401)["detail"]
    assert httpx.get(url).headers["www-authenticate"] == "Bearer"
    for header in ("tl_0_0", "Basic abc", "Bearer", "Bearer tl_nobody_secret", "Bearer tl_\u00e9_x"):
        problem(httpx.get(url, headers={"authorization": header.encode()}), 401)
    key, token = api.system.keys.create("left", "service")
    api.system.keys.revoke(key.key_id)
    problem(httpx.get(url, headers={"authorization": f"Bearer {token}"}), 401)
    problem(httpx.get(url, headers={"authorization": f"Bearer {token[:-1]}"}), 401)


REQUESTS = {
    Permission.RECORD_FACTS: ("POST", "/v1/facts", {"facts": []}),
    Permission.LOAD_HISTORY: ("POST", "/v1/history", None),
    Permission.REGISTER_KINDS: ("PUT", "/v1/fact-kinds/order", {}),
    Permission.READ_HISTORY: ("GET", "/v1/users/u-1/history", None),
    Permission.EVALUATE: ("POST", "/v1/users/u-1/evaluations", {}),
    Permission.TAG_USERS: ("POST", "/v1/users/u-1/tags/vip", None),
    Permission.GRANT_BENEFITS: ("POST", "/v1/users/nobody/grants", {"benefit": "x"}),
    Permission.REDEEM_GRANTS: ("POST", "/v1/grants/nothing/redemptions", {}),
    Permission.ISSUE_BENEFITS: ("PUT", "/v1/issuances/monthly", {}),
    Permission.REVOKE_GRANTS: ("DELETE", "/v1/grants/nothing", None),
    Permission.READ_BENEFIT_LEDGER: ("GET", "/v1/ledger/liability", None),
    Permission.GRANT_IN_BULK: ("POST", "/v1/bulk-grants/nothing/start", None),
    Permission.APPROVE_BULK_GRANTS: ("POST", "/v1/bulk-grants/nothing/approve", None),
    Permission.HOLD_BULK_GRANTS: ("POST", "/v1/bulk-grants/nothing/pause", None),
    Permission.DRAFT_BENEFITS: ("POST", "/v1/benefits", {}),
    Permission.APPROVE_BENEFITS: ("POST", "/v1/benefits/nothing/versions/1/approve", {"content_hash": "x"}),
    Permission.ACTIVATE_BENEFITS: ("POST", "/v1/benefits/nothing/versions/1/activate", None),
    Permission.STOP_GRANTS: ("POST", "/v1/grant-stops", {"scope": "benefit:nothing", "reason": "x"}),
    Permission.LIFT_STOPS: ("DELETE", "/v1/grant-stops/benefit:nothing", None),
    Permission.TAG_IN_BULK: ("POST", "/v1/bulk-tags/nothing/run", None),
    Permission.DEFINE_TAGS: ("POST", "/v1/tags", {}),
    Permission.MERGE_USERS: ("POST", "/v1/users/nobody/aliases", {"alias": "x"}),
    Permission.DEFINE_STRATEGIES: ("POST", "/v1/strategies", {}),
    Permission.APPROVE_STRATEGIES: ("POST", "/v1/campaigns/nothing/approve", {"content_hash": "x"}),
    Permission.RUN_STRATEGIES: ("POST", "/v1/strategies/nothing/start", None),
    Permission.ASSIGN_STRATEGIES: ("POST", "/v1/users/nobody/strategies", {"strategy": "x"}),
    Permission.HOLD_TIERS: ("PUT", "/v1/users/u-1/freezes/value", {}),
    Permission.APPROVE_OVERRIDES: ("POST", "/v1/override-requests/none/approve", {}),
    Permission.VERIFY: ("POST", "/v1/verifications", {}),
    Permission.PREVIEW_MODELS: ("POST", "/v1/tier-models/value/versions/1/preview", {}),
    Permission.MEASURE_MODELS: ("POST", "/v1/schemes/value/effect", {}),
    Permission.SEARCH: ("GET", "/v1/schemes/value/distribution", None),
    Permission.DRAFT_MODELS: ("POST", "/v1/tier-models", {}),
    Permission.APPROVE_MODELS: ("POST", "/v1/tier-models/value/versions/1/approve", {"content_hash": "x"}),
    Permission.ACTIVATE_MODELS: ("POST", "/v1/tier-models/value/versions/1/activate", None),
    Permission.RUN_PROJECTIONS: ("POST", "/v1/projections/nothing/rebuild", None),
    Permission.MOVE_CLOCK: ("PUT", "/v1/clock", {"now": "2026-01-01T00:00:00Z"}),
}


@pytest.mark.parametrize("role", list(Role))
def test_each_role_does_what_the_table_says(api: Api, role: Role) -> None:
    assert PERMISSIONS.keys() - REQUESTS.keys() == {
        Permission.READ_USERS,
        Permission.TRY_OUT,
        Permission.READ_MODELS,
        Permission.READ_STRATEGIES,
        Permission.READ_BENEFITS,
        Permission.READ_TAGS,
        Permission.WATCH,
        Permission.TAKE_OVER,
    }, "allowed to everybody, or at the command line alone; a new permission needs a request here"
    client = api.as_role(role)
    for permission, (method, path, body) in REQUESTS.items():
        answer = client.request(method, path, json=body)
        if role in PERMISSIONS[permission]:
            assert answer.status_code not in (401, 403), (role, permission, answer.text)
        else:
            error = problem(answer, 403)["errors"][0]
            assert error["value"] == role and "admin" in error["remedy"]


BAD_FACTS = {
    "unknown kind": ({"kind": "purchase"}, "kind"),
    "missing user": ({"user_id": None}, "user_id"),
    "malformed instant": ({"occurred_at": "yesterday"}, "occurred_at"),
    "negative amount": ({"amount": -1}, "amount"),
    "fractional amount": ({"amount": 12.5}, "amount"),
    "far future": ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at"),
    "unknown field": ({"colour": "red"}, "colour"),
}


@pytest.mark.parametrize("name", BAD_FACTS)
def test_a_bad_fact_costs_only_itself(api: Api, name: str) -> None:
    change, field = BAD_FACTS[name]
    facts = [order("u-1", "a"), order("u-1", "b") | change, order("u-2", "c")]
    answer = api.client.post("/v1/facts", json={"facts": facts})
    assert answer.status_code == 200, answer.text
    outcome = answer.json()
    assert (outcome["accepted"], outcome["duplicates"], len(outcome["rejected"])) == (2, 0, 1)
    rejected = outcome["rejected"][0]
    assert (rejected["index"], rejected["fact_id"]) == (1, "b")
    assert rejected["error"]["field"] == field and rejected["error"]["remedy"]


def test_another_currency_than_the_scheme(api: Api) -> None:
    api.activate()
    outcome = api.client.post("/v1/facts", json={"facts": [order("u-1", "a") | {"currency": "EUR"}]}).json()
    assert outcome["accepted"] == 0 and outcome["rejected"][0]["error"]["field"] == "currency"


def test_the_same_fact_twice_in_one_batch_and_again(api: Api) -> None:
    facts = [order("u-1", "a"), order("u-1", "a"), order("u-1", "a", amount=1)]
    outcome = api.client.post("/v1/facts", json={"facts": facts}).json()
    assert (outcome["accepted"], outcome["duplicates"]) == (1, 1)
    assert [rejected["index"] for rejected in outcome["rejected"]] == [2]
    again = api.client.post("/v1/facts", json={"facts": facts[:1]}).json()
    assert (again["accepted"], again["duplicates"], again["position"]) == (0, 1, outcome["position"])


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'{"facts": 1}', b'{"fact": []}', b"\xff\xfe", b""])
def test_a_body_that_is_no_list_of_facts(api: Api, body: bytes) -> None:
    answer = api.client.post("/v1/facts", content=body, headers={"content-type": "application/json"})
    assert "NDJSON" in problem(answer, 422)["errors"][0]["remedy"] or "ndjson" in answer.text


DEEP = b'{"a":' * 3_000 + b"1" + b"}" * 3_000
UNREADABLE = {
    "nested deeply": DEEP,
    "an open list in a list, and so on": b"[" * 50_000,
    "no UTF-8": b"\xff\xfe\x00",
    "a number of thousands of digits": b'{"x": ' + b"9" * 5_000 + b"}",
    "half a character": b'{"user_ids": ["\\ud800"]}',
    "half a character, as a name": b'{"\\ud800": 1}',
    "nested as deeply as can just be read": b'{"user_ids": ' + b"[" * 900 + b"]" * 900 + b"}",
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("path", ["/v1/facts", "/v1/users/batch-get"])
def test_what_no_json_reader_takes_is_refused_like_any_other_body(api: Api, path: str, name: str) -> None:
    answer = api.client.post(path, content=UNREADABLE[name], headers={"content-type": "application/json"})
    assert all(error["field"] for error in problem(answer, 422)["errors"])


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("users/u-1/aliases", b'{"alias": "\\ud800"}', "alias"),
        ("users/u-1/merges", b'{"other_user_id": "\\ud800", "reason": "x"}', "other_user_id"),
        ("users/u-1/splits", b'{"user_ids": ["\\ud800"], "reason": "x"}', "user_ids.0"),
        ("bulk-assignments", b'{"strategy": "x", "user_ids": ["\\ud800"]}', "user_ids.0"),
        ("bulk-tags", b'{"tag": "x", "reason": "x", "user_ids": ["\\ud800"]}', "user_ids.0"),
        ("bulk-grants", b'{"benefit": "x", "user_ids": ["\\ud800"]}', "user_ids.0"),
    ],
)
def test_half_a_character_in_a_user_id_is_pointed_at(api: Api, path: str, body: bytes, field: str) -> None:
    api.client.post("/v1/facts", json={"facts": [order("u-1", "a")]})
    answer = api.client.post(f"/v1/{path}", content=body, headers={"content-type": "application/json"})
    (error,) = problem(answer, 422)["errors"]
    assert (error["field"], error["remedy"]) == (field, "has half a character in it: write the whole character")


def test_a_line_that_is_nested_deeply_costs_only_itself(api: Api) -> None:
    good = httpx.Request("POST", "http://x", json=order("u-1", "a")).content
    outcome = api.client.post("/v1/facts", content=DEEP + b"\n" + good, headers=NDJSON).json()
    assert outcome["accepted"] == 1
    assert [(rejected["index"], rejected["error"]["field"]) for rejected in outcome["rejected"]] == [(0, "fact")]


def test_a_name_with_a_null_character_is_of_nobody(api: Api) -> None:
    for body in ({"user_id": "a\0b"}, {"scheme": "a\0b"}):
        problem(api.client.post("/v1/verifications", json=body), 404)


def test_too_much_at_once(api: Api) -> None:
    many = [order("u-1", str(number)) for number in range(1_001)]
    assert problem(api.client.post("/v1/facts", json={"facts": many}), 413)["errors"][0]["value"] == 1_001
    big = b'{"facts": ["' + b"x" * 10_000_000 + b'"]}'
    problem(api.client.post("/v1/facts", content=big, headers={"content-type": "application/json"}), 413)

    def chunks():
        for start in range(0, len(big), 100_000):
            yield big[start : start + 100_000]

    # Without a declared length, and on a route that reads its body as JSON.
    problem(api.client.post("/v1/segments/search", content=chunks(), headers={"content-type": "application/json"}), 413)
    assert api.client.get("/healthz").status_code == 200


def test_another_media_type(api: Api) -> None:
    assert (
        "application/x-ndjson"
        in problem(api.client.post("/v1/facts", content=b"a,b", headers={"content-type": "text/csv"}), 415)["detail"]
    )


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_says_it_is_something_else(api: Api, media_type: str) -> None:
    answer = api.client.post("/v1/users/batch-get", content=b"{}", headers={"content-type": media_type})
    found = problem(answer, 415)
    assert "send application/json" in found["detail"] and media_type in found["detail"]
    assert found["errors"][0]["field"] == "Content-Type"
    assert api.client.post("/v1/users/batch-get", content=b'{"user_ids": ["u-1"]}').json()["unknown"] == ["u-1"]


def test_broken_json_is_pointed_at(api: Api) -> None:
    broken = b'{"user_ids": [}'
    answer = api.client.post("/v1/users/batch-get", content=broken, headers={"content-type": "application/json"})
    found = problem(answer, 422)
    (error,) = found["errors"]
    assert (error["field"], error["value"]) == ("body", None)
    assert "from character 15 on" in error["remedy"] and error["remedy"] in found["detail"]


def test_a_broken_line_in_the_middle_of_a_stream(api: Api) -> None:
    def lines():
        for number in range(3_000):
            if number == 1_500:
                yield b'{"fact_id": "x", "user_id": \n'
            elif number == 2_000:
                yield b'{"fact_id": "' + b"y" * 1_500_000 + b'"}\n'
            else:
                yield httpx.Request("POST", "http://x", json=order(f"u-{number % 50}", f"o-{number}")).content + b"\n"

    answer = api.client.post("/v1/facts", content=lines(), headers=NDJSON)
    assert answer.status_code == 200, answer.text
    outcome = answer.json()
    assert outcome["accepted"] == 2_998
    assert [rejected["index"] for rejected in outcome["rejected"]] == [1_500, 2_000]


def test_nobody_ever_named_this_user(api: Api) -> None:
    for path in ("", "/tiers", "/history"):
        for user_id in ("nobody", "%00", "x" * 5_000):
            problem(api.client.get(f"/v1/users/{user_id}{path}"), 404)
    problem(api.client.post("/v1/users/nobody/evaluations"), 404)


def test_a_user_known_by_a_fact_has_a_card_before_any_decision(api: Api) -> None:
    api.record(order("u-1", "a"))
    card = api.client.get("/v1/users/u-1")
    assert card.status_code == 200 and card.json()["standings"] == {}
    assert api.client.get("/v1/users/u-1/history").json()["events"] == []


def test_schemes_and_versions_that_are_not(api: Api) -> None:
    api.activate()
    for path in ("/v1/schemes/nope/distribution", "/v1/tier-models/nope", "/v1/tier-models/nope/versions/1"):
        assert "value" in problem(api.client.get(path), 404)["errors"][0]["remedy"]
    problem(api.client.get("/v1/tier-models/value/versions/9"), 404)
    problem(api.client.post("/v1/tier-models/value/versions/9/activate"), 404)
    problem(api.client.post("/v1/tier-models/nope/versions/1/fit"), 404)
    problem(api.client.get("/v1/tier-models/value/versions/zero"), 404)
    problem(api.client.post("/v1/projections/nope/rebuild"), 404)


@pytest.mark.parametrize("instant", ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "2999-01-01T00:00:00Z"])
def test_instants_that_are_not(api: Api, instant: str) -> None:
    api.record(order("u-1", "a"))
    error = problem(api.client.get("/v1/users/u-1/tiers", params={"as_of": instant}), 422)["errors"][0]
    assert "as_of" in error["field"] and error["value"] == instant


@pytest.mark.parametrize("cursor", ["x", "djE", "djE=", "d!jE", "di0x", "dmFi", "v1", "é", "a" * 1_000])
def test_cursors_of_nobody(api: Api, cursor: str) -> None:
    api.record(order("u-1", "a"))
    if cursor != "djE":  # this one is ours
        problem(api.client.get("/v1/users/u-1/history", params={"cursor": cursor}), 422)
    problem(api.client.post("/v1/segments/search", json={"cursor": cursor}), 422)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"where": "tier.nope = 'high'"}, "where"),
        ({"where": "spend >= 10"}, "where"),
        ({"where": "spend >="}, "where"),
        ({"where": "select 1"}, "where"),
        ({"sort": ["nope"]}, "sort"),
        ({"sort": ["a b c"]}, "sort"),
        ({"sort": 7}, "sort"),
        ({"sort": [["spend"]]}, "sort"),
        ({"sort": {"field": "spend", "order": "up"}}, "sort.0.order"),
        ({"facets": ["spend"]}, "facets"),
        ({"size": 1_001}, "size"),
        ({"wher": "x"}, "wher"),
    ],
)
def test_segments_that_cannot_be(api: Api, query: dict, field: str) -> None:
    api.activate()
    error = problem(api.client.post("/v1/segments/search", json=query), 422)["errors"][0]
    assert error["field"] == field
    assert field != "where" or (error["line"], error["column"] >= 1) == (1, True)


def test_a_model_with_a_mistake_is_refused_with_its_place(api: Api) -> None:
    wrong = MODEL.replace("spend >= money(10.00)", "spent >= money(10.00)")
    error = problem(api.client.post("/v1/tier-models", content=wrong), 422)["errors"][0]
    assert error["field"] == "rules.mid.enter" and error["line"] == 13
    told = api.client.post("/v1/tier-models/lint", content=wrong).json()
    assert told["valid"] is False and told["faults"][0]["line"] == 13
    assert api.client.post("/v1/tier-models/lint", content=MODEL).json()["valid"] is True
    assert api.client.get("/v1/tier-models").json()["tier_models"] == []


def test_hypothetical_facts(api: Api) -> None:
    api.record(order("u-1", "a"))
    supposed = {"hypothetical_facts": [{"kind": "order", "amount": 1, "currency": "USD"}]}
    problem(api.client.post("/v1/users/u-1/evaluations", json=supposed), 422)
    wrong = {"dry_run": True, "hypothetical_facts": [{"kind": "order", "amount": -1, "currency": "USD"}]}
    error = problem(api.client.post("/v1/users/u-1/evaluations", json=wrong), 422)["errors"][0]
    assert error["field"] == "hypothetical_facts.0.amount"
    of_another = {"dry_run": True, "hypothetical_facts": [order("u-2", "b")]}
    error = problem(api.client.post("/v1/users/u-1/evaluations", json=of_another), 422)["errors"][0]
    assert (error["field"], error["value"]) == ("hypothetical_facts.0.user_id", "u-2")


def test_paths_and_methods_that_are_not(api: Api) -> None:
    problem(api.client.get("/v2/users"), 404)
    problem(api.client.delete("/v1/facts"), 405)
    problem(api.client.post("/v1/users/batch-get", json={"user_ids": [str(n) for n in range(501)]}), 422)
    problem(api.client.post("/v1/users/batch-get", content=b"{", headers={"content-type": "application/json"}), 422)


def test_the_system_clock_is_not_set(api: Api) -> None:
    problem(api.client.put("/v1/clock", json={"now": "2030-01-01T00:00:00Z"}), 409)
    problem(api.client.put("/v1/clock", json={"now": None}), 422)
    assert "tierline-clock" not in api.client.get("/v1/clock").headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/users/a%00b?at_least=1"),
        ("POST", "/v1/users/a%00b/evaluations"),
        ("GET", "/v1/schemes/a%00b/distribution"),
        ("GET", "/v1/tier-models/value/versions/x"),
        ("GET", "/v1/history/nope"),
        ("POST", "/v1/history/nope/seal"),
        ("POST", "/v1/receipts/nope/verification"),
        ("POST", f"/v1/receipts/{'0' * 32}-1/verification"),
    ],
)
def test_ids_that_nothing_can_have(api: Api, method: str, path: str) -> None:
    problem(api.client.request(method, path), 404)


def test_a_user_id_may_hold_slashes(api: Api) -> None:
    api.activate()
    api.record(order("shop/7/ann", "a"))
    evaluated = api.client.post("/v1/users/shop%2F7%2Fann/evaluations")
    assert evaluated.json()["user_id"] == "shop/7/ann", evaluated.text
    for path in ("", "/tiers", "/history"):
        for user_id in ("shop/7/ann", "shop%2F7%2Fann"):
            assert api.client.get(f"/v1/users/{user_id}{path}").json()["user_id"] == "shop/7/ann"
    assert problem(api.client.get("/v1/users/shop/7"), 404)["errors"][0]["value"] == "shop/7"
    metrics = api.client.get("/metrics").text
    assert 'route="/v1/users/{user_id}"' in metrics and "shop" not in metrics


def test_fitting_looks_back_only(api: Api) -> None:
    fitted = MODEL.replace("rules:", "scores:\n  m: {of: spend, bins: 2, best: high, cuts: fitted}\nrules:")
    api.client.post("/v1/tier-models", content=fitted)
    ahead = api.client.post("/v1/tier-models/value/versions/1/fit", json={"at": "2999-01-01T00:00:00Z"})
    assert problem(ahead, 422)["errors"][0]["field"] == "at"


def test_a_missing_field_has_no_value(api: Api) -> None:
    error = problem(api.client.post("/v1/users/batch-get", json={}), 422)["errors"][0]
    assert (error["field"], error["value"]) == ("user_ids", None)
