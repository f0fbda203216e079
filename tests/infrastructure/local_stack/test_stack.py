import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from infrastructure.local_stack import processes
from infrastructure.local_stack.launch import birth
from infrastructure.local_stack.stack import PARTS, LocalStack
from tests.support.waiting import wait_for

CHECKOUT = Path(__file__).parents[3]
HEAP_MB = 256


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """All parts, in a home of this module's own (its tests kill servers), with a path as people have them."""
    stack = LocalStack(tmp_path_factory.mktemp("ho me 用户"), opensearch_heap_mb=HEAP_MB)
    try:
        yield stack
    finally:
        stack.down()


@pytest.fixture
def running(own_stack: LocalStack) -> LocalStack:
    status = own_stack.up()
    assert not status.failed, status.failed
    return own_stack


def pids(stack: LocalStack) -> dict[str, int | None]:
    return {server.name: server.pid for server in stack.status()}


def processes_of(home: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(home) in argument for argument in process.info["cmdline"] or [])
    ]


def test_up_again_shares_what_runs(running: LocalStack) -> None:
    before = pids(running)
    assert [server.status for server in running.up().servers] == ["running"] * len(PARTS)
    assert pids(running) == before
    assert None not in before.values()


def test_a_killed_postgres_comes_back_with_its_data(running: LocalStack) -> None:
    with psycopg.connect(running.urls["postgres"]) as connection:
        connection.execute("create table kept as select 42 as answer")
    kill(running, "postgres")
    with psycopg.connect(running.urls["postgres"]) as connection:
        assert connection.execute("table kept").fetchall() == [(42,)]


