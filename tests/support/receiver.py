"""A sending system of an operator's: takes messages over, or does not, as a test says by their template."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cyBzZWNyZXQ="


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Receiver:
    """Use it in a with statement. Answers 200 unless `answers` says otherwise for a message's template: a status, or
    what is called with the handler. taken: bodies in the order in which they came, each with its webhook's id."""

    def __init__(self) -> None:
        self.answers: dict[str, int | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.unsigned = 0
        self.ending = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/messages"

    @property
    def ids(self) -> list[str]:
        """Of every attempt."""
        return [message_id for message_id, _ in self.taken]

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()

    def hang(self, _handler: BaseHTTPRequestHandler) -> None:
        """Never answers."""
        self.ending.wait()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                try:
                    Webhook(SECRET).verify(body, dict(self.headers))
                except WebhookVerificationError:
                    receiver.unsigned += 1
                message = json.loads(body)
                receiver.taken.append((self.headers["webhook-id"], message))
                wanted = receiver.answers.get(message["template"], 200)
                if callable(wanted):
                    wanted(self)
                    return
                self.send_response(wanted)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler
