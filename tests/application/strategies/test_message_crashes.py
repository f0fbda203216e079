"""kill -9 in the middle of sending: each message goes out, under one id, and is told once; repeats are few."""

import multiprocessing
import os
import signal
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler
from multiprocessing.process import BaseProcess

from tests.support.messages import MINUTE, START, outreach, welcomed
from tests.support.receiver import SECRET, Receiver
from tests.support.strategies import StrategySystem
from tests.support.waiting import wait_for

_USERS, _KILLS = 150, 3
_SLOWLY = 0.1  # seconds that an answer takes, so that a kill meets some under way
_OPEN = "select count(*) from outbound_messages where state in ('waiting', 'sending') or tell_at is not null"


def test_each_message_goes_out_whoever_dies(sending: StrategySystem, receiver: Receiver, database: str) -> None:
    def slowly(handler: BaseHTTPRequestHandler) -> None:
        receiver.ending.wait(_SLOWLY)
        handler.send_response(204)
        handler.end_headers()

    receiver.answers["hello"] = slowly
    users = [f"u-{number}" for number in range(_USERS)]
    welcomed(sending, *users)
    for kill in range(_KILLS):
        worker = _worker(database, receiver.url)
        enough = (kill + 1) * _USERS // (_KILLS + 1)
        wait_for(lambda: len(set(receiver.ids)) >= enough, 60)  # noqa: B023
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join()
        sending.clock.set(START + (kill + 1) * 5 * MINUTE)  # what it had taken is anybody's again
    assert sending.rows(_OPEN) != [(0,)], "it was never in the middle"
    worker = _worker(database, receiver.url)
    try:
        wait_for(lambda: sending.rows(_OPEN) == [(0,)], 60)
    finally:
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join()
    attempts = Counter(receiver.ids)
    assert len(attempts) == _USERS
    assert max(attempts.values()) <= _KILLS + 1
    assert {tuple(event["topic"] for event in outreach(sending, user)) for user in users} == {
        ("user-tier.message-sent.v1",)
    }


def _worker(database: str, url: str) -> BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(database, url), daemon=True)
    process.start()
    return process


def _work(database: str, url: str) -> None:
    """Sends until it is killed."""
    with StrategySystem(database, messages_url=url, messages_secret=SECRET) as system:
        while True:
            if not system.strategies.send():
                time.sleep(0.02)
