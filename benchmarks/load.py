"""Load over HTTP: many connections from a process of its own, against a uvicorn in another."""

import multiprocessing
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

_WARM_SECONDS = 1.0
_RUN_SECONDS = 3.0
_ROUNDS = 5


@contextmanager
def served(make_app: Callable[..., Any], *arguments: Any) -> Iterator[int]:
    """The port of a uvicorn process that serves make_app(*arguments)."""
    port = _free_port()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(make_app, arguments, port), daemon=True)
    process.start()
    try:
        _await(port)
        yield port
    finally:
        process.terminate()
        process.join()


def alternate(arms: dict[str, Callable[[float], int]]) -> dict[str, float]:
    """Requests a second of each arm: the median of rounds in which they take turns. An arm: seconds -> requests."""
    for arm in arms.values():
        arm(_WARM_SECONDS)
    rates: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(_ROUNDS):
        for name, arm in arms.items():
            started = time.perf_counter()
            answered = arm(_RUN_SECONDS)
            rates[name].append(answered / (time.perf_counter() - started))
    return {name: statistics.median(found) for name, found in rates.items()}


def hammer(port: int, requests: Callable[[int], bytes], connections: int, seconds: float) -> int:
    """How many requests were answered with 2xx, one at a time on each connection. requests: number -> raw HTTP.

    Raw sockets and no parsing: the two arms are to be slow, not the client.
    """
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    try:
        return _take_turns(sockets, requests, time.perf_counter() + seconds)
    finally:
        for one in sockets:
            one.close()


def _take_turns(sockets: list[socket.socket], requests: Callable[[int], bytes], deadline: float) -> int:
    number = 0
    for one in sockets:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.sendall(requests(number))
        number += 1
    answered = 0
    while time.perf_counter() < deadline:
        for one in sockets:
            _receive(one)
            answered += 1
            one.sendall(requests(number))
            number += 1
    for one in sockets:
        _receive(one)
    return answered


def _receive(one: socket.socket) -> None:
    received = one.recv(65_536)
    if not received.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(received[:500].decode(errors="replace"))
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += one.recv(65_536)


def _serve(make_app: Callable[..., Any], arguments: tuple[Any, ...], port: int) -> None:
    uvicorn.run(make_app(*arguments), port=port, access_log=False, log_level="warning", server_header=False)


def _await(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError("the server did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
