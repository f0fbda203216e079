"""Search documents: their shape, versions, refusals, and what can be asked."""

from uuid import UUID, uuid4

import msgspec
import pytest
from opensearchpy import OpenSearch

from application.queries import CursorInvalid
from projections.records import ObservationRecord
from projections.search_index import SearchIndex
from projections.target import LaneBatch, Refused, TargetMissing
from projections.user_search.projector import project, scoped_tier
from projections.user_search.view import UserSearchView, user_search_index
from tests.projections.written_log import SHOP, START, observation

VERSION = 1
ESCAPED = SHOP.replace("%", "%25").replace("/", "%2F")


@pytest.fixture
def target(search_client: OpenSearch, opensearch) -> SearchIndex:
    target = user_search_index(search_client, opensearch.prefix)
    assert target.missing(VERSION, answers=True)
    target.create(VERSION)
    target.point_to(VERSION)
    assert not target.missing(VERSION, answers=True)
    return target


def seen(tier: str, position: int, subject_id: UUID, user_id: str, number: int = 0) -> ObservationRecord:
    return ObservationRecord(position, subject_id, (user_id,), 1, START, observation(tier, START, 1, number))


def write(target: SearchIndex, *records: ObservationRecord) -> list[Refused]:
    refused = target.apply(VERSION, LaneBatch(0, 1, 0, records[-1].position, [project(record) for record in records]))
    target.settle(VERSION)
    return refused


def test_a_document_tells_standings_and_features(target: SearchIndex, search: UserSearchView) -> None:
    ann = uuid4()
    write(target, seen("high", 3, ann, "ann"))
    (document,) = search.members()
    assert document["tiers"] == {"value": "high", "behaviour": "active", "feature": "family", "club": "high"}
    assert document["scoped_tiers"] == sorted([f"loyalty/{ESCAPED}/low", "loyalty/m-1/high"])
    assert document["since"]["value"] == "2026-01-01T00:00:00Z"
    assert document["features"]["value"] == {"frequency": 5, "spend": 120_000, "basket": 30_000.5}
    assert document["days"]["value"] == {"recency": "2025-12-28"}  # not a number that goes stale
    assert document["attributes"] == {"age_band": "35-44", "kids": 2}
    assert (document["user_ids"], document["tags"], document["position"]) == (["ann"], ["vip"], 3)
    assert document["subject_id"] == ann.hex


def test_a_standing_with_a_merchant_is_found_in_one_field(target: SearchIndex, search: UserSearchView) -> None:
    write(target, seen("high", 1, uuid4(), "ann"), seen("low", 2, uuid4(), "bob"))
    for term, found in (
        (scoped_tier("loyalty", "m-1", "high"), {"ann"}),
        (scoped_tier("loyalty", SHOP, "low"), {"ann", "bob"}),
        (scoped_tier("loyalty", "m", "1/high"), set()),
    ):
        users = search.search({"term": {"scoped_tiers": term}}).users
        assert {user["user_id"] for user in users} == found
    anything = search.search({"prefix": {"scoped_tiers": scoped_tier("loyalty", "m-1")}})
    assert anything.total == 2
    assert search.search({"prefix": {"scoped_tiers": scoped_tier("loyalty", "m-")}}).total == 0


def test_thousands_of_merchants_are_one_field(
    target: SearchIndex, search: UserSearchView, search_client: OpenSearch
) -> None:
    record = seen("high", 1, uuid4(), "ann")
    member = record.observation.schemes["loyalty"]["m-1"]
    record.observation.schemes["loyalty"] = {f"m-{number}": member for number in range(6_000)}
    assert write(target, record) == []
    assert search.search({"term": {"scoped_tiers": "loyalty/m-5999/high"}}).total == 1
    mapping = search_client.indices.get_mapping(index=target.index(VERSION))[target.index(VERSION)]["mappings"]
    assert mapping["properties"]["scoped_tiers"] == {"type": "keyword"}


def test_applied_twice_and_out_of_order_the_newest_stays(target: SearchIndex, search: UserSearchView) -> None:
    ann = uuid4()
    assert write(target, seen("high", 9, ann, "ann")) == []
    assert write(target, seen("high", 9, ann, "ann")) == []
    assert write(target, seen("low", 7, ann, "ann")) == []  # a 409, and all is well
    (document,) = search.members()
    assert (document["tiers"]["value"], document["position"]) == ("high", 9)


def test_one_document_that_the_mapping_refuses_costs_itself_only(target: SearchIndex, search: UserSearchView) -> None:
    write(target, seen("low", 1, uuid4(), "ann"))
    bad = seen("low", 2, uuid4(), "bob")
    documents = [project(bad), project(seen("low", 3, uuid4(), "cai"))]
    documents[0].source["typed"]["value"]["spend"]["whole"] = 1.5
    refused = target.apply(VERSION, LaneBatch(0, 1, 0, 3, documents))
    target.settle(VERSION)
    assert [(one.subject_id, one.position) for one in refused] == [(bad.subject_id, 2)]
    assert "spend" in refused[0].error
    assert search.search().total == 2


