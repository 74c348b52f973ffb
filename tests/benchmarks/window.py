"""How fast the window is: first paint, the Desk of 100,000 rationales, a what-if over all of them.

    python tests/benchmarks/window.py [PROJECT]

Without PROJECT one is made (half a minute). Each start is a fresh process, timed from the command on;
the first is not counted. Machines differ: the goals are for 2 cores of 2024, look at the ratios.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from studio.domain.grading import GRADER
from studio.domain.policy import PRESETS, Policy
from studio.domain.records import Grade, Question, Rationale, Review, Verdict
from studio.flow.decisions import apply_policy
from studio.flow.scorebook import Scorebook
from studio.store.tables import Store

QUESTIONS = 33_334
START = Path(__file__).with_name("window_start.py")
TEACHERS = ("gemini", "gpt", "mistral")
STARTS = 5


def main() -> None:
    """Measure and print a table."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        large = Path(sys.argv[1]) if len(sys.argv) > 1 else make_project(Path(folder) / "large")
        small = Path(folder) / "small"
        Store.create(small).close()
        for name, project, page, until, goal_ms, goal_mb in (
            ("first paint, start page", Path("-"), "overview", "painted", 600, 150),
            ("first paint, empty project", small, "overview", "painted", 600, 150),
            ("first paint, 100,000 rationales", large, "overview", "painted", 600, 150),
            ("Desk of 100,000 rationales, rows painted", large, "desk", "rows", 1_500, None),
            ("the same, 3 s later, the scores read", large, "desk", "settled", None, 400),
        ):
            line(name, *started(project, page, until), goal_ms, goal_mb)
        for name, cost in what_if(large).items():
            line(name, cost, None, 16 if "what-if" in name else None, None)


def line(
    name: str, ms: float, mb: float | None, goal_ms: float | None, goal_mb: float | None
) -> None:
    """Print one measured row beside its goal."""
    memory = "" if mb is None else f"{mb:6.0f} MB"
    goals = [f"{goal_ms:,.0f} ms" if goal_ms else "", f"{goal_mb:,.0f} MB" if goal_mb else ""]
    goal = " and ".join(part for part in goals if part)
    print(f"{name:<48}{ms:>9,.1f} ms {memory:<11}{'goal ' + goal if goal else ''}", flush=True)


def started(project: Path, page: str, until: str) -> tuple[float, float]:
    """Return the median time from the command to what ``until`` names, and the memory then."""
    found = []
    with tempfile.TemporaryDirectory() as compiled:
        settings = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        settings.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled once
        for _ in range(STARTS + 1):
            command = [sys.executable, START, project, page, until, str(time.time())]
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, timeout=120, env=settings
            )
            found.append(json.loads(done.stdout.strip().splitlines()[-1]))
    return median(one[0] for one in found[1:]), median(one[1] for one in found[1:])


def what_if(project: Path) -> dict[str, float]:
    """Return what a drag of the threshold costs, without and with all that is drawn."""
    from studio.ui.main import make_application
    from studio.ui.what_if import try_policy
    from studio.ui.widgets.threshold_panel import ThresholdPanel

    app = make_application()
    store = Store(project, read_only=True)
    begun = time.perf_counter()
    book = Scorebook(store)
    loaded = (time.perf_counter() - begun) * 1000
    policies = [Policy(threshold=n / 20, answer_gate=n % 2 == 0) for n in range(20, 100)]
    panel = ThresholdPanel()
    panel.resize(1_100, 160)
    panel.show_book(book, *store.policy())
    panel.show()
    app.processEvents()

    def drag(policy: Policy) -> None:
        panel._histogram._set(policy.threshold)
        panel._histogram.repaint()

    tally = each(lambda policy: book.tally(policy), policies)
    trial = each(lambda policy: try_policy(book, policy), policies)
    drawn = each(drag, policies)
    store.close()
    panel.close()
    panel.deleteLater()
    app.processEvents()
    return {
        "reading the scores (not waited for)": loaded, "what-if: counts": tally,
        "what-if: counts and rows that would change": trial, "what-if: one step of the line, drawn": drawn,
    }  # fmt: skip


def each(function: Callable[[Policy], object], policies: list[Policy]) -> float:
    """Return the median milliseconds of one call."""
    spent = []
    for policy in policies:
        begun = time.perf_counter()
        function(policy)
        spent.append((time.perf_counter() - begun) * 1000)
    return median(spent)


def make_project(folder: Path) -> Path:
    """Make a project of 100,002 rationales with two reviews each."""
    chance = random.Random(1)
    store = Store.create(folder)
    text = "First add both numbers, then compare them with what was asked. " * 4
    questions = [
        Question(text=f"What are {n} and {n + 1} in all?", gold="1") for n in range(QUESTIONS)
    ]
    rationales = [
        Rationale(question_id=q.id, teacher=name, text=text) for q in questions for name in TEACHERS
    ]
    store.add(questions)
    store.add(rationales)
    store.add(
        Review(subject_id=one.id, reviewer=name, score=chance.randint(1, 5), comment="Each step follows.")
        for one in rationales for name in TEACHERS if name != one.teacher
    )  # fmt: skip
    store.add(
        Grade(subject_id=one.id, subject_kind="rationale", grader=GRADER, extracted="1",
              verdict=chance.choice(list(Verdict)))
        for one in rationales
    )  # fmt: skip
    apply_policy(store, PRESETS["paper"], who="benchmark")
    store.close()
    return folder


if __name__ == "__main__":
    main()
