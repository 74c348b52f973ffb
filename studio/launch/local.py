"""Runs a job folder as a process of its own on this machine, or as several under torchrun.

The process outlives the studio: it has a session of its own, and its handle names the process by
its start time too, so that another one which later got the same number is not taken for it.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

import studio
from studio.domain.errors import RunError
from studio.domain.redaction import holds_key

GRACE_S = 30.0  #: how long a job asked to stop may take to keep what it has
_POLL_S = 0.1
_DETACHED = 0x00000208  #: DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP, on Windows
_SECRET = re.compile(
    r"(^|_)(API_?KEY|KEY|KEY_ID|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)S?$", re.I
)


class LocalLauncher:
    """Starts ``python -m studio.jobs FOLDER`` detached, its output in ``job.log``.

    Args:
        grace_s: seconds that a job asked to stop may take to keep what it has.
        secret: names the variables that hold teachers' keys, whatever they are called.
    """

    name = "local"

    def __init__(
        self, *, grace_s: float = GRACE_S, secret: Callable[[], Collection[str]] = tuple
    ) -> None:
        self._grace_s = grace_s
        self._secret = secret

    def start(self, folder: Path) -> str:
        """Start the job; returns a handle that survives a restart of the studio."""
        try:
            with (folder / "job.log").open("ab") as log:
                child = subprocess.Popen(
                    _command(folder.resolve()),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                    env=_environment(self._secret()),
                    start_new_session=os.name != "nt",
                    creationflags=_DETACHED if os.name == "nt" else 0,
                )  # fmt: skip
        except OSError as error:
            raise RunError(f"the job of {folder} cannot be started: {error}") from None
        handle = {"pid": child.pid, "born": birth_of(child.pid), "folder": str(folder.resolve())}
        child.returncode = 0  # it outlives us: Popen is not to complain that it still runs
        return json.dumps(handle)

    def is_alive(self, handle: str) -> bool:
        """Return whether the very job that the handle names is still running."""
        pid, born, _ = _parts(handle)
        _reap(pid)
        return pid > 0 and born != "" and birth_of(pid) == born

    def cancel(self, handle: str, *, kill: bool = True) -> None:
        """Ask the job to stop and keep what it has, and wait a while for that.

        Args:
            kill: end it if it does not answer in time; else it stops when it comes to it.
        """
        pid, _, folder = _parts(handle)
        if not self.is_alive(handle):
            return
        with suppress(OSError):
            (Path(folder) / "stop").touch()
        # Told by a signal, torchrun gives its processes half a minute; the file is enough for them.
        if os.name != "nt" and _processes(Path(folder)) < 2:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + self._grace_s
        while self.is_alive(handle) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if kill and self.is_alive(handle):
            _kill(pid)


def without_secrets(environment: Mapping[str, str], named: Collection[str] = ()) -> dict[str, str]:
    """Return ``environment`` without what looks like a key or is named as one: a child needs none.

    Nor what holds a key that this process knows of, whatever it is called.
    """
    return {name: value for name, value in environment.items()
            if not (name in named or _SECRET.search(name) or holds_key(value))}  # fmt: skip


def birth_of(pid: int) -> str:
    """Return when a process was started, as its system tells it; empty when there is none."""
    if sys.platform.startswith("linux"):
        return _birth_on_linux(pid)
    if sys.platform == "win32":
        return _birth_on_windows(pid)
    done = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _command(folder: Path) -> list[str]:
    """Return how a job is started: by itself, or as several processes under torchrun."""
    # -P: what lies in the current folder is not taken for a Python module.
    python, job = [sys.executable, "-P"], ["-m", "studio.jobs", str(folder)]
    processes = _processes(folder)
    if processes < 2:
        return [*python, *job]
    together = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return [*python, *together, *job]


def _processes(folder: Path) -> int:
    try:
        return int(json.loads((folder / "spec.json").read_bytes()).get("processes", 1))
    except (OSError, ValueError, TypeError, AttributeError):
        return 1  # the job itself says what is wrong with its spec


def _environment(secret: Collection[str]) -> dict[str, str]:
    """Return what the job is told of its surroundings: where this very package is, and no key."""
    environment = without_secrets(os.environ, secret)
    here = str(Path(studio.__file__).resolve().parents[1])
    paths = [here, environment.get("PYTHONPATH", "")]
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _reap(pid: int) -> None:
    """Take note of the end of a child of ours, or it would stay as a zombie."""
    if sys.platform != "win32" and pid > 0:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _kill(pid: int) -> None:
    """End a job with all it started; on Windows SIGTERM is the end of the process itself."""
    with suppress(OSError):
        if sys.platform == "win32":
            os.kill(pid, signal.SIGTERM)
        else:
            os.killpg(pid, signal.SIGKILL)


def _birth_on_linux(pid: int) -> str:
    try:
        # The name in parentheses may hold spaces; what follows it is fixed: state is field 3.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _birth_on_windows(pid: int) -> str:  # pragma: no cover - exercised on Windows only
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return ""
    try:
        times = [ctypes.c_ulonglong() for _ in range(4)]
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.GetProcessTimes(handle, *(ctypes.byref(value) for value in times))
        still_active = 259
        return str(times[0].value) if code.value == still_active else ""
    finally:
        kernel.CloseHandle(handle)


def _parts(handle: str) -> tuple[int, str, str]:
    try:
        parts = json.loads(handle)
        return int(parts["pid"]), str(parts["born"]), str(parts["folder"])
    except (ValueError, KeyError, TypeError):
        return 0, "", ""