def test_a_feature_may_be_of_another_type_for_another_user(target: SearchIndex, search: UserSearchView) -> None:
    odd = [seen("low", at, uuid4(), f"u{at}") for at in range(1, 5)]
    for record, value in zip(odd, (7, 7.5, "seven", True), strict=True):
        record.observation.schemes["feature"][""].features["favourite"] = value
    assert write(target, *odd) == []
    for part, value in (("whole", 7), ("fraction", 7.5), ("text", "seven"), ("flag", True)):
        (user,) = search.search({"term": {f"typed.feature.favourite.{part}": value}}).users
        assert user["features"]["feature"]["favourite"] == value
        assert "typed" not in user


def test_an_attribute_of_another_type_is_kept_but_not_found(target: SearchIndex, search: UserSearchView) -> None:
    odd = seen("low", 2, uuid4(), "bob")
    odd.observation.attributes["kids"] = "many"
    assert write(target, seen("low", 1, uuid4(), "ann"), odd) == []
    assert search.search({"range": {"attributes.kids": {"gte": 0}}}).total == 1
    assert search.documents([odd.subject_id.hex])[odd.subject_id.hex]["attributes"]["kids"] == "many"


def test_an_unknown_field_is_refused(target: SearchIndex) -> None:
    document = project(seen("low", 1, uuid4(), "ann"))
    document.source["surprise"] = 1
    (refused,) = target.apply(VERSION, LaneBatch(0, 1, 0, 1, [document]))
    assert "surprise" in refused.error


def test_a_deleted_index_is_not_brought_back_by_writing(target: SearchIndex, search_client: OpenSearch) -> None:
    search_client.indices.delete(index=target.index(VERSION))
    with pytest.raises(TargetMissing):
        write(target, seen("low", 1, uuid4(), "ann"))
    assert target.missing(VERSION, answers=True)
    assert not search_client.indices.exists(index=target.index(VERSION))


def test_pages_go_on_and_facets_count(target: SearchIndex, search: UserSearchView) -> None:
    tiers = ["low", "mid", "high"]
    write(target, *[seen(tiers[at % 3], at + 1, uuid4(), f"u{at}", number=at // 2) for at in range(30)])
    sort = [("typed.value.spend.whole", "desc")]
    page = search.search(sort=sort, size=7, facets={"tier": "tiers.value", "tags": "tags"})
    assert (page.total, page.facets) == (30, {"tier": {"low": 10, "mid": 10, "high": 10}, "tags": {"vip": 10}})
    users = [user["user_id"] for user in page.users]
    while page.next_cursor:
        page = search.search(sort=sort, size=7, cursor=page.next_cursor)
        users += [user["user_id"] for user in page.users]
    assert len(users) == len(set(users)) == 30
    assert set(users[:2]) == {"u28", "u29"}
    assert search.search({"term": {"tiers.value": "high"}}).total == 10


def test_a_cursor_belongs_to_its_sort(target: SearchIndex, search: UserSearchView) -> None:
    write(target, *[seen("low", at + 1, uuid4(), f"u{at}") for at in range(3)])
    cursor = search.search(size=1).next_cursor
    with pytest.raises(CursorInvalid):
        search.search(sort=[("tiers.value", "asc")], size=1, cursor=cursor)
    for nonsense in ("", "%%%", "e30", msgspec.json.encode([1]).decode()):
        with pytest.raises(CursorInvalid):
            search.search(size=1, cursor=nonsense)


def test_what_is_not_refreshed_is_not_seen(target: SearchIndex, search: UserSearchView) -> None:
    target.apply(VERSION, LaneBatch(0, 1, 0, 1, [project(seen("low", 1, uuid4(), "ann"))]))
    assert search.search().total == 0
    target.settle(VERSION)
    assert search.search().total == 1


def test_a_merged_subject_leaves_a_tombstone_that_no_search_finds(target: SearchIndex, search: UserSearchView) -> None:
    ann, bob = uuid4(), uuid4()
    write(target, seen("high", 1, ann, "ann"), seen("low", 2, bob, "bob"))
    ended = seen("low", 3, bob, "bob")
    write(target, msgspec.structs.replace(ended, user_ids=()))
    write(target, seen("low", 2, bob, "bob"))  # late: it does not come back
    assert search.search().total == 1
    assert search.search({"terms": {"tiers.value": ["high", "low"]}}, facets={"tier": "tiers.value"}).facets == {
        "tier": {"high": 1}
    }
    assert [member["user_ids"] for member in search.members()] == [["ann"]]
    assert set(search.subject_ids()) == {ann.hex, bob.hex}
    assert search.documents([bob.hex])[bob.hex]["gone"] is True
