"""The read models over real servers. Called by bootstrap alone."""

import os
import socket
from uuid import uuid4

from opensearchpy import OpenSearch
from redis import Redis

from infrastructure.postgres.pool import Pool
from infrastructure.read_models.ledger import PostgresLedger
from infrastructure.redis.boards import RedisBoard
from projections.catalogue import TRANSITIONS, USER_CARD, USER_SEARCH
from projections.read_models import ReadModels
from projections.reconcile import card_mirror, search_mirror, transitions_mirror
from projections.records import Tail
from projections.target import Target
from projections.transitions.view import TransitionsView, transitions_index
from projections.user_card.view import UserCards, UserCardView
from projections.user_search.view import UserSearchView, user_search_index


def build_read_models(
    pool: Pool, tail: Tail, redis: Redis, opensearch: OpenSearch, index_prefix: str = ""
) -> ReadModels:
    """index_prefix: put before every index and alias, so that several installations may share a cluster."""
    targets: dict[str, Target] = {
        USER_CARD.name: UserCards(redis),
        USER_SEARCH.name: user_search_index(opensearch, index_prefix),
        TRANSITIONS.name: transitions_index(opensearch, index_prefix),
    }
    mirrors = {
        USER_CARD.name: card_mirror(UserCardView(redis)),
        USER_SEARCH.name: search_mirror(UserSearchView(opensearch, index_prefix)),
        TRANSITIONS.name: transitions_mirror(TransitionsView(opensearch, index_prefix)),
    }
    holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
    return ReadModels(tail, PostgresLedger(pool), targets, mirrors, RedisBoard(redis), holder)
