"""A read model's indexes in OpenSearch: one a version, an alias that readers use, and writing in bulk.

`NAME-vN` is the index, `NAME` the alias of the version that answers, `NAME-vN-writer` the one that is written through:
a bulk that insists on an alias cannot bring a deleted index back with a mapping that nobody chose.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from opensearchpy import OpenSearch
from opensearchpy.exceptions import NotFoundError, RequestError, TransportError

from projections.target import LaneBatch, Refused, TargetBusy, TargetMissing

_BULK_BYTES = 4_000_000
_BULK_DOCUMENTS = 1_000
_AT_ONCE = 2
_ATTEMPTS = 6
_BUSY = frozenset({429, 502, 503, 504})
_SETTINGS = {
    # Refreshed by the projector alone, so that a checkpoint is exactly what a search can see.
    "refresh_interval": "-1",
    "number_of_shards": 1,
    "auto_expand_replicas": "0-1",
    "mapping.total_fields.limit": 5_000,
}

_encode = msgspec.json.encode
_decode = msgspec.json.decode


class Document(NamedTuple):
    """A whole document. version: a log position; an older one never overwrites a newer one."""

    document_id: str
    version: int
    subject_id: UUID
    source: dict[str, Any]


class SearchIndex:
    """The writing side: a projections.target.Target for operations that are Documents."""

    keeps_checkpoints = False

    def __init__(self, client: OpenSearch, name: str, mappings: dict[str, Any]) -> None:
        self._client, self.alias, self._mappings = client, name, mappings
        self._dirty: set[int] = set()
        self._senders = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix=name)

    def index(self, version: int) -> str:
        """The index of a version."""
        return f"{self.alias}-v{version}"

    def missing(self, version: int, answers: bool) -> bool:
        """Whether the index, or an alias without which nothing works, is gone."""
        alias = self.alias if answers else self._writer(version)
        if self._client.indices.exists_alias(name=alias, index=self.index(version)):
            return False
        return not self._client.indices.exists_alias(name=self._writer(version), index=self.index(version))

    def create(self, version: int) -> None:
        """An empty index with our mapping. One that has lost its aliases is not ours to trust, and goes."""
        index = self.index(version)
        body = {"settings": {"index": _SETTINGS}, "mappings": self._mappings, "aliases": {self._writer(version): {}}}
        if not self.missing(version, answers=False):
            return
        self._client.indices.delete(index=index, ignore=[404])
        try:
            self._client.indices.create(index=index, body=body)
        except RequestError as error:
            if error.error != "resource_already_exists_exception":  # somebody else was quicker
                raise

    def point_to(self, version: int) -> None:
        """Swap the alias to this version, at once for every reader."""
        index = self.index(version)
        if self._client.indices.exists_alias(name=self.alias, index=index):
            return
        actions = [{"add": {"index": index, "alias": self.alias}}]
        if self._client.indices.exists_alias(name=self.alias):
            actions.insert(0, {"remove": {"index": f"{self.alias}-v*", "alias": self.alias}})
        self._client.indices.update_aliases(body={"actions": actions})

    def drop(self, version: int) -> None:
        """Delete the version's index."""
        self._client.indices.delete(index=self.index(version), ignore=[404])

    def positions(self, version: int) -> dict[int, int]:
        """None here: the ledger keeps them."""
        return {}

    def apply(self, version: int, batch: LaneBatch) -> list[Refused]:
        """Write documents with their log position as external version. Fences guard checkpoints."""
        if batch.operations:
            self._dirty.add(version)
        # Two at a time, in any order: of one document the newest version stays.
        outcomes = self._senders.map(lambda chunk: self._bulk(version, chunk), _chunks(batch.operations))
        return [refused for outcome in outcomes for refused in outcome]

    def settle(self, version: int) -> None:
        """Refresh, if anything was written since the last one."""
        if version in self._dirty:
            self._client.indices.refresh(index=self.index(version))
            self._dirty.discard(version)

    def _writer(self, version: int) -> str:
        return f"{self.index(version)}-writer"

    def _bulk(self, version: int, chunk: list[tuple[Document, bytes]]) -> list[Refused]:
        refused: list[Refused] = []
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(0.05 * 2**attempt)
            again = []
            for (document, line), item in zip(chunk, self._send(version, chunk), strict=True):
                status, error = item["status"], item.get("error", {})
                if status in (200, 201, 409):  # 409: an equal or a newer version is there
                    continue
                if status == 404:
                    raise TargetMissing(f"{self.index(version)} is gone")
                if status in _BUSY:
                    again.append((document, line))
                else:
                    reason = f"{error.get('type')}: {error.get('reason')}"
                    refused.append(Refused(document.subject_id, document.version, reason))
            if not again:
                return refused
            chunk = again
        raise TargetBusy(f"{self.index(version)} refused {len(chunk)} documents {_ATTEMPTS} times for lack of room")

    def _send(self, version: int, chunk: Sequence[tuple[Document, bytes]]) -> list[dict[str, Any]]:
        """One bulk request; the outcome of every item, in order."""
        try:
            answer = self._client.transport.perform_request(
                "POST",
                f"/{self._writer(version)}/_bulk",
                params={
                    "require_alias": "true",
                    "filter_path": "items.*.status,items.*.error.type,items.*.error.reason",
                },
                body=b"".join(line for _, line in chunk),
            )
        except NotFoundError:
            raise TargetMissing(f"{self.index(version)} is gone") from None
        except TransportError as error:
            if error.status_code in _BUSY:
                raise TargetBusy(f"{self.index(version)} has no room: {error.error}") from error
            raise
        return [item["index"] for item in answer["items"]]


