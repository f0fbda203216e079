"""A client of OpenSearch: every wait finite; a request is repeated only by those who know that they may."""

from opensearchpy import OpenSearch


def open_opensearch(url: str) -> OpenSearch:
    """A client for one URL, user and password in it if need be. Opens nothing until it is used. Safe for threads."""
    return OpenSearch([url], timeout=30, max_retries=0, retry_on_timeout=False, http_compress=False, pool_maxsize=8)
