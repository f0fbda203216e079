"""What the notice of a manual clock does when the clock cannot be read."""

from starlette.responses import Response
from starlette.testclient import TestClient

from interfaces.http.clock import ManualClockNotice


class Unreachable(Exception):
    pass


class ClockWithoutServer:
    def now(self) -> int:
        raise Unreachable


def test_an_outage_is_answered_although_nobody_knows_the_time() -> None:
    refusing = Response("off", 503, {"Retry-After": "2"})
    answer = TestClient(ManualClockNotice(refusing, ClockWithoutServer(), (Unreachable,))).get("/v1/users/u-1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.headers["tierline-clock"] == "manual"
