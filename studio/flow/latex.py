"""Whether two LaTeX answers are equal, asked of math-verify in processes of its own.

math-verify keeps its time limit with a signal that only a main thread may set, and an expression
can occupy sympy for hours or fill the memory. So each check runs in a worker process with a limit
of ours; a worker that exceeds it is killed and replaced. Workers start when the first check comes,
and end with the studio, for they read from its pipe. ``python -m studio.flow.latex`` is a worker.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

#: Seconds a check may take once its worker runs, and until a new worker is ready (it imports
#: sympy, which takes seconds on a cold disk).
CHECK_S = 3.0
START_S = 60.0
_MEMORY = 2 << 30  #: bytes of address space a worker may take
#: A worker reads what models wrote: it is given no key that the environment may hold, and it
#: imports from where the studio lies, not from the folder the user happens to be in.
_NEEDED = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "HOME", "LANG", "PYTHONPATH")
_SOURCES = Path(__file__).resolve().parents[2]
_MANY = 4096  #: answers remembered
_EQUATION = re.compile(r"[a-zA-Z][^=<>]*(?<![<>!:\\])=|=[^=<>]*[a-zA-Z]")
_SPACES = re.compile(r"\s+")


class LatexWorkers:
    """At most ``size`` workers; ``equal`` may be called from any thread.

    Undecided checks (no math-verify, a time-out, a crash) are *not equal*: plain rules have their
    say before, so nothing but a LaTeX match is lost, and ``undecided`` counts it.
    """

    def __init__(self, size: int = 1, *, check_s: float = CHECK_S) -> None:
        self.undecided = 0
        self._check_s = check_s
        self._free: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._seats = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], bool] = {}
        self._is_closed = self._is_missing = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def equal(self, gold: str, answer: str) -> bool:
        """Return whether two expressions are known to be equal."""
        if _SPACES.sub("", gold) == _SPACES.sub("", answer):
            return True
        # math-verify 0.9 calls 3x-y+13=0 and 3x+4y+14=0 equal: equations are left to their text.
        if _EQUATION.search(gold) and _EQUATION.search(answer):
            return False
        known = self._known.get((gold, answer))
        return self._ask(gold, answer) if known is None else known

    def close(self) -> None:
        """End all workers; checks under way come back undecided."""
        with self._lock:
            self._is_closed = True
            workers = list(self._all)
        for worker in workers:
            worker.end()

    def _ask(self, gold: str, answer: str) -> bool:
        with self._seats:
            worker = self._take()
            decided = None if worker is None else worker.check(gold, answer, self._check_s)
            if worker is not None:
                self._give_back(worker)
        with self._lock:
            if decided is None:
                self.undecided += 1
            if len(self._known) < _MANY:
                self._known[gold, answer] = bool(decided)
        return bool(decided)

    def _take(self) -> _Worker | None:
        with self._lock:
            if self._is_closed or self._is_missing:
                return None
            if self._free:
                return self._free.pop()
            worker = _Worker()
            self._all.add(worker)
        if worker.is_ready():
            return worker
        with self._lock:
            self._is_missing = not self._is_closed
            self._all.discard(worker)
        worker.end()
        return None

    def _give_back(self, worker: _Worker) -> None:
        with self._lock:
            if worker.is_alive() and not self._is_closed:
                self._free.append(worker)
                return
            self._all.discard(worker)
        worker.end()


class _Worker:
    """One worker process, one line of JSON to it and one line back for each check."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "studio.flow.latex"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=_SOURCES, env={name: os.environ[name] for name in _NEEDED if name in os.environ},
        )  # fmt: skip

    def is_ready(self) -> bool:
        """Wait until the worker has math-verify; False where it cannot be had."""
        return bool(self._line(START_S) == "ready")

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def check(self, gold: str, answer: str, limit_s: float) -> bool | None:
        """Return the worker's answer; None (and a dead worker) when it takes too long."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps([gold, answer]).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            return None
        said = self._line(limit_s)
        return said if isinstance(said, bool) else None

    def end(self) -> None:
        """End the process and close its pipes."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _line(self, limit_s: float) -> Any:
        """Return one line's value; a worker that says nothing in time is killed."""
        assert self._process.stdout is not None
        alarm = threading.Timer(limit_s, self._process.kill)
        alarm.start()
        try:
            line = self._process.stdout.readline()
        except (OSError, ValueError):  # closed from another thread
            line = b""
        finally:
            alarm.cancel()
            alarm.join()
        if not line and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        return json.loads(line) if line.endswith(b"\n") else None


def work() -> None:
    """Answer checks from standard input until it closes. Runs in the worker's main thread."""
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what libraries print must not look like an answer
    _limit_memory()
    try:
        import math_verify  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        print(json.dumps("missing"), file=out, flush=True)
        return
    import logging

    logging.disable(logging.CRITICAL)  # it warns at each check that its own time limit is off
    print(json.dumps("ready"), file=out, flush=True)
    for line in sys.stdin.buffer:
        gold, answer = json.loads(line)
        print(json.dumps(_verify(math_verify, gold, answer)), file=out, flush=True)


def _verify(math_verify: Any, gold: str, answer: str) -> bool | None:
    try:
        # LaTeX only: the reader of plain expressions passes them to Python's eval.
        how = {
            "extraction_config": [math_verify.LatexExtractionConfig()], "parsing_timeout": None,
        }  # fmt: skip
        one, other = (
            math_verify.parse(text if "$" in text else f"${text}$", **how)
            for text in (gold, answer)
        )
        return bool(one and other and math_verify.verify(one, other, timeout_seconds=None))
    except Exception:  # the outermost boundary of a worker: any failure is "undecided"
        return None


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has none; the time limit alone must do
        return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


if __name__ == "__main__":
    work()