@pytest.mark.parametrize("name", ["redis", "broker"])
def test_a_killed_redis_comes_back_with_its_data(running: LocalStack, name: str) -> None:
    with redis.Redis.from_url(running.urls[name]) as client:
        client.set("answer", 42)
        # Into the file now: everysec may lose the last second.
        client.bgrewriteaof()
        wait_for(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
    kill(running, name)
    with redis.Redis.from_url(running.urls[name]) as client:
        assert client.get("answer") == b"42"


def test_a_killed_opensearch_comes_back_with_its_data(running: LocalStack) -> None:
    url = running.urls["opensearch"]
    put(f"{url}/kept")
    put(f"{url}/kept/_doc/1?refresh=true", {"answer": 42})
    kill(running, "opensearch")
    with urllib.request.urlopen(f"{url}/kept/_doc/1") as response:
        assert json.load(response)["_source"] == {"answer": 42}


def kill(stack: LocalStack, name: str) -> None:
    """Kills a server, sees that this is seen, and starts it again on the same address."""
    url, pid = stack.urls[name], pids(stack)[name]
    assert pid
    process = psutil.Process(pid)
    process.kill()
    assert wait_for(stack.dead) == [name]
    assert next(server for server in stack.status() if server.name == name).status == "dead"
    (restarted,) = stack.restart_dead()
    assert (restarted.name, restarted.status, restarted.url) == (name, "running", url), restarted.detail
    assert stack.dead() == []


def test_a_port_that_was_taken_in_between_is_replaced(own_stack: LocalStack) -> None:
    own_stack.up({"broker"})
    own_stack.down({"broker"})
    before = own_stack.urls["broker"]
    port = int(before.rsplit(":", 1)[1].split("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        (server,) = own_stack.up({"broker"}).servers
    assert server.status == "running"
    assert server.url not in (None, before)


def test_a_stopped_server_is_not_restarted(own_stack: LocalStack) -> None:
    own_stack.up({"redis"})
    own_stack.down({"redis"})
    assert own_stack.dead() == []
    assert own_stack.restart_dead() == []


def test_postgres_starts_though_its_old_pid_is_another_programs_by_now(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path)
    try:
        stack.up({"postgres"})
        pid = pids(stack)["postgres"]
        assert pid
        psutil.Process(pid).kill()
        wait_for(stack.dead)
        directory = tmp_path / "stack" / "postgres"
        sleeper = processes.start_detached(["/bin/sleep", "60"], directory / "sleeper.json", directory / "sleeper.log")
        assert sleeper
        lock = directory / "data" / "postmaster.pid"
        lock.write_text(lock.read_text().replace(str(pid), str(sleeper.pid), 1))
        try:
            (server,) = stack.restart_dead()
            assert server.status == "running", server.detail
        finally:
            sleeper.kill()
    finally:
        stack.down()


def test_a_broken_part_tells_its_log_and_the_remedy_and_keeps_nobody_down(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path)
    try:
        stack.up({"postgres"})
        stack.down()
        with (tmp_path / "stack/postgres/data/postgresql.conf").open("a") as configuration:
            configuration.write("\nno_such_parameter = 1\n")
        broken, fine = stack.up({"postgres", "redis"}).servers
        assert (broken.status, fine.status) == ("failed", "running")
        assert 'unrecognized configuration parameter "no_such_parameter"' in broken.detail
        assert "TIERLINE_DATABASE_URL" in broken.detail
    finally:
        stack.down()
    assert processes_of(tmp_path) == []


def test_a_directory_that_another_process_makes_in_between_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes.make_directory(tmp_path / "stack" / "redis")
    monkeypatch.setattr(Path, "exists", lambda _: False)  # as it looked a moment ago
    processes.make_directory(tmp_path / "stack" / "redis")
    assert (tmp_path / "stack" / "redis").stat().st_mode & 0o777 == 0o700


def test_two_commands_at_once_share_one_start_and_down_leaves_nothing(tmp_path: Path) -> None:
    environment = os.environ | {
        "TIERLINE_HOME": str(tmp_path),
        "TIERLINE_OPENSEARCH_URL": "http://127.0.0.1:9",  # the slow one is started often enough above
        "PYTHONPATH": str(CHECKOUT),
    }
    code = "from interfaces.cli.main import app; app()"
    command = [sys.executable, "-c", code, "stack"]
    try:
        both = [
            subprocess.Popen([*command, "up", "--json"], env=environment, stdout=subprocess.PIPE, cwd=tmp_path)
            for _ in range(2)
        ]
        first, second = (json.loads(process.communicate(timeout=60)[0]) for process in both)
        assert [(server["name"], server["status"]) for server in first] == [
            ("postgres", "running"),
            ("redis", "running"),
            ("broker", "running"),
            ("opensearch", "external"),
        ]
        assert first == second
        assert len({server["pid"] for server in first}) == len(PARTS)
    finally:
        down = subprocess.run([*command, "down", "--json"], env=environment, stdout=subprocess.PIPE, cwd=tmp_path)
    assert {server["status"] for server in json.loads(down.stdout)} == {"stopped"}
    assert processes_of(tmp_path) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_serves_a_plain_user_too(tmp_path: Path) -> None:
    home = tmp_path / "plain"
    processes.make_directory(home)  # root's tests hand it to a plain user
    script = f"""
import os, sys
sys.path.insert(0, {str(CHECKOUT)!r})
from pathlib import Path
import psutil
from infrastructure.local_stack.stack import LocalStack
assert os.geteuid() != 0
stack = LocalStack(Path({str(home)!r}))
try:
    status = stack.up({{"postgres", "redis"}})
    assert not status.failed, status.failed
    assert all(psutil.Process(server.pid).uids().real == os.geteuid() for server in status.servers)
finally:
    stack.down()
"""
    processes.run_tool([sys.executable, "-c", script], home)
    assert processes_of(home) == []


def test_a_record_of_a_pid_that_is_somebody_elses_by_now_finds_nobody(tmp_path: Path) -> None:
    record = tmp_path / "process.json"
    processes.write_record(record, os.getpid(), None)
    assert processes.find(record) == psutil.Process()
    record.write_text(json.dumps({"pid": os.getpid(), "birth": f"{birth(os.getpid())}0"}))
    assert processes.find(record) is None


def test_a_process_stays_known_when_the_clock_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "process.json"
    processes.write_record(record, os.getpid(), None)
    started = psutil.Process().create_time()
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: started + 3_600)
    assert processes.find(record)


def test_stop_ends_what_does_not_listen(tmp_path: Path) -> None:
    deaf = [
        sys.executable,
        "-c",
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)",
    ]
    log = tmp_path / "log"
    process = processes.start_detached(deaf, tmp_path / "process.json", log)
    wait_for(lambda: "1" in processes.last_lines(log, 0))
    processes.stop(process, signal.SIGTERM, patience_seconds=0.2)
    assert not processes.is_alive(process)


def put(url: str, document: object = None) -> None:
    body = json.dumps(document).encode() if document else None
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="PUT")
    urllib.request.urlopen(request, timeout=30).close()
