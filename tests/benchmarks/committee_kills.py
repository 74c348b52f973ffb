"""5,000 calls over 15 % injected faults, killed 30 times with -9, beside a run left alone.

``python -m tests.benchmarks.committee_kills [QUESTIONS] [KILLS]``; 12 calls a question. Ends with an error
when the tables differ, the file is not whole, or more was bought twice than was in flight.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests import killing
from tests.fakes import FaultyEndpoint, some_faults

AT_ONCE = 8  #: a teacher; there are three


def main(questions: int = 417, kills: int = 30) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        rough, calm = Path(folder) / "rough", Path(folder) / "calm"
        faulty = FaultyEndpoint(killing.answer, fault=some_faults(0.15, seed=7), latency_s=0.02)
        quiet = FaultyEndpoint(killing.answer)
        try:
            _run(rough, calm, faulty=faulty, quiet=quiet, questions=questions, kills=kills)
        finally:
            faulty.close()
            quiet.close()


def _run(rough: Path, calm: Path, *, faulty: FaultyEndpoint, quiet: FaultyEndpoint,
         questions: int, kills: int) -> None:  # fmt: skip
    started = time.monotonic()
    for path, endpoint in ((rough, faulty), (calm, quiet)):
        killing.make_project(path, endpoint.url, questions=questions, concurrency=AT_ONCE)
    killed = killing.kill_often(rough, faulty, kills=kills, longest_s=questions / 417 * 1.1)
    at_the_kills = faulty.requests
    killing.finish(rough)
    killing.finish(calm)
    figures = killing.check_end(rough, faulty, killed)
    assert killing.tables(rough) == killing.tables(calm), "the tables differ"
    assert killed.kills == kills, f"the run was over after {killed.kills} kills"
    print(f"{questions * 12:,} calls needed, killed {killed.kills} times, "
          f"{time.monotonic() - started:.0f} s in all")  # fmt: skip
    print(f"{'requests before the last kill':<32}{at_the_kills:>8,}")
    for name, figure in figures.items():
        print(f"{name:<32}{figure:>8,}")
    print(f"{'most that could be in flight':<32}{killed.kills * 3 * AT_ONCE:>8,}")
    print("integrity ok after each kill; the tables equal those of the run left alone")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
