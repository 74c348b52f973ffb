"""The command line, dead at a named point of its first call: ``python -m tests.killed_at run PROJECT``.

``MAPD_TEST_KILL_AT`` names the point. The product itself knows nothing of such points: they are
put around its parts here, in the process that is to die.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from studio.cli import main
from studio.flow import calls
from studio.store.tables import Store
from studio.teachers.base import RawReply, Reply
from studio.teachers.openai_chat import OpenAIChat

POINTS = ("after-read", "before-commit", "after-commit")


def die(*_: Any) -> None:
    """End as a crash would: nothing is flushed, closed or told."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str) -> None:
    """Put the end of this process at ``point``."""
    if point == "after-read":
        read_whole = OpenAIChat.send

        async def received(self: OpenAIChat, *given: Any, **options: Any) -> RawReply:
            raw = await read_whole(self, *given, **options)
            die()
            return raw

        OpenAIChat.send = received  # type: ignore[method-assign]
    elif point == "before-commit":
        settle = Store.settle_call

        def settled(self: Store, *given: Any, **options: Any) -> None:
            settle(self, *given, **options)
            assert self.sql.in_transaction
            die()

        Store.settle_call = settled  # type: ignore[method-assign]
    elif point == "after-commit":

        def read(raw: RawReply) -> Reply:
            die()
            raise AssertionError(raw)

        calls.read_reply = read
    else:
        raise SystemExit(f"no point is called {point!r}: {', '.join(POINTS)}")


if __name__ == "__main__":
    arm(os.environ["MAPD_TEST_KILL_AT"])
    sys.exit(main())
