"""The desk of 1,000,000 rationales: opened, scrolled, filtered, searched, and beside it LIMIT/OFFSET.

    python tests/benchmarks/scale.py FOLDER [--rationales N]

FOLDER keeps the project that is made at the first time (2 minutes and 3 GB for a million), and its
search index. The window is a process of its own, timed from the command on. Linux: the memory is
read from /proc. Machines differ: the goals are for 2 cores of 2024, look at the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from scale_project import make_project

from studio.store.tables import Store
from studio.ui.cases import read_lines

WINDOW = Path(__file__).with_name("scale_window.py")
STARTS = 3
ROWS = 24  #: of one screen

#: What a list without ids in memory asks for: every jump counts its way through all rows before it.
NAIVE_PAGE = """
SELECT q.id FROM questions q
WHERE EXISTS (SELECT 1 FROM rationales r WHERE r.question_id = q.id) ORDER BY q.rowid LIMIT ? OFFSET ?"""
NAIVE_FILTER = """
SELECT count(DISTINCT r.question_id) FROM current_rationales r
JOIN final_decisions d ON d.rationale_id = r.id WHERE d.accepted = 0 AND r.teacher = 'gpt'"""
NAIVE_SEARCH = """
SELECT count(*) FROM (SELECT id FROM questions WHERE text LIKE ?1
UNION SELECT question_id FROM rationales WHERE text LIKE ?1)"""
NAIVE_WHAT_IF = """
SELECT sum(mean > ?) FROM (SELECT avg(score) AS mean FROM current_reviews
WHERE subject_kind = 'rationale' GROUP BY subject_id)"""


def main() -> None:
    """Measure and print a table."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    asked.add_argument("folder", type=Path)
    asked.add_argument("--rationales", type=int, default=1_000_000)
    given = asked.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    given.folder.mkdir(parents=True, exist_ok=True)
    project = make_project(given.folder / f"rationales-{given.rationales}", given.rationales)
    window(project)  # compiles, makes the index, and warms the machine as any second start is
    runs = [window(project) for _ in range(STARTS)]
    report(runs, naive(project))


def window(project: Path) -> dict[str, Any]:
    """Open the window in a process of its own and return what it measured."""
    done = subprocess.run(
        [sys.executable, WINDOW, project, str(time.time())], capture_output=True, text=True,
        check=True, timeout=1_800,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def naive(project: Path) -> dict[str, float]:
    """Measure the same wishes where every answer is a query over the tables."""
    store, chance = Store(project, read_only=True), random.Random(1)
    questions = int(store.value("SELECT count(*) FROM questions"))

    def jump() -> None:
        rows = store.rows(NAIVE_PAGE, ROWS, chance.randrange(questions))
        read_lines(store, [row[0] for row in rows])

    found = {
        "jump": median(spent(jump) for _ in range(10)),
        "filter": spent(lambda: store.rows(NAIVE_FILTER)),
        "search": spent(lambda: store.rows(NAIVE_SEARCH, "%answer: 57%")),
        "what-if": spent(lambda: store.rows(NAIVE_WHAT_IF, 3.5)),
    }
    store.close()
    return found


def spent(act: Callable[[], object]) -> float:
    """Return the milliseconds of one call."""
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000


def report(runs: list[dict[str, Any]], plain: dict[str, float]) -> None:
    """Print every figure beside its goal; of several starts the median, of several wishes the worst."""
    print("| | median | worst | goal | LIMIT/OFFSET |\n|---|---|---|---|---|")
    for name, goal in (
        ("desk painted", 2_000),
        ("every question listed", 0),
        ("every score read", 0),
    ):
        line(name, [run[name] for run in runs], goal)
    line(f"scroll jump ({len(runs[0]['jumps'])})", every(runs, "jumps"), 50, plain["jump"])
    for title, kind, goal, beside in (("filter", "filters", 300, "filter"), ("sort", "sorts", 0, ""),
                                      ("search", "searches", 500, "search")):  # fmt: skip
        each = {name: [run[kind][name][0] for run in runs] for name in runs[0][kind]}
        line(
            f"{title}: all {len(each)}",
            [ms for one in each.values() for ms in one],
            goal,
            plain.get(beside),
        )
        for name, values in sorted(each.items(), key=lambda one: -median(one[1])):
            line(f"  {title}: {name} ({runs[0][kind][name][1]:,} found)", values)
    line("what-if, drawn", every(runs, "what-if"), 100, plain["what-if"])
    for name in ("memory, open", "memory", "memory, most"):
        line(name, [run[name] for run in runs], 400 if name == "memory" else 0, unit="MB")


def every(runs: list[dict[str, Any]], name: str) -> list[float]:
    """Return the figures of all starts together."""
    return [value for run in runs for value in run[name]]


def line(
    name: str, values: list[float], goal: float = 0, beside: float | None = None, unit: str = "ms"
) -> None:
    """Print one row."""
    goal_text = f"{goal:,} {unit}" if goal else ""
    other = f"{beside:,.0f} ms" if beside is not None else ""
    print(
        f"| {name} | {median(values):,.0f} {unit} | {max(values):,.0f} {unit} | {goal_text} | {other} |"
    )


if __name__ == "__main__":
    main()
