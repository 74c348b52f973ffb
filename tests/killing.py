"""A committee run that is killed with -9 again and again, and the calm run it must come out equal to.

Used by ``tests/flow/test_kills.py`` (small) and ``tests/benchmarks/committee_kills.py`` (5,000 calls, 30 kills).
"""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from studio.domain.errors import TeacherError
from studio.flow.explanations import ExplainStage
from studio.flow.rationales import SolveStage
from studio.flow.reviews import ReviewStage
from studio.flow.stage import Bench
from studio.launch.local import LocalLauncher
from studio.prompts import Prompts
from studio.store.tables import Store
from studio.teachers.opener import TeacherOpener
from tests.fakes import FaultyEndpoint, add_mistakes, teacher
from tests.ledger import check_ledger

STAGES = ("explain", "solve", "review")
MARK = re.compile(r"SCORE_([0-9a-f]{16}):")
TABLES = {
    "explanations": "attempt_id, teacher, text",
    "rationales": "question_id, teacher, sample, revision, text",
    "reviews": "subject_id, reviewer, score, missing, comment",
}
Tables = dict[str, list[tuple[object, ...]]]


class Killed(NamedTuple):
    """What the kills left behind, added up."""

    kills: int
    sent: int  #: rows without a reply at the kills: what may have to be bought again
    received: int  #: replies on disk that nobody had read


def answer(request: dict[str, Any]) -> str:
    """Answer by the prompt alone, so that two runs can be compared row by row."""
    prompt = str(request["messages"][-1]["content"])
    marks = MARK.findall(str(request["messages"]))
    about = " ".join(prompt.split())[:120]
    return f"About {about}.\nSCORE_{marks[-1]}: 4" if marks else f"About {about}.\nAnswer: 2"


def make_project(path: Path, url: str, *, questions: int, concurrency: int = 4) -> None:
    """Make a project whose three teachers are all at ``url``; 12 calls a question."""
    store = Store.create(path)
    for name in ("a", "b", "c"):
        store.put(teacher(name, url, concurrency=concurrency))
    add_mistakes(store, questions)
    store.set_setting("review_seed", "the same in all")
    store.close()


def start(project: Path, *stages: str, before: tuple[str, ...] = ("-m", "studio"),
          **options: Any) -> subprocess.Popen[str]:  # fmt: skip
    """Start the command line on a project in a process of its own."""
    return subprocess.Popen(
        [sys.executable, *before, "run", str(project), *(stages or STAGES)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def kill(child: subprocess.Popen[str]) -> None:
    """Kill it with -9, as a crash would."""
    child.kill()
    child.communicate(timeout=30)


def kill_often(project: Path, endpoint: FaultyEndpoint, *, kills: int, longest_s: float,
               seed: int = 1, asked: tuple[str, ...] = STAGES) -> Killed:  # fmt: skip
    """Run the project and kill it ``kills`` times, up to ``longest_s`` after its first request."""
    chance = random.Random(seed)
    done = sent = received = 0
    for _ in range(kills):
        before = endpoint.requests
        child = start(project, *asked)
        while endpoint.requests == before and child.poll() is None:
            time.sleep(0.002)
        time.sleep(chance.random() * longest_s)
        finished = child.poll() is not None
        kill(child)
        if finished:
            break
        done += 1
        time.sleep(0.05)  # what the dead process had sent arrives
        after = endpoint.requests
        store = Store(project)
        # The next opening marks them; they are counted and not marked, as a user's would be.
        states = dict(store.rows("SELECT state, count(*) FROM calls GROUP BY state"))
        sent += states.get("sent", 0)
        received += states.get("received", 0)
        check_ledger(store, requests=endpoint.requests, ended=False)
        store.close()
        assert endpoint.requests == after, "something went on asking after the kill"
    return Killed(done, sent, received)


def finish(project: Path, *, tries: int = 8) -> None:
    """Run what is missing to its end; what failed in a run is asked for again in the next."""
    asyncio.run(_finish(project, tries))


async def _finish(project: Path, tries: int) -> None:
    store = Store(project)
    store.orphan_calls()
    stages = (ExplainStage(), SolveStage(), ReviewStage())
    for _ in range(tries):
        await run(store, *stages)
        if not sum(stage.todo(store) for stage in stages):
            break
    store.close()


async def run(store: Store, *stages: Any, key: str | None = None, cap: float | None = None) -> str:
    """Run stages to their end; returns the complaint about teachers that were left out."""
    opener = TeacherOpener(lambda record: key)
    bench = Bench(store, store.path, opener.open, LocalLauncher(), Prompts(), spend_cap_usd=cap)
    told = []
    try:
        for stage in stages:
            try:
                async for _ in stage.run(bench):
                    pass
            except TeacherError as error:
                told.append(str(error))
    finally:
        await opener.aclose()
    return "\n".join(told)


def tables(project: Path) -> Tables:
    """Return what counts in the end, in an order of its own."""
    store = Store(project)
    found = {
        name: sorted(tuple(row) for row in store.rows(f"SELECT {columns} FROM {name}"))
        for name, columns in TABLES.items()
    }
    store.close()
    return found


def check_end(
    project: Path, endpoint: FaultyEndpoint, killed: Killed, calm: FaultyEndpoint | None = None
) -> dict[str, int]:
    """Check what was bought against what was in flight; returns the figures.

    Args:
        calm: what sold an undisturbed run; without it everything is to be sold once.
    """
    store = Store(project)
    check_ledger(store, requests=endpoint.requests)
    orphans = int(store.value(
        "SELECT count(*) FROM calls WHERE state = 'unknown' AND outcome = 'unknown'"
    ))  # fmt: skip
    rows = int(store.value("SELECT count(*) FROM calls"))
    store.close()
    once = {} if calm is None else calm.sold
    extra = sum(max(0, times - once.get(what, 1)) for what, times in endpoint.sold.items())
    assert orphans == killed.sent, "each call in flight at a kill is counted as maybe billed"
    assert extra <= killed.sent, "more was sold twice than was in flight at the kills"
    return {"requests": endpoint.requests, "rows": rows, "in flight at kills": killed.sent,
            "on disk, unread": killed.received, "sold twice": extra}  # fmt: skip
