"""Documents into OpenSearch, with versions, refreshes and checkpoint, against the client's own bulk helper."""

import statistics
from typing import Any
from uuid import uuid4

from opensearchpy import OpenSearch, helpers

from benchmarks.projection import ReadLog, ground, timed
from benchmarks.stage import Stage
from infrastructure.opensearch.client import open_opensearch
from projections.catalogue import USER_SEARCH
from projections.search_index import SearchIndex
from projections.user_search.projector import project
from projections.user_search.view import user_search_index

GOAL = 0.8
_ROUNDS = 3
_CHUNK = 2_000


def projection_opensearch(stage: Stage, users: int = 10_000) -> dict[str, Any]:
    """Medians of some rounds after a first one that warms the node up, alternating; the records are in memory."""
    client = open_opensearch(stage.urls["opensearch"])
    prefix = f"bench-{uuid4().hex[:8]}-"
    target = user_search_index(client, prefix)
    try:
        with ground(stage.database(), users) as floor:
            tail = ReadLog(floor.log.tail, USER_SEARCH)
            documents = _documents(tail)
            ours, bare = [], []
            for version in range(1, _ROUNDS + 2):
                ours.append(users / floor.seconds(USER_SEARCH, version, project, target, tail))
                bare.append(users / _bulk(client, target, version + 1_000, documents))
                for made in (version, version + 1_000):
                    target.drop(made)
            from_log = users / floor.seconds(USER_SEARCH, _ROUNDS + 2, project, target, floor.log.tail)
    finally:
        client.indices.delete(index=f"{prefix}*")
        client.close()
    value, baseline = statistics.median(ours[1:]), statistics.median(bare[1:])
    return {
        "name": "projection_opensearch",
        "ratio": round(value / baseline, 3),
        "goal": GOAL,
        "value": round(value),
        "baseline": round(baseline),
        "unit": "documents/s",
        "note": f"{users} observations in memory to searchable documents, against helpers.bulk in chunks of {_CHUNK} "
        f"and one refresh; reading, unsealing and decoding the log included: {round(from_log)} documents/s",
    }


def _documents(tail: ReadLog) -> list[tuple[str, dict[str, Any]]]:
    found = [
        project(record)
        for lane in range(USER_SEARCH.lanes)
        for record in tail.read(USER_SEARCH.partitions(lane), 0, 10**9).records
    ]
    return [(one.document_id, one.source) for one in found if one]


def _bulk(client: OpenSearch, target: SearchIndex, version: int, documents: list[tuple[str, dict[str, Any]]]) -> float:
    """Into an index with the same mapping and settings. Returns seconds, making the index not included."""
    target.create(version)
    index = target.index(version)
    actions = ({"_index": index, "_id": one, "_source": source} for one, source in documents)

    def run() -> None:
        helpers.bulk(client, actions, chunk_size=_CHUNK)
        client.indices.refresh(index=index)

    return timed(run)
