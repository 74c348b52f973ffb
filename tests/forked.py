"""Jobs that start at once: one process has imported torch and forks each of them; see ``forking``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

Moment = Callable[[Path], bool]


class Jobs:
    """Starts jobs in processes of their own, one after the other."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.forking"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""}, cwd=Path(__file__).parents[1],
        )  # fmt: skip
        self._owed = ["ready"]  #: what it has not said yet

    def run(
        self,
        folder: Path,
        *,
        kill_when: Moment | None = None,
        processes: int = 1,
        **environment: str,
    ) -> int:
        """Run a job to its end, or kill it the moment ``kill_when`` is true of its folder."""
        pid = self.begin(folder, processes=processes, environment=environment)
        while kill_when is not None and is_running(pid):
            if kill_when(folder):
                os.kill(pid, signal.SIGKILL)
                break
        return int(self._answers()[-1])

    def begin(self, folder: Path, **told: Any) -> int:
        """Begin a job once the one before has ended; returns the number of its process."""
        self._answers()
        assert self._server.stdin is not None
        whole = {"folder": str(folder), "processes": 1, "environment": {}, "student": False, **told}
        self._server.stdin.write(f"{json.dumps(whole)}\n")
        self._server.stdin.flush()
        self._owed = ["pid"]
        pid = int(self._answers()[-1])
        self._owed = ["end"]
        return pid

    def make_student(self, folder: Path) -> None:
        """Make a tiny student."""
        self.begin(folder, student=True)
        assert self._answers() == ["0"]

    def close(self) -> None:
        """End the server."""
        self._server.communicate()

    def _answers(self) -> list[str]:
        assert self._server.stdout is not None
        owed, self._owed = self._owed, []
        return [self._server.stdout.readline().strip() for _ in owed]


class ForkedLauncher:
    """Launches job folders as the one on this machine does, without its seconds of importing."""

    name = "local"

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def start(self, folder: Path) -> str:
        """Start the job; returns its process."""
        return str(self._jobs.begin(folder, environment=dict(os.environ)))

    def is_alive(self, handle: str) -> bool:
        """Return whether the job is still running."""
        return is_running(int(handle))

    def cancel(self, handle: str, *, kill: bool = True) -> None:
        """Ask the job to stop, and wait for it."""
        with suppress(ProcessLookupError):
            os.kill(int(handle), signal.SIGTERM)
        while self.is_alive(handle):
            time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Return whether there is such a process; one that ended is waited for by the server."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
