"""Server processes: detached from whoever starts them, known by a record of pid and birth."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from infrastructure.local_stack.launch import birth

_LAUNCHER = Path(__file__).with_name("launch.py")
# What root's servers run as, there on every system.
_PLAIN_USER = "nobody"
_LOG_BYTES_KEPT = 5_000_000
_POLL_SECONDS = 0.02


def make_directory(directory: Path) -> None:
    """A directory for one server, closed to others and owned by the user whom the server will run as."""
    try:
        directory.mkdir(parents=True, mode=0o700)
    except FileExistsError:  # also made by another process, just now
        return
    hand_over(directory)


def hand_over(path: Path) -> None:
    """Gives a file or directory that root has written to its parent's owner; a plain user if that is root too."""
    if os.geteuid() == 0:
        plain, owner = pwd.getpwnam(_PLAIN_USER), path.parent.stat()
        os.chown(path, owner.st_uid or plain.pw_uid, owner.st_gid or plain.pw_gid)


def start_detached(command: Sequence[str], record: Path, log: Path) -> psutil.Process | None:
    """Starts a server in a session of its own; it outlives this process. None when it has ended already: its log tells
    why. Raises ChildProcessError when the program cannot even be started."""
    if log.exists() and log.stat().st_size > _LOG_BYTES_KEPT:
        shutil.move(log, log.with_suffix(".log.1"))
    arguments = [sys.executable, "-P", str(_LAUNCHER), "detach", str(record), str(log), *command]
    result = subprocess.run(arguments, env=_environment(record.parent), stdin=subprocess.DEVNULL, capture_output=True)
    if result.returncode:
        raise ChildProcessError(result.stderr.decode(errors="replace").strip())
    return find(record)


def run_tool(command: Sequence[str], directory: Path) -> None:
    """Runs a server's own tool to its end, as that server's user. Raises ChildProcessError with its output."""
    arguments = [sys.executable, "-P", str(_LAUNCHER), "run", str(directory), *command]
    result = subprocess.run(
        arguments,
        env=_environment(directory),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if result.returncode:
        raise ChildProcessError(result.stdout.decode(errors="replace").strip())


def find(record: Path) -> psutil.Process | None:
    """The live process that a record speaks of; None when it is gone or its pid is somebody else's by now."""
    try:
        written = json.loads(record.read_text())
        process = psutil.Process(written["pid"])
        same = birth(process.pid) == written["birth"]
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None


def write_record(record: Path, pid: int, url: str | None) -> None:
    """Records a child of this process, with its URL if it has one."""
    record.parent.mkdir(parents=True, exist_ok=True)
    draft = record.with_suffix(".new")
    draft.write_text(json.dumps({"pid": pid, "birth": birth(pid), "url": url}))
    draft.replace(record)


def read_url(record: Path) -> str | None:
    """The URL that a record has."""
    url: str | None = json.loads(record.read_text())["url"]
    return url


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop(process: psutil.Process, polite: signal.Signals, patience_seconds: float) -> None:
    """Asks a server to end, waits, and if it does not ends its whole session."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(polite)
    if not _ends(process, patience_seconds):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _ends(process, patience_seconds)


def _ends(process: psutil.Process, seconds: float) -> bool:
    # Not process.wait(): a server's parent is the system's first process, which may be slow to bury it.
    deadline = time.monotonic() + seconds
    while is_alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def last_lines(log: Path, since: int, count: int = 12) -> str:
    """The last lines of a log from byte `since` on, without Java's stack frames, which would crowd out the cause."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(since, log.stat().st_size - 20_000))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join([line for line in lines if not line.startswith("\tat ")][-count:])


def _environment(directory: Path) -> dict[str, str]:
    # Nothing of the caller's (PGPORT, JAVA_TOOL_OPTIONS, a locale) may change what a server does.
    return {"PATH": os.defpath, "HOME": str(directory), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
