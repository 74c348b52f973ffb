"""The time of day for records: it never runs backwards, whatever becomes of the machine's clock.

A clock that is set right in the middle of a run (by hand, by the network, after a sleep) would put
what happened later before what happened earlier. So the time of day is asked for once, when the
process begins, and counted on from there by a clock that nobody can set and that sleep does not stop.
"""

from __future__ import annotations

import time


def _steady() -> float:
    # CLOCK_BOOTTIME is Linux's; elsewhere the monotonic clock itself goes on while asleep.
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


_BEGUN = time.time() - _steady()


def now() -> float:
    """Return the seconds since the epoch; later calls never return less."""
    return _BEGUN + _steady()
