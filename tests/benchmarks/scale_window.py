"""Open the desk of a project as the command does, work it, and print what everything took as JSON.

    python tests/benchmarks/scale_window.py PROJECT BEGUN

Each figure is from the wish to the drawn answer, in a real window that Qt draws into memory.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.ui.pages.desk import DeskPage

JUMPS = 200
WORDS = ("the", "of the", "answer 57", "ban", "de", '"answer 57"', "pears and plums")


def start(project: str, begun: float) -> None:
    """Open the window as the command does, then hand the desk to ``work``."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    from studio.cli import main as command
    from studio.ui.main import make_application

    found: dict[str, object] = {}

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            parent = watched.parent()
            if event.type() == QEvent.Type.Paint and type(parent).__name__ == "QuestionList":
                if not parent.model().rowCount():  # type: ignore[union-attr]
                    return False
                app.removeEventFilter(self)
                found["desk painted"] = (time.time() - begun) * 1000
                QTimer.singleShot(0, go_on)
            return False

    def go_on() -> None:
        from studio.ui.pages.desk import DeskPage

        (desk,) = (one for top in app.topLevelWidgets() for one in top.findChildren(DeskPage))
        try:
            found.update(Work(desk, app.processEvents, begun).everything())
        finally:
            print(json.dumps(found), flush=True)
            app.closeAllWindows()

    app = make_application()
    watch = Watch()
    app.installEventFilter(watch)
    command(["open", project, "--page", "desk", "--theme", "light", "--size", "1280x800"])


class Work:
    """What a person does at the desk, with a watch beside it."""

    def __init__(self, desk: DeskPage, turn: Callable[[], None], begun: float) -> None:
        self.desk = desk
        self.turn = turn
        self.begun = begun

    def everything(self) -> dict[str, object]:
        """Do it all; milliseconds by name, lists where it was done more than once."""
        found: dict[str, object] = {}
        self.wait(lambda: len(self.desk._found.question_ids) > 0)
        found["every question listed"] = (time.time() - self.begun) * 1000
        self.wait(lambda: self.desk._book is not None and self.desk.panel.trial is not None)
        found["every score read"] = (time.time() - self.begun) * 1000
        found["memory, open"] = memory("VmRSS")
        begun = time.time()
        self.wait(self.indexed)
        found["index made"] = (time.time() - begun) * 1000
        found["jumps"] = list(self.jumps())
        found["filters"] = dict(self.wishes(self.filters()))
        found["sorts"] = dict(self.wishes(self.sorts()))
        found["searches"] = dict(self.wishes(self.searches()))
        found["what-if"] = list(self.drags())
        found["memory"], found["memory, most"] = memory("VmRSS"), memory("VmHWM")
        return found

    def wait(self, done: Callable[[], bool]) -> None:
        """Let the window live until something is so."""
        while not done():
            self.turn()
            time.sleep(0.001)

    def indexed(self) -> bool:
        """Whether every text can be found."""
        from studio.store.search_index import find

        time.sleep(0.2)
        return find(self.desk.workbench.project, "x").progress.whole

    def jumps(self) -> Iterator[float]:
        """Yield what each jump of the scroll bar to a random place takes, drawn."""
        bar, chance = self.desk.questions.verticalScrollBar(), random.Random(1)
        for _ in range(JUMPS):
            begun = time.perf_counter()
            bar.setValue(chance.randint(0, bar.maximum()))
            self.desk.questions.viewport().repaint()
            yield (time.perf_counter() - begun) * 1000
            self.turn()

    def wishes(
        self, wishes: dict[str, dict[str, object]]
    ) -> Iterator[tuple[str, tuple[float, int]]]:
        """Yield what each filter takes from the wish to the drawn list, and how many it finds."""
        from studio.ui.desk_filter import Filter

        for name, fields in wishes.items():
            self.desk.filters.set_filter(Filter())
            self.wait(lambda: self.desk.reading.is_idle)
            before = self.desk._found
            begun = time.perf_counter()
            self.desk.filters.set_filter(Filter(**fields))  # type: ignore[arg-type]
            self.wait(lambda before=before: self.desk._found is not before)  # type: ignore[misc]
            self.desk.questions.viewport().repaint()
            yield name, ((time.perf_counter() - begun) * 1000, len(self.desk.model.ids))
        self.desk.filters.set_filter(Filter())
        self.wait(lambda: self.desk.reading.is_idle)

    def filters(self) -> dict[str, dict[str, object]]:
        """Return one filter of each column."""
        from studio.flow.queues import DOUBTFUL, QUEUES
        from studio.ui.desk_filter import STATES

        assert self.desk._book is not None
        some: dict[str, object] = {
            "teacher": self.desk._book.teachers[0], "reviewer": self.desk._book.reviewers[0],
            "dataset": "svamp", "kind": "rates", "split": "train", "round": 1,
            "student": "Llama-2-7b-chat-hf", "verdict": "wrong", "answer": "wrong", "doubt": "any",
            "mean_from": 4.0, "mean_to": 2.0, "gap_from": 3, "tokens_from": 150, "tokens_to": 60,
        }  # fmt: skip
        columns = {name: {name: value} for name, value in some.items()}
        states = {f"decision {name}": {"state": name} for name in STATES}
        queues = {f"queue {name}": {"queue": name} for name in (*QUEUES, DOUBTFUL)}
        several = {"state": "rejected", "teacher": "gpt", "verdict": "correct", "gap_from": 2,
                   "dataset": "gsm8k", "doubt": "any"}  # fmt: skip
        return {**columns, **states, **queues, "six at once": several}

    def sorts(self) -> dict[str, dict[str, object]]:
        """Return one order by each column."""
        from studio.ui.desk_filter import SORTS

        one = {name: {"sort": ((name, True),)} for name in SORTS}
        return {**one, "gap, then mean": {"sort": (("gap", True), ("mean", False))}}

    def searches(self) -> dict[str, dict[str, object]]:
        """Return searches for words seldom and frequent."""
        return {text: {"text": text} for text in WORDS}

    def drags(self) -> Iterator[float]:
        """Yield what each step of the threshold takes: counted, rows marked, drawn."""
        for step in range(60):
            begun = time.perf_counter()
            self.desk.panel._histogram._set(1.5 + step / 20)
            self.desk.panel._histogram.repaint()
            self.desk.questions.viewport().repaint()
            yield (time.perf_counter() - begun) * 1000
            self.turn()


def memory(name: str) -> float:
    """Return this process's VmRSS (now) or VmHWM (at most so far), in MB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    start(sys.argv[1], float(sys.argv[2]))
