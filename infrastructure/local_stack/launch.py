"""Becomes a server's process, or a tool's, as a plain user. Run as a program of its own:

    python launch.py detach RECORD LOG PROGRAM ARGUMENT...   a server: its own session, no parent, output to LOG
    python launch.py run DIRECTORY PROGRAM ARGUMENT...       a tool in the foreground
    python launch.py attend PARENT PROGRAM ARGUMENT...       a child that ends when the process PARENT does

`detach` writes RECORD (pid and birth) before it turns into the program, so that no kill can leave a server that
nobody knows of, and returns once it has. Started by root, the first two go on as the owner of the server's
directory, because PostgreSQL and OpenSearch rightly refuse root.
"""

import ctypes
import json
import os
import signal
import struct
import sys
from pathlib import Path

import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TICKS = 19  # of /proc/PID/stat, counted from after the name

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def main(arguments: list[str]) -> int:
    """The exit code of `detach`; the others never return."""
    verb, target, *rest = arguments
    if verb == "run":
        _become(Path(target), rest)
    if verb == "attend":
        _attend(int(target), rest)
    return _detach(Path(target), Path(rest[0]), rest[1:])


def birth(pid: int) -> str:
    """What tells a process from any other that has or had its pid. Raises psutil.NoSuchProcess.

    On Linux its start by the clock since boot: the time of day that psutil answers moves when somebody sets the clock.
    """
    if sys.platform != "linux":
        return str(psutil.Process(pid).create_time())
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(pid) from None
    return f"{_BOOT_ID.read_text().strip()} {fields[_START_TICKS]}"


def _attend(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died before the wish was made
        sys.exit(1)
    os.execvp(command[0], command)


def _detach(record: Path, log: Path, command: list[str]) -> int:
    # The pipe closes when the child has become the program, or brings why it could not.
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        with os.fdopen(reader) as trouble:
            text = trouble.read()
        print(text, file=sys.stderr, end="")
        return 1 if text else 0
    os.setsid()
    try:
        log_file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        os.dup2(log_file, 1)
        os.dup2(log_file, 2)
        _write_record(record)
        _become(record.parent, command)
    except BaseException as error:
        os.write(writer, f"{command[0]}: {error}\n".encode())
        os._exit(1)
    raise AssertionError("unreachable")


def _write_record(path: Path) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"pid": os.getpid(), "birth": birth(os.getpid())}))
    draft.replace(path)


def _become(directory: Path, command: list[str]) -> None:
    if os.geteuid() == 0:
        _give_up_root(directory, command)
    os.chdir(directory)
    os.execv(command[0], command)


def _give_up_root(directory: Path, command: list[str]) -> None:
    """Goes on as the directory's owner, keeping one right of root's if it is needed: to pass closed directories
    (such as /root) on the way to its data, its program and what the command names."""
    named = [directory, *(Path(argument) for argument in command if argument.startswith("/"))]
    owner = directory.stat()
    libc = ctypes.CDLL(None, use_errno=True)
    keep = sys.platform == "linux" and not all(_open_to_all(path) for path in named)
    if keep:
        # Rights stay over the change of user (all but one are given up below), and count for access(2) too.
        libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(owner.st_gid, owner.st_gid, owner.st_gid)
    os.setresuid(owner.st_uid, owner.st_uid, owner.st_uid)
    if keep:
        header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
        mask = 1 << _CAP_DAC_OVERRIDE
        sets = struct.pack("=6I", mask, mask, mask, 0, 0, 0)
        if libc.capset(header, sets) or libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0):
            raise PermissionError(
                f"of {', '.join(map(str, named))} some lie below a directory closed to others, and this root "
                "may not hand on the right to pass it: move them (TIERLINE_HOME, TIERLINE_CACHE) or be a plain user"
            )


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
