"""Jobs in processes of their own that start at once: torch is imported here, once, then forked.

Started as ``python -m tests.forking``; for each line of standard input, ``{"folder": ...,
"processes": n}``, it answers with the number of the (first) process that runs the job there, and
with its end on the next line. With ``"student"`` for a job a tiny student is made in that folder.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

from studio.domain.specs import read_spec
from studio.jobs import __main__ as jobs
from studio.jobs import export, failures, generate, measure, train
from tests import tiny_student

LOADED = (export, failures, generate, measure, train)  #: by the parent, for all its children


def main() -> None:
    """Fork a job for each line."""
    print("ready", flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        folder, processes = Path(told["folder"]), int(told["processes"])
        surroundings = together(processes) if processes > 1 else [{}]
        # Nothing was computed yet, so torch has no threads to lose.
        if told["student"]:
            pids = [made(folder)]
        else:
            assert read_spec(folder)
            pids = [forked(folder, {**told["environment"], **own}) for own in surroundings]
        print(pids[0], flush=True)
        ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        print(max(ends, key=abs), flush=True)


def forked(folder: Path, environment: dict[str, str]) -> int:
    """Run the job in a child; returns its number."""
    pid = os.fork()
    if pid == 0:
        log = os.open(folder / "job.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(environment)
        os._exit(jobs.main([str(folder)]))
    return pid


def made(folder: Path) -> int:
    """Make a tiny student in a child; returns its number."""
    pid = os.fork()
    if pid == 0:
        tiny_student.main(folder)
        os._exit(0)
    return pid


def together(processes: int) -> list[dict[str, str]]:
    """What torchrun tells each of the processes that train together."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [
        {
            "RANK": str(n), "LOCAL_RANK": str(n), "WORLD_SIZE": str(processes),
            "LOCAL_WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        }
        for n in range(processes)
    ]  # fmt: skip


if __name__ == "__main__":
    main()
