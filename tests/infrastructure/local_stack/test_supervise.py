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
_DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
_SLEEPER_DEAF_TO_SIGTERM = [sys.executable, "-c", _DEAF]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    LocalStack(tmp_path).down()


def start(home: Path, *child: str, but: str = "") -> subprocess.Popen[str]:
    """but: a line that changes the module `supervise` first."""
    command = [sys.executable, "-c", but_with(but), str(home), *child]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def but_with(line: str) -> str:
    changed = f"from infrastructure.local_stack import supervise\n{line}\nhome, *command"
    return _RUN.replace("home, *command", changed, 1)


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


def test_ctrl_c_is_heard_by_what_a_shell_has_put_into_the_background(home: Path) -> None:
    run = start(home, *_SLEEPER, but="import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)")
    assert said(run) == "ready"
    run.send_signal(signal.SIGINT)
    assert run.wait(30) == 0


def test_a_child_does_not_outlive_a_killed_run(home: Path) -> None:
    run = start(home, *_SLEEPER)
    assert said(run) == "ready"
    child = psutil.Process(wait_for(lambda: worker(home)))
    run.kill()
    run.wait(10)
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_the_next_run_takes_over_what_a_killed_one_left(home: Path) -> None:
    run = start(home, *_SLEEPER_DEAF_TO_SIGTERM)
    assert {said(run), said(run)} == {"ready", "deaf"}
    child = psutil.Process(wait_for(lambda: worker(home)))
    redis = LocalStack(home).status()[1].pid
    run.kill()
    run.wait(10)
    assert worker(home) == child.pid
    assert LocalStack(home).status()[1].pid == redis

    run = start(home, *_SLEEPER, but="supervise._STOP_SECONDS = 0.2")
    try:
        assert said(run) == "Ending the worker that a killed run has left"
        assert said(run) == "ready"
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
        assert LocalStack(home).status()[1].pid == redis
    finally:
        run.send_signal(signal.SIGTERM)
    assert run.wait(30) == 0
    assert {server.pid for server in LocalStack(home).status()} == {None}
    assert child_status(home) == []


def test_two_runs_of_one_home_leave_each_other_alone(home: Path) -> None:
    first = start(home, *_SLEEPER)
    assert said(first) == "ready"
    second = start(home, *_SLEEPER)
    assert said(second) == "ready"
    assert len(child_status(home)) == 2
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0
    assert len(child_status(home)) == 1
    assert LocalStack(home).status()[1].pid
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
    assert LocalStack(home).status()[1].pid is None


def test_a_child_that_cannot_live_ends_the_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hurried = but_with("supervise._LONGEST_PAUSE_SECONDS = 0.0")
    command = [sys.executable, "-c", hurried, str(home), sys.executable, "-c", "raise SystemExit(7)"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "KeepsDying: worker ended 5 times right after its start (exit code 7)" in run.stderr
    assert run.stdout.count("worker died (exit code 7): starting it again") == 5
    assert json.dumps([server.pid for server in LocalStack(home).status()]) == "[null, null, null, null]"
