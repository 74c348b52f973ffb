"""What 200 power cuts cost in each way SQLite can be told to sync: ours, and three that show why.

``python -m tests.benchmarks.power_loss [CUTS] [QUESTIONS]``; needs apsw (the dev extra).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests import killing
from tests.fakes import FaultyEndpoint
from tests.power_cuts import MODES, losses


def main(cuts: int = 200, questions: int = 120) -> None:
    """Print one line per mode."""
    print(f"{'mode':<20}{'cuts':>6}{'rows promised':>15}{'lost':>9}{'cuts with a loss':>18}"
          f"{'damaged files':>15}")  # fmt: skip
    endpoint = FaultyEndpoint(killing.answer)
    try:
        for mode in MODES:
            with tempfile.TemporaryDirectory() as folder:
                found = losses(Path(folder), endpoint.url, mode, n=cuts, questions=questions)
            print(f"{mode:<20}{found.cuts:>6,}{found.promised:>15,}{found.lost:>9,}"
                  f"{found.cuts_with_a_loss:>18,}{found.damaged:>15,}")  # fmt: skip
    finally:
        endpoint.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
