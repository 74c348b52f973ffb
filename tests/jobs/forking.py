"""Jobs in processes of their own that start at once: torch is imported here, once, then forked.

Started as ``python -m tests.jobs.forking``; for each folder on a line of standard input it answers
with the number of the process that runs the job there, and with its end on the next line.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from studio.domain.specs import read_spec
from studio.jobs import __main__ as jobs
from studio.jobs import export, failures, generate, train

LOADED = (export, failures, generate, train)  #: by the parent, for all its children


def main() -> None:
    """Fork a job for each line."""
    print("ready", flush=True)
    for line in sys.stdin:
        folder = Path(line.strip())
        assert read_spec(folder)
        pid = os.fork()  # nothing was computed yet, so torch has no threads to lose
        if pid == 0:
            log = os.open(folder / "job.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os._exit(jobs.main([str(folder)]))
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