class IndexReader:
    """The reading side of an index: searches and whole scans."""

    def __init__(self, client: OpenSearch, alias: str) -> None:
        self._client, self.alias = client, alias

    def search(self, body: dict[str, Any]) -> dict[str, Any]:
        """One search. Raises opensearchpy's NotFoundError when the index is gone."""
        answer: dict[str, Any] = self._client.search(index=self.alias, body=body)
        return answer

    def sources(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Documents by id, as written (no refresh needed); unknown ids are missing from the answer."""
        if not ids:
            return {}
        answer = self._client.mget(index=self.alias, body={"ids": list(ids)})
        return {found["_id"]: found["_source"] for found in answer["docs"] if found.get("found")}

    def scan(self, query: dict[str, Any], source: Sequence[str] | bool, tie: str) -> Iterator[dict[str, Any]]:
        """Every hit of a query as of one point in time, ordered by `tie`, a keyword that no two documents share."""
        point = self._client.create_pit(index=self.alias, params={"keep_alive": "2m"})["pit_id"]
        try:
            after: list[Any] | None = None
            while True:
                body = {
                    "size": 2_000,
                    "query": query,
                    "_source": source if isinstance(source, bool) else list(source),
                    "sort": [{tie: "asc"}],
                    "pit": {"id": point, "keep_alive": "2m"},
                    "track_total_hits": False,
                }
                if after is not None:
                    body["search_after"] = after
                hits = self._client.search(body=body)["hits"]["hits"]
                yield from hits
                if len(hits) < 2_000:
                    return
                after = hits[-1]["sort"]
        finally:
            self._client.delete_pit(body={"pit_id": [point]})


def _chunks(documents: Iterable[Document]) -> Iterator[list[tuple[Document, bytes]]]:
    """Lines of a bulk body, a few megabytes at a time."""
    chunk: list[tuple[Document, bytes]] = []
    size = 0
    for document in documents:
        line = b'{"index":{"_id":"%s","version":%d,"version_type":"external_gte"}}\n%s\n' % (
            document.document_id.encode(),
            document.version,
            _encode(document.source),
        )
        if chunk and (len(chunk) == _BULK_DOCUMENTS or size + len(line) > _BULK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append((document, line))
        size += len(line)
    if chunk:
        yield chunk
