"""A deadline for a whole call that does not run on while the process itself stands still.

After a sleeping laptop, a stopped process or a blocked loop the replies lie in the sockets, paid
for; a plain timer would find itself expired before anybody has read them.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

SLICE_S = 0.5  #: counted off one by one; a slice that ends later than this was no time of waiting


class Deadline:
    """``async with Deadline(seconds):`` raises TimeoutError when its body took that long.

    Args:
        seconds: on the monotonic clock, standstills left out.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        self._wait()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + min(self._left, SLICE_S)
        self._timer = loop.call_at(due, self._count, due)

    def _count(self, due: float) -> None:
        now = asyncio.get_running_loop().time()
        if now - due < SLICE_S:
            self._left -= SLICE_S
        if self._left > 0:
            self._wait()
        else:
            self._timeout.reschedule(now)
