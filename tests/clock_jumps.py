"""The command line on a machine whose clock is set while it works: ``python -m tests.clock_jumps``.

This machine's own clock is everybody's, so it is the one function that tells it that jumps here:
8 hours ahead after a second, an hour back after two.
"""

from __future__ import annotations

import sys
import time

real, begun = time.time, time.monotonic()
HOUR = 3600.0


def jumping() -> float:
    """Return what the clock says."""
    since = time.monotonic() - begun
    return real() + (0.0 if since < 2 else 8 * HOUR if since < 3.5 else -HOUR)


time.time = jumping

if __name__ == "__main__":
    from studio.cli import main, output

    output._EVERY_PLAIN_S = 0.1  # in a log an estimate is shown much more seldom than they jump
    code = main()
    assert abs(time.time() - real() + HOUR) < 1, "it ended before the clock had jumped back"
    sys.exit(code)
