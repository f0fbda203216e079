"""User search in OpenSearch: users of a segment, a page at a time, with counts."""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from opensearchpy import OpenSearch
from opensearchpy.exceptions import ConnectionError as StoreUnreachable
from opensearchpy.exceptions import NotFoundError, TransportError

from application.queries import CursorInvalid
from projections.catalogue import USER_SEARCH
from projections.search_index import IndexReader, SearchIndex
from projections.target import ReadModelUnavailable
from projections.user_search.projector import MAPPINGS

ALIAS = "tierline-user-search"
LARGEST_PAGE = 1_000
_FACET_VALUES = 1_000
_TIE = "subject_id"
_INTERNAL = ["position", "through", "subject_id", "typed", "tag_numbers", "tag_texts"]


class SearchPage(msgspec.Struct, frozen=True):
    """total: subjects that match, exact. users: the page's documents. facets: name -> value -> subjects."""

    total: int
    users: list[dict[str, Any]]
    facets: dict[str, dict[str, int]]
    next_cursor: str | None


class UserSearchView:
    """The reading side.

    Fields: user_ids, tiers.SCHEME, since.SCHEME, tags, typed.SCHEME.NAME.(whole|fraction|text|flag), days.SCHEME.NAME,
    attributes.NAME. Shown but not searched: features.SCHEME.NAME.
    """

    def __init__(self, client: OpenSearch, prefix: str = "") -> None:
        self._reader = IndexReader(client, prefix + ALIAS)

    def search(
        self,
        query: Mapping[str, Any] | None = None,
        sort: Sequence[tuple[str, str]] = (),
        size: int = 50,
        cursor: str | None = None,
        facets: Mapping[str, str] | None = None,
    ) -> SearchPage:
        """One page of the subjects that match an OpenSearch query (None: everybody).

        sort: (field, asc or desc), ties by subject; without the field: last. facets: name -> keyword field.
        Raises CursorInvalid, ReadModelUnavailable.
        """
        order = [
            {field: {"order": direction, "missing": "_last", "unmapped_type": "long"}} for field, direction in sort
        ]
        body: dict[str, Any] = {
            "size": size,
            "query": _there(query),
            "sort": [*order, {_TIE: "asc"}],
            "track_total_hits": True,
            "_source": {"excludes": _INTERNAL},
            "aggs": {
                name: {"terms": {"field": field, "size": _FACET_VALUES}} for name, field in (facets or {}).items()
            },
        }
        mark = _mark(body["sort"])
        if cursor is not None:
            body["search_after"] = _open(cursor, mark)
        answer = self._ask(body)
        hits = answer["hits"]["hits"]
        return SearchPage(
            total=answer["hits"]["total"]["value"],
            users=[{"user_id": hit["_source"]["user_ids"][0], **hit["_source"]} for hit in hits],
            facets={
                name: {
                    str(bucket.get("key_as_string", bucket["key"])): bucket["doc_count"] for bucket in found["buckets"]
                }
                for name, found in answer.get("aggregations", {}).items()
            },
            next_cursor=_seal(mark, hits[-1]["sort"]) if len(hits) == size and hits else None,
        )

    def members(self, query: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Every matching subject's document as of one point in time, by subject."""
        for hit in self._reader.scan(_there(query), source=True, tie=_TIE):
            yield hit["_source"]

    def documents(self, subject_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Whole documents by subject id, as written; unknown ones are missing from the answer."""
        return self._reader.sources(subject_ids)

    def subject_ids(self) -> Iterator[str]:
        """Of every document there is."""
        return (hit["_id"] for hit in self._reader.scan({"match_all": {}}, source=False, tie=_TIE))

    def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._reader.search(body)
        except NotFoundError:
            raise ReadModelUnavailable(USER_SEARCH.name, "its index is being made anew") from None
        except StoreUnreachable as error:
            raise ReadModelUnavailable(USER_SEARCH.name, "OpenSearch does not answer") from error
        except TransportError as error:
            if error.status_code in (429, 503):
                raise ReadModelUnavailable(USER_SEARCH.name, "OpenSearch is starting or overloaded") from error
            raise


def user_search_index(client: OpenSearch, prefix: str = "") -> SearchIndex:
    """The writing side."""
    return SearchIndex(client, prefix + ALIAS, MAPPINGS)


def _there(query: Mapping[str, Any] | None) -> dict[str, Any]:
    """Without the tombstones of merged subjects."""
    there: dict[str, Any] = {"must_not": [{"exists": {"field": "gone"}}]}
    return {"bool": there if not query else {"filter": [dict(query)], **there}}


def _mark(order: Sequence[Any]) -> str:
    return hashlib.blake2b(msgspec.json.encode(order), digest_size=6).hexdigest()


def _seal(mark: str, after: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([mark, after])).decode().rstrip("=")


def _open(cursor: str, mark: str) -> list[Any]:
    try:
        found, after = msgspec.json.decode(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=tuple[str, list[Any]]
        )
    except (binascii.Error, ValueError):
        raise CursorInvalid(cursor) from None
    if found != mark:
        raise CursorInvalid(cursor)
    return after
