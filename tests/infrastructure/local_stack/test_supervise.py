import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infrastructure.local_stack.stack import LocalStack
from infrastructure.local_stack.supervise import child_status
from tests.support.waiting import wait_for

# A `tierline run` in small: one server, one child, and a line when it is ready.
_RUN = """
import sys
from pathlib import Path
from infrastructure.local_stack.stack import LocalStack
from infrastructure.local_stack.supervise import Child, KeepsDying, Supervisor

home, *command = Path(sys.argv[1]), *sys.argv[2:]
say = lambda text: print(text, flush=True)
try:
    with Supervisor(home, LocalStack(home), say) as supervisor:
        assert not supervisor.up({"redis"}).failed
        supervisor.run([Child("worker", command, "http://here")], lambda: True, lambda: say("ready"))
except KeepsDying as error:
    sys.exit(f"KeepsDying: {error}")
"""
_SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    LocalStack(tmp_path).down()


def start(home: Path, *child: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _RUN, str(home), *child]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(run: subprocess.Popen[str]) -> str:
    assert run.stdout
    return run.stdout.readline().strip()


def worker(home: Path) -> int | None:
    """Its pid, once it has become the program it was told to be."""
    return next(
        (child.pid for child in child_status(home) if "sleep" in str(psutil.Process(child.pid).cmdline())), None
    )


def test_what_dies_is_started_again_and_everything_ends_with_the_run(home: Path) -> None:
    run = start(home, *_SLEEPER)
    try:
        assert said(run) == "ready"
        stack = LocalStack(home)
        redis = stack.status()[1].pid
        first = wait_for(lambda: worker(home))
        assert redis
        assert [(child.name, child.url) for child in child_status(home)] == [("worker", "http://here")]

        psutil.Process(first).kill()
        assert said(run) == "worker died (signal 9): starting it again"
        second = wait_for(lambda: worker(home))
        assert second != first

        psutil.Process(redis).kill()
        assert said(run) == "redis died: it runs again"
        assert stack.status()[1].pid not in (None, redis)
    finally:
        run.send_signal(signal.SIGTERM)
    assert run.wait(30) == 0
    assert {server.pid for server in stack.status()} == {None}
    assert not psutil.pid_exists(second)
    assert child_status(home) == []


def test_a_server_that_ran_before_goes_on(home: Path) -> None:
    stack = LocalStack(home)
    (before,) = stack.up({"redis"}).servers
    run = start(home, *_SLEEPER)
    assert said(run) == "ready"
    run.send_signal(signal.SIGINT)
    assert run.wait(30) == 0
    assert stack.status()[1].pid == before.pid


def test_a_child_does_not_outlive_a_killed_run(home: Path) -> None:
    run = start(home, *_SLEEPER)
    assert said(run) == "ready"
    child = psutil.Process(wait_for(lambda: worker(home)))
    run.kill()
    run.wait(10)
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_child_that_cannot_live_ends_the_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hurried = _RUN.replace(
        "home, *command",
        "from infrastructure.local_stack import supervise\nsupervise._LONGEST_PAUSE_SECONDS = 0.0\nhome, *command",
    )
    command = [sys.executable, "-c", hurried, str(home), sys.executable, "-c", "raise SystemExit(7)"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "KeepsDying: worker ended 5 times right after its start (exit code 7)" in run.stderr
    assert run.stdout.count("worker died (exit code 7): starting it again") == 5
    assert json.dumps([server.pid for server in LocalStack(home).status()]) == "[null, null, null, null]"
