"""The command line with hardly more memory than it has after its start: ``python -m tests.little_memory``."""

from __future__ import annotations

import re
import resource
import sys
from importlib import import_module
from pathlib import Path

from studio.cli import main

ROOM = 60 << 20  #: bytes beyond what is mapped already


def limit() -> None:
    """Let this process grow by ``ROOM`` and no further."""
    for name in ("studio.teachers.wire", "studio.flow.asking", "sqlite_utils"):
        import_module(name)
    mapped = re.search(r"VmSize:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert mapped is not None
    most = (int(mapped[1]) << 10) + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    limit()
    sys.exit(main())
