"""Transitions in OpenSearch: who moved where, when and why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opensearchpy import OpenSearch

from projections.search_index import IndexReader, SearchIndex
from projections.transitions.projector import MAPPINGS

ALIAS = "tierline-transitions"
_TIE = "event_id"


class TransitionsView:
    """The reading side. Fields as in the projector's mapping."""

    def __init__(self, client: OpenSearch, prefix: str = "") -> None:
        self._reader = IndexReader(client, prefix + ALIAS)

    def matching(self, query: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Every transition that matches an OpenSearch query (None: all) as of one point in time, by event id."""
        for hit in self._reader.scan(dict(query) if query else {"match_all": {}}, source=True, tie=_TIE):
            yield hit["_source"]

    def documents(self, event_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Documents by event id, as written; unknown ones are missing from the answer."""
        return self._reader.sources(event_ids)

    def event_ids(self) -> Iterator[str]:
        """Of every document there is."""
        return (hit["_id"] for hit in self._reader.scan({"match_all": {}}, source=False, tie=_TIE))


def transitions_index(client: OpenSearch, prefix: str = "") -> SearchIndex:
    """The writing side."""
    return SearchIndex(client, prefix + ALIAS, MAPPINGS)
