"""How long the window is away from its events while everything happens at once.

    python -m tests.benchmarks.gaps [PROJECT]

PROJECT is copied; without it one of 30,000 rationales is made. The worst gap of a timer that ticks
every 5 ms is printed for each thing that goes on; the goal is under 200 ms for each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from studio.domain.policy import PRESETS, Policy
from studio.domain.records import Run
from studio.store.tables import Store
from tests.benchmarks.scale_project import make_project
from tests.ui.gaps import GapProbe, add_long_case, questions_file, stream

if TYPE_CHECKING:
    from studio.ui.main_window import MainWindow

SECONDS = 6.0
GOAL_MS = 200


def main() -> None:
    """Measure and print a table."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        if len(sys.argv) > 1:
            shutil.copytree(sys.argv[1], project)
            os.sync()  # else the copy is still being written while the window is measured
        else:
            make_project(project, 30_000)
        store = Store(project)
        long = add_long_case(store)
        run = Run(dataset_id="d", method="mapd", student="small", spec={}, created_at=time.time())
        store.add([run])
        store.set_run_state(run.id, state="stopped", steps=1)
        store.close()
        Busy(project, long, run.id, questions_file(Path(folder) / "many.jsonl", 30_000)).measure()


class Busy:
    """One window, and all that goes on in it."""

    def __init__(self, project: Path, long: str, run_id: str, file: Path) -> None:
        from studio.app.workbench import Workbench
        from studio.ui.main import make_application
        from studio.ui.main_window import MainWindow

        self.app = make_application()
        self.project, self.long, self.run_id, self.file = project, long, run_id, file
        self.window: MainWindow = MainWindow(Workbench(project))
        self.window.closed.connect(self.window.workbench.close)
        self.window.resize(1280, 800)
        self.window.show()
        self.probe = GapProbe()
        self.jobs: list[subprocess.Popen[bytes]] = []

    def measure(self) -> None:
        """Do one thing after the other, then all together."""
        from studio.ui.pages.desk import DeskPage

        print(f"| | worst gap | median | goal {GOAL_MS} ms |\n|---|---|---|---|")
        desk = self.window.show_page("desk")
        assert isinstance(desk, DeskPage)
        self.desk = desk
        self.line(
            "opening the desk",
            self.until(lambda: desk.panel.trial is not None and bool(desk._cases)),
        )
        self.line("nothing", self.still(2))
        self.line("endless lines selected", self.walk())
        self.window.workbench.import_files([self.file])
        self.line("a stage writes", self.working())
        applied = [
            self.window.workbench.apply_policy(PRESETS[name]) for name in ("paper", "studio")
        ]
        self.line("rules are applied", self.until(lambda: all(one.done() for one in applied)))
        self.window.show_page("train")
        self.jobs.append(stream(self.project / "runs" / self.run_id, rate=50, seconds=SECONDS))
        self.line("a run streams 50 events a second", self.still(SECONDS))
        self.line("a stage writes, a run streams, endless lines are selected", self.three())
        self.line("all at once", self.everything())
        for job in self.jobs:
            job.wait(30)
        self.probe.stop()
        self.window.close()
        self.app.processEvents()

    def line(self, name: str, steps: Iterator[None]) -> None:
        """Measure while ``steps`` go on, and print."""
        self.probe.begin()
        for _ in steps:
            self.app.processEvents()
            time.sleep(0.001)
        gaps = self.probe.gaps
        good = "met" if self.probe.worst < GOAL_MS else "missed"
        print(
            f"| {name} | {self.probe.worst:.0f} ms | {median(gaps):.1f} ms | {good} |", flush=True
        )

    def still(self, seconds: float) -> Iterator[None]:
        """Let time pass."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            yield

    def until(self, done: Callable[[], bool]) -> Iterator[None]:
        """Let the window live until something is so."""
        while not done():
            yield

    def walk(self) -> Iterator[None]:
        """Go to and from the case of endless lines, and through the list."""
        desk = self.desk
        place = desk.model.ids.index(self.long)
        for n in range(12):
            desk.questions.go_to(place if n % 2 else n)
            yield from self.still(0.2)

    def working(self) -> Iterator[None]:
        """Walk while a task runs."""
        while self.window.workbench.background.tasks:
            yield from self.walk()

    def three(self) -> Iterator[None]:
        """Select endless lines while a stage writes and a run streams."""
        self.file.write_text(self.file.read_text().replace("lamps", "tables"))
        self.window.show_page("desk")
        yield from self.still(1)
        self.window.workbench.import_files([self.file])
        self.jobs.append(stream(self.project / "runs" / self.run_id, rate=50, seconds=SECONDS))
        yield from self.working()

    def everything(self) -> Iterator[None]:
        """A stage writes, a run streams, rules are tried and applied, and all pages are looked at."""
        self.file.write_text(self.file.read_text().replace("tables", "chairs"))
        self.window.workbench.import_files([self.file])
        self.jobs.append(stream(self.project / "runs" / self.run_id, rate=50, seconds=SECONDS))
        end = time.monotonic() + SECONDS
        while time.monotonic() < end or self.window.workbench.background.tasks:
            self.window.show_page("desk")
            for step in range(5):
                self.desk.panel._histogram._set(2 + step / 2)
                yield from self.still(0.05)
            applied = self.window.workbench.apply_policy(Policy(threshold=3.25))
            yield from self.walk()
            yield from self.until(applied.done)
            self.window.show_page("train")
            yield from self.still(1)


if __name__ == "__main__":
    main()
