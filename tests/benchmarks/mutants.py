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
ASKING, BUDGET = "tests/flow/test_asking.py", "tests/flow/test_budget.py"
BY_BATCH, REVIEWS = "tests/flow/test_batches.py", "tests/flow/test_reviews.py"
PURSE, BATCHES = "studio/flow/purse.py", "studio/flow/batches.py"
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
        Change("studio/teachers/wire.py", "        response.request = request\n",
               "        if response.status_code == 307:\n"
               "            request.url = httpx2.URL(response.headers['location'])\n"
               "            response = await transport.handle_async_request(request)\n"
               "        response.request = request\n"),
    ), (f"{FAULTS}::test_a_redirect_is_not_followed_with_the_key",)),
    Mutant("key not taken out", (
        Change(CHAT, 'return body.replace(self._key.encode(), HIDDEN.encode())', "return body"),
    ), (FAULTS,)),
    Mutant("commits not synced", (
        Change("studio/store/database.py", '"PRAGMA synchronous=EXTRA"', '"PRAGMA synchronous=NORMAL"'),
    ), (f"{POWER}::test_two_hundred_cuts_lose_nothing_that_was_promised",)),
    Mutant("a reply on disk is bought again", (
        Change(CALLS, "        if call is None or call.reply is None:\n", "        if True:\n"),
    ), (COMMITTEE,)),
    Mutant("reviews wait for the stage before", (
        Change("studio/flow/together.py", "        if not kept.made:\n", "        if True:\n"),
    ), (ASKING,)),
    Mutant("the target has no end", (
        Change("studio/flow/rationales.py",
               'if row["samples"] < self._quality.most_samples]', "]"),
    ), (ASKING,)),
    Mutant("the budget begins anew with each start", (
        Change("studio/flow/budget.py", "if begun is None or begun", "if True or begun"),
    ), (BUDGET,)),
    Mutant("what may have been billed is taken for nothing", (
        Change(PURSE, "        if maybe and cost is None:\n", "        if False:\n"),
    ), ("tests/flow/test_purse.py", BUDGET)),
    Mutant("the budget does not see what is under way", (
        Change(PURSE, "spent + self._reserved + expected <=", "spent + expected <="),
    ), ("tests/flow/test_purse.py", BUDGET)),
    Mutant("a batch's intents after it", (
        Change(BATCHES, "        self._store.check_space()\n        with",
               "        remote = await self._endpoint.submit([item.line for item in items], mark=batch_id)\n"
               "        self._store.check_space()\n        with"),
        Change(BATCHES, "            remote = await self._endpoint.submit([item.line for item in items],"
               " mark=batch_id)\n        except", "            pass\n        except"),
    ), (f"{BY_BATCH}::test_an_answer_lost_after_handing_over_is_looked_for_by_its_mark",
        f"{BY_BATCH}::test_killed_while_the_batch_is_out_it_is_collected_by_the_next_run")),
    Mutant("a batch that is out is not counted", (
        Change("studio/flow/batch_deal.py", "        purse.hold(held, calls)\n", "        purse.hold(0.0, 0)\n"),
        Change("studio/flow/batch_deal.py", "purse.hold(out - held, -calls)", "purse.hold(out, 0)"),
    ), (BY_BATCH,)),
    Mutant("an output under whatever call it names", (
        Change(BATCHES, "or call_id not in waiting:", "or False:"),
    ), (BY_BATCH,)),
    Mutant("wrong sums pass the gate", (
        Change("studio/domain/policy.py", "if policy.arithmetic_gate and not sums_hold:", "if False:"),
    ), ("tests/flow/test_checks.py",)),
    Mutant("any mark will do", (
        Change("studio/flow/review_reading.py", "SCORE_{re.escape(mark)}:", "SCORE_[0-9a-f]+:"),
    ), (REVIEWS,)),
    Mutant("a score handed back counts", (
        Change("studio/flow/review_reading.py", "if handed_back else found", "if False else found"),
    ), (REVIEWS,)),
    Mutant("Retry-After not obeyed", (
        Change("studio/flow/pace.py", "        if asked_s is not None:\n", "        if False:\n"),
    ), ("tests/flow/test_pace.py",)),
    Mutant("a refused account is asked on", (
        Change("studio/flow/committee.py", "        return _why_leave_out(raw, reply)\n\n    def leave",
               '        return ""\n\n    def leave'),
    ), (f"{FAULTS}::test_after_an_account_s_no_at_most_what_was_in_flight_is_asked", COMMITTEE)),
    Mutant("a foreign trigger is let in", (
        Change("studio/store/schema.py", "    if foreign:\n", "    if False:\n"),
    ), ("tests/store/test_schema.py",)),
    Mutant("the main file does not say that it lacks something", (
        Change("studio/store/database.py", "self._is_marked = self._has_log and mark_open(self.sql)",
               "self._is_marked = True"),
    ), ("tests/store/test_sidecar.py",)),
    Mutant("a person's word is overruled", (
        Change("studio/store/tables.py", "        with self.transaction():\n            self.sql.executemany(\n"
               '                "INSERT OR REPLACE INTO decisions',
               "        with self.transaction():\n"
               '            self.sql.execute("DELETE FROM overrides")\n            self.sql.executemany(\n'
               '                "INSERT OR REPLACE INTO decisions' ),
    ), ("tests/flow/test_decisions.py",)),
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
    print(f"{'mutant':<52}{'seconds':>8}  noticed by")
    survived = 0
    for mutant in MUTANTS:
        if names and mutant.name not in names:
            continue
        started = time.monotonic()
        by = _noticed_by(mutant)
        survived += not by
        print(f"{mutant.name:<52}{time.monotonic() - started:>8.1f}  {by or 'NOBODY'}", flush=True)
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
