"""Breaks the committee's rules one at a time, in a copy, and shows that the suite notices each.

``python -m tests.benchmarks.mutants [NAME ...]``. Ends with an error when a mutant survives.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 120  #: the chosen tests take a third of it
COPIED = ("studio", "tests", "resources", "pyproject.toml", "README.md")


class Change(NamedTuple):
    """One piece of text, which must stand there exactly once, and what takes its place."""

    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    """A rule broken, and the tests that are to notice."""

    name: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]


COMMITTEE, KILLS = "tests/flow/test_committee.py", "tests/flow/test_kills.py"
ONE_CALL = "tests/teachers/test_openai_chat.py"
FAULTS, POWER = "tests/flow/test_faults.py", "tests/store/test_power_loss.py"
CALLS, CHAT = "studio/flow/calls.py", "studio/teachers/openai_chat.py"

MUTANTS = (
    Mutant("intent after reply", (
        Change(CALLS, "            await self._commits.join(lambda: self._store.intend_call(",
               "            raw = await teacher.send(ask.messages, max_tokens=ask.max_tokens,"
               " schema=ask.schema)\n"
               "            await self._commits.join(lambda: self._store.intend_call("),
        Change(CALLS, "            return await teacher.send(ask.messages, max_tokens=ask.max_tokens,"
               " schema=ask.schema)\n        except", "            return raw\n        except"),
    ), (KILLS,)),
    Mutant("no identity check", (
        Change(CALLS, "        if reply.reply_id is None:\n            return reply",
               "        return reply"),
    ), (COMMITTEE,)),
    Mutant("per-read timeout only", (
        Change(CHAT, "async with Deadline(self._record.timeout_s):", "if True:"),
        Change("studio/teachers/wire.py", "httpx2.Timeout(None,", "httpx2.Timeout(timeout_s,"),
    ), (ONE_CALL,)),
    Mutant("deadline runs on in a standstill", (
        Change("studio/teachers/deadline.py", "SLICE_S = 0.5", "SLICE_S = 1e9"),
    ), (KILLS,)),
    Mutant("reply read before it is on disk", (
        Change(CALLS, "        if raw.failure is None:\n            await", "        if False:\n            await"),
    ), (KILLS,)),
    Mutant("the client tries again by itself", (
        Change("studio/teachers/wire.py", "max_retries=0", "max_retries=2"),
    ), (ONE_CALL,)),
    Mutant("redirects followed", (
        Change("studio/teachers/wire.py", "follow_redirects=False", "follow_redirects=True"),
    ), (f"{FAULTS}::test_a_redirect_is_not_followed_with_the_key",)),
    Mutant("key not taken out", (
        Change(CHAT, 'return body.replace(self._key.encode(), HIDDEN.encode())', "return body"),
    ), (FAULTS,)),
    Mutant("commits not synced", (
        Change("studio/store/database.py", '"PRAGMA synchronous=EXTRA"', '"PRAGMA synchronous=NORMAL"'),
    ), (POWER,)),
)  # fmt: skip


def apply(change: Change, root: Path) -> None:
    """Change one file below ``root``; the old text must stand there exactly once."""
    path = root / change.file
    text = path.read_text(encoding="utf-8")
    found = text.count(change.old)
    if found != 1:
        raise ValueError(f"{change.file} holds this {found} times, not once:\n{change.old}")
    path.write_text(text.replace(change.old, change.new), encoding="utf-8")


def main(names: tuple[str, ...] = ()) -> int:
    """Try each mutant; returns how many survived."""
    print(f"{'mutant':<36}{'seconds':>8}  noticed by")
    survived = 0
    for mutant in MUTANTS:
        if names and mutant.name not in names:
            continue
        started = time.monotonic()
        by = _noticed_by(mutant)
        survived += not by
        print(f"{mutant.name:<36}{time.monotonic() - started:>8.1f}  {by or 'NOBODY'}", flush=True)
    return survived


def _noticed_by(mutant: Mutant) -> str:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        for change in mutant.changes:
            apply(change, copy)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-xq", "-p", "no:cacheprovider", *mutant.tests],
                cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True,
                text=True, timeout=LONGEST_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"the clock: not done after {LONGEST_S} s"
    named = re.findall(r"^(?:FAILED|ERROR) \S+?::(\S+)", done.stdout, re.MULTILINE)
    if done.returncode and not named:
        raise RuntimeError(done.stdout + done.stderr)
    return named[0] if named else ""


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:])))
